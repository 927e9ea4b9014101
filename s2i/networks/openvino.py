"""OpenVINO's one Core."""

import sys
from functools import cache as once

# OpenVINO and nncf tell their makers what they are imported for and convert, unless they cannot import this.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None is how Python forbids an import


@once
def openvino_core():
    """The one openvino.Core of a process, which is kept.

    One that goes takes with it the stack that the thread which made it handles signals on, when another was made in
    between: the next signal, a Ctrl-C, would then end the process with a segmentation fault.
    """
    import openvino  # takes a second

    return openvino.Core()
