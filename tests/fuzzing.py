"""Fuzz for some minutes: the tests of tests/test_fuzzing.py again and again, each time with other examples.

    python tests/fuzzing.py [MINUTES]

Ends with the first failure, whose example pytest prints.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).with_name("test_fuzzing.py")
ROUND = 1000  # percent of the examples of the default tests


def main() -> None:
    """Run rounds until the time is over; the exit status is that of the last one."""
    end = time.monotonic() + 60 * float(sys.argv[1] if len(sys.argv) > 1 else 60)
    rounds = 0
    while time.monotonic() < end:
        rounds += 1
        command = [sys.executable, "-m", "pytest", TESTS, "-x", f"--hypothesis-seed={time.time_ns() % 2**32}"]
        done = subprocess.run(command, env=os.environ | {"S2I_FUZZ_EXAMPLES": str(ROUND)}, cwd=TESTS.parents[1])
        if done.returncode:
            sys.exit(done.returncode)
    print(f"{rounds} rounds without a failure")


if __name__ == "__main__":
    main()
