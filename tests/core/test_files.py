"""Files and folders that are whole or not there."""

import os
import signal
import subprocess
import sys

import pytest

from s2i.core.files import whole_file, whole_folder


def test_a_stage_that_fails_leaves_the_old_folder(tmp_path):
    target = tmp_path / "out"
    with whole_folder(target) as folder:
        (folder / "old").touch()
    with pytest.raises(RuntimeError), whole_folder(target) as folder:
        (folder / "new").touch()
        raise RuntimeError
    assert [path.name for path in target.iterdir()] == ["old"]


def test_a_stage_that_is_killed_leaves_the_old_folder_and_the_next_run_starts_clean(tmp_path):
    target = tmp_path / "out"
    with whole_folder(target) as folder:
        (folder / "old").touch()
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom s2i.core.files import whole_folder\n"
        "with whole_folder(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'half').touch()\n    print('begun', flush=True)\n    time.sleep(60)\n"
    )
    stage = subprocess.Popen([sys.executable, "-c", script, str(target)], stdout=subprocess.PIPE)
    assert stage.stdout.readline() == b"begun\n"
    os.kill(stage.pid, signal.SIGKILL)
    stage.wait()
    assert [path.name for path in target.iterdir()] == ["old"]
    with whole_folder(target) as folder:
        (folder / "new").touch()
    assert [path.name for path in target.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_file_that_fails_halfway_leaves_the_old_one(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), whole_file(target) as draft:
        draft.write_text("new")
        raise RuntimeError
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]
