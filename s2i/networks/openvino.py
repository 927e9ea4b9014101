"""OpenVINO's one Core."""

import sys
from functools import cache as once
from typing import Any

# OpenVINO and nncf tell their makers what they are imported for and convert, unless they cannot import this.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None is how Python forbids an import


@once
def openvino_core() -> Any:
    """The one openvino.Core of a process, which is kept.

    OpenVINO's Core remembers the thread that made it, and the stack on which that thread handles signals goes with it.
    Where another Core was made in between, the next signal, a Ctrl-C, would end the process with a segmentation fault.
    """
    import openvino  # takes a second

    return openvino.Core()
