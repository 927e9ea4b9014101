"""Many people at once: python benchmarks/app.py [--users 20] [--seconds 180] -> benchmarks/app.json

Serves the app with the last trained model in a process of its own, and has every user, a thread with the app's own
API, ask for one image after the other.  Written are the number of images, the seconds that an image took, queue
included, the jobs that failed, and the server's resident memory over time: ``growth_megabytes`` is from the end of the
first third on.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from gradio_client import Client, handle_file

from s2i.app import suggestions

HERE = Path(__file__).parent
MEMORY_POINTS = 60  # that are written


@dataclass
class Load:
    """What users do to the app at an address, and what comes of it."""

    url: str
    sketch: str
    steps: int
    seconds: list[float] = field(default_factory=list)  # that each image took
    failures: list[str] = field(default_factory=list)

    def ask(self, client: Client, steps: int, seed: int) -> Path:
        """The image that the app makes of the sketch."""
        arguments = handle_file(self.sketch), "house of red", steps, 3, 1, "", seed
        return Path(client.predict(*arguments, api_name="/draw"))

    def ask_until(self, end: float, first_seed: int) -> None:
        """Ask for one image after the other, each from another seed, until the clock (monotonic) says ``end``."""
        client, seed = Client(self.url, verbose=False), first_seed
        while time.monotonic() < end:
            began = time.monotonic()
            try:
                if not self.ask(client, self.steps, seed).stat().st_size:
                    raise ValueError("an empty image")
                self.seconds.append(time.monotonic() - began)
            except Exception as error:  # what goes wrong is what is counted
                self.failures.append(f"{type(error).__name__}: {error}")
            seed += 1


@contextmanager
def served(folder: Path) -> Iterator[tuple[subprocess.Popen, str]]:
    """The app in a process of its own, its files in a folder, and its address, as soon as the page is there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-c", "from s2i.cli import main; main()", "app", "--port", port]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"TMPDIR": str(folder)})
    assert process.stdout
    process.stdout.readline()
    try:
        yield process, f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait()


def megabytes(process: int) -> int:
    """The resident memory of a process."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    (line,) = (line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


def memory_while_in_use(process: subprocess.Popen, users: list[threading.Thread]) -> list[int]:
    """The server's memory in megabytes, every second until all users are done."""
    memory = []
    while any(user.is_alive() for user in users) and process.poll() is None:
        memory.append(megabytes(process.pid))
        time.sleep(1)
    return memory


def measure(count: int, seconds: float, steps: int) -> dict:
    """What so many users, asking for so many seconds, get."""
    sketch = suggestions.of_records().examples[0][0]
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        with served(Path(folder)) as (process, url):
            started = time.monotonic() - began
            load = Load(url, sketch, steps)
            load.ask(Client(url, verbose=False), steps=1, seed=0)  # the model is loaded
            end = time.monotonic() + seconds
            users = [threading.Thread(target=load.ask_until, args=(end, 1000 * number)) for number in range(count)]
            for user in users:
                user.start()
            memory = memory_while_in_use(process, users)
            crashed = process.poll() is not None
        left = len(list(Path(folder).glob("s2i-app-*")))
    quantiles = {str(q): round(float(np.percentile(load.seconds, q)), 2) for q in (50, 95) if load.seconds}
    return {
        "users": count,
        "seconds": seconds,
        "steps": steps,
        "first_page_seconds": round(started, 2),
        "images": len(load.seconds),
        "failed": load.failures,
        "crashed": crashed,
        "seconds_a_image": quantiles,
        "megabytes": memory[:: max(1, len(memory) // MEMORY_POINTS)],
        "growth_megabytes": memory[-1] - memory[len(memory) // 3] if memory else None,
        "folders_left_behind": left,
    }


def main() -> None:
    """Measure, write the figures, and print all but the memory over time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--steps", type=int, default=20, help="of every image (default: 20)")
    parser.add_argument("--out", type=Path, default=HERE / "app.json")
    arguments = parser.parse_args()
    figures = measure(arguments.users, arguments.seconds, arguments.steps)
    arguments.out.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps({name: figure for name, figure in figures.items() if name != "megabytes"}))


if __name__ == "__main__":
    main()
