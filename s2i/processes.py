"""Which of several processes this is."""

import os


def is_main_process() -> bool:
    """Whether this is the process that writes files: the only one, or the first that accelerate launch started."""
    return int(os.environ.get("RANK", 0)) == 0
