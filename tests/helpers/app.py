"""What tests of the app send to it."""

from s2i.app import suggestions

REQUEST = {"prompt": "red house", "steps": 2, "guidance": 3, "control": 1, "scheduler": "", "seed": 4}  # of the API
NO_SUGGESTIONS = suggestions.Suggestions({part: [] for part in suggestions.PARTS}, [])
