"""OpenVINO's one Core."""

import sys
from functools import cache as once
from typing import Any

# OpenVINO and nncf tell their makers what they are imported for and convert, unless they cannot import this.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None is how Python forbids an import


@once
def openvino_core() -> Any:
    """The one openvino.Core of a process, which is kept.

    When a Core is freed after another one was made, the stack on which the first one's thread handles signals is freed
    too: the next signal, a Ctrl-C, would then end the process with a segmentation fault.
    """
    import openvino  # takes a second

    return openvino.Core()
