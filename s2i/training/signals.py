"""A training that is asked to stop leaves a checkpoint first."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import torch
from accelerate import Accelerator


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set; a second signal interrupts the program at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def any_process_asked(stop: threading.Event, accelerator: Accelerator) -> bool:
    """Whether any process was asked to stop; all processes get the same answer, and so stop after the same step."""
    if accelerator.num_processes == 1:
        return stop.is_set()
    asked: torch.Tensor = accelerator.reduce(torch.tensor(float(stop.is_set()), device=accelerator.device), "sum")
    return asked.item() > 0
