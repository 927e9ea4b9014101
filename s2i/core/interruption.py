"""What Ctrl-C and SIGTERM do to a stage or a command: one sentence, and the exit status that shells expect.

The script of a stage imports this before all else, and from then on ends so: what it imports next takes seconds.
"""

import os
import signal
import sys
from types import FrameType

from s2i.core.messages import program

NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


def exit_on_signal() -> None:
    """From now on Ctrl-C and SIGTERM end this process, as `sys.exit` does, with a sentence and status 130 or 143.

    What is under way cleans up; a second signal does not wait for that.  Processes that this one forks keep the
    handling that the system gives them.
    """
    owner = os.getpid()
    asked: list[int] = []

    def leave(number: int, frame: FrameType | None) -> None:
        if os.getpid() != owner:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        if asked:
            os._exit(128 + number)
        asked.append(number)
        sentence = f"\n{program()}: stopped by {NAMES[signal.Signals(number)]}; what was there before is kept.\n"
        os.write(2, sentence.encode())
        raise SystemExit(128 + number)

    for number in NAMES:
        signal.signal(number, leave)


def is_script() -> bool:
    """Whether this process was started as ``python FILE.py``, and not as a test, a module or a worker of another."""
    main = sys.modules["__main__"]
    return getattr(main, "__spec__", None) is None and str(getattr(main, "__file__", "")).endswith(".py")


if is_script():
    exit_on_signal()
