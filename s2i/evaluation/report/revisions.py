"""Files of another Git revision, a DVC experiment among them, without checking it out."""

import json
import subprocess
import sys
from io import BytesIO
from typing import Any

import pandas as pd

from s2i.core.errors import UserError


def resolve(name: str) -> str:
    """The commit of a branch, tag, hash or DVC experiment; raises UserError when there is none."""
    for candidate in (f"{name}^{{commit}}", *_experiments(name)):
        parsed = _git("rev-parse", "--verify", "--quiet", "--end-of-options", candidate)
        if parsed.returncode == 0:
            return parsed.stdout.decode().strip()
    raise UserError(
        f"'{name}' is no revision of this repository and no DVC experiment: "
        "see `git log` and `dvc exp list`; a shallow clone needs `git fetch --unshallow`."
    )


def _experiments(name: str) -> list[str]:
    """The references of the DVC experiments of that name, the newest first."""
    listed = _git("for-each-ref", "--sort=-committerdate", "--format=%(refname)", "refs/exps")
    return [line for line in listed.stdout.decode().split() if line.rsplit("/", 1)[-1] == name]


def experiments_of(revision: str) -> list[str]:
    """The commits of the DVC experiments that were run on a revision, the newest first."""
    commit = resolve(revision)
    references = f"refs/exps/{commit[:2]}/{commit[2:]}"
    listed = _git("for-each-ref", "--sort=-committerdate", "--format=%(objectname)", references)
    return listed.stdout.decode().split()


def read(commit: str, path: str) -> bytes | None:
    """A file's bytes at a commit, path from the working folder; None where the commit has no such file."""
    shown = _git("show", f"{commit}:./{path}")
    return shown.stdout if shown.returncode == 0 else None


def table(content: bytes, **settings: Any) -> pd.DataFrame:
    """The table in the bytes that `read` gives; settings are those of pandas.read_csv."""
    return pd.read_csv(BytesIO(content), **settings)


def changed_params(commit: str) -> dict[str, tuple]:
    """{key: (old, new)} of the parameters that differ from a commit's, by `dvc params diff`."""
    command = [sys.executable, "-m", "dvc", "params", "diff", "--json", commit]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise UserError(f"`dvc params diff {commit}` failed ({reason}); run from the project's folder.")
    files = json.loads(done.stdout or "{}").values()
    return {key: (change.get("old"), change.get("new")) for file in files for key, change in file.items()}


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *arguments], capture_output=True)
