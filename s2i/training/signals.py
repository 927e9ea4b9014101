"""A training that is asked to stop leaves a checkpoint first."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch
from accelerate import Accelerator


class StopRequest(threading.Event):
    """An event that a signal sets; number: of which signal."""

    number: int = signal.SIGTERM


@contextmanager
def stop_on_signal() -> Iterator[StopRequest]:
    """An event that SIGTERM and SIGINT set; a second signal interrupts the program at once."""
    stop = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            earlier = before[number]
            if callable(earlier):
                earlier(number, frame)
            raise KeyboardInterrupt
        stop.number = number
        stop.set()

    before: dict[int, Any] = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def any_process_asked(stop: StopRequest, accelerator: Accelerator) -> bool:
    """Whether any process was asked to stop; all processes get the same answer, and so stop after the same step."""
    if accelerator.num_processes == 1:
        return stop.is_set()
    asked: torch.Tensor = accelerator.reduce(torch.tensor(float(stop.is_set()), device=accelerator.device), "sum")
    return asked.item() > 0
