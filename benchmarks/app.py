"""Many people at once: python benchmarks/app.py [--users 20] [--seconds 180] -> benchmarks/app.json

Serves the app with the last trained model in a process of its own, and has every user, a thread with the app's own
API, ask for one image after the other.  Told are images, seconds that an image took, queue included, jobs that
failed, and the server's resident memory over time: ``growth_megabytes`` is from the end of the first third on.
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
from pathlib import Path

import numpy as np
from gradio_client import Client, handle_file

from s2i.app.suggestions import of_records

HERE = Path(__file__).parent


def megabytes(process: int) -> int:
    (line,) = (one for one in Path(f"/proc/{process}/status").read_text().splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


def user(url: str, sketch: str, number: int, until: float, steps: int, taken: list, failed: list) -> None:
    client = Client(url, verbose=False)
    seed = 1000 * number
    while time.monotonic() < until:
        began = time.monotonic()
        try:
            drawn = client.predict(handle_file(sketch), "house of red", steps, 3, 1, "", seed, api_name="/draw")
            if not Path(drawn).stat().st_size:
                raise ValueError("an empty image")
            taken.append(time.monotonic() - began)
        except Exception as error:  # what goes wrong is what is counted
            failed.append(f"{type(error).__name__}: {error}")
        seed += 1


def watched(process: subprocess.Popen, users: list[threading.Thread]) -> list[int]:
    """The server's memory, every second until all users are done."""
    memory = []
    while any(one.is_alive() for one in users) and process.poll() is None:
        memory.append(megabytes(process.pid))
        time.sleep(1)
    return memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--steps", type=int, default=20, help="of every image (default: 20)")
    parser.add_argument("--out", type=Path, default=HERE / "app.json")
    chosen = parser.parse_args()
    sketch = of_records().examples[0][0]
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = str(one.getsockname()[1])
    command = [sys.executable, "-c", "from s2i.cli import main; main()", "app", "--port", port]
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"TMPDIR": folder})
        process.stdout.readline()
        started = time.monotonic() - began
        url, taken, failed = f"http://127.0.0.1:{port}/", [], []
        Client(url, verbose=False).predict(
            handle_file(sketch), "", 1, 1, 1, "", 0, api_name="/draw"
        )  # the model is there
        until = time.monotonic() + chosen.seconds
        each = (url, sketch)
        users = [
            threading.Thread(target=user, args=(*each, number, until, chosen.steps, taken, failed))
            for number in range(chosen.users)
        ]
        for one in users:
            one.start()
        memory = watched(process, users)
        crashed = process.poll() is not None
        process.terminate()
        process.wait()
        left = len(list(Path(folder).glob("s2i-app-*")))
    found = {
        "users": chosen.users,
        "seconds": chosen.seconds,
        "steps": chosen.steps,
        "first_page_seconds": round(started, 2),
        "images": len(taken),
        "failed": failed,
        "crashed": crashed,
        "seconds_a_image": {str(q): round(float(np.percentile(taken, q)), 2) for q in (50, 95)} if taken else {},
        "megabytes": memory[:: max(1, len(memory) // 60)],
        "growth_megabytes": memory[-1] - memory[len(memory) // 3] if memory else None,
        "folders_left_behind": left,
    }
    chosen.out.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps({name: one for name, one in found.items() if name != "megabytes"}))


if __name__ == "__main__":
    main()
