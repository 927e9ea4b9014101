"""OpenVINO's one Core."""

from functools import cache as once


@once
def openvino_core():
    """The one openvino.Core of a process, which is kept.

    One that goes takes with it the stack that the thread which made it handles signals on, when another was made in
    between: the next signal, a Ctrl-C, would then end the process with a segmentation fault.
    """
    import openvino  # takes a second

    return openvino.Core()
