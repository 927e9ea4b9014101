"""What tests of the app send to it."""

from s2i.app import suggestions
from s2i.vocabulary.attributes import MAIN_PARTS

REQUEST = {  # of the API
    **{"prompt": "red house", "steps": 2, "guidance": 3, "control": 1, "scheduler": "", "seed": 4},
    **{"negative_prompt": "blurred", "control_guidance": 2},
}
NO_SUGGESTIONS = suggestions.Suggestions({part: [] for part in MAIN_PARTS}, [])
