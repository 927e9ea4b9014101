"""Folders that are whole or not there, and what they may replace."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from s2i.core.errors import UserError
from s2i.core.output_folders import MARKER, alone, replaced, whole_folder

WRITE_AND_WAIT = (
    "import sys, time\nfrom pathlib import Path\nfrom s2i.core.output_folders import whole_folder\n"
    "with whole_folder(Path(sys.argv[1])) as folder:\n"
    "    (folder / 'half').touch()\n    print('begun', flush=True)\n    time.sleep(60)\n"
)


def write(target, name, may_hold=()):
    with whole_folder(target, may_hold) as folder:
        (folder / name).write_text(name)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def target(tmp_path):
    """A folder that was written before, and stands alone in its own."""
    write(tmp_path / "out", "old")
    assert names(tmp_path) == ["out"], "no draft and no lock is left"
    return tmp_path / "out"


@pytest.fixture
def other_run(target):
    """A process that is writing the folder."""
    with subprocess.Popen([sys.executable, "-c", WRITE_AND_WAIT, str(target)], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"begun\n"
        yield process
        process.kill()


def test_a_stage_that_fails_leaves_the_old_folder(target):
    with pytest.raises(RuntimeError), whole_folder(target) as folder:
        (folder / "new").touch()
        raise RuntimeError
    assert names(target) == [MARKER, "old"] and names(target.parent) == ["out"]


def test_a_stage_that_is_killed_leaves_the_old_folder_and_the_next_run_starts_clean(target, other_run):
    os.kill(other_run.pid, signal.SIGKILL)
    other_run.wait()
    assert names(target) == [MARKER, "old"]
    write(target, "new")
    assert names(target) == [MARKER, "new"] and names(target.parent) == ["out"]


def test_of_two_runs_at_once_the_second_is_refused_and_the_first_one_s_draft_stays(target, other_run):
    with pytest.raises(UserError, match=r"another run writes .*/out: wait for it, or stop it\."):
        write(target, "new")
    (draft,) = target.parent.glob(".out.*.draft")
    assert (draft / "half").exists() and names(target) == [MARKER, "old"]


def test_another_run_is_waited_for_where_that_is_asked_for(target):
    command = [sys.executable, "-c", WRITE_AND_WAIT.replace("60", "0.5"), str(target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with alone(target, wait=True), replaced(target) as folder:
            (folder / "new").touch()
    assert names(target) == [MARKER, "new"]


def test_a_run_killed_while_it_swaps_folders_loses_none(target):
    target.rename(target.with_name(".out.0123456789abcdef.old"))
    with pytest.raises(RuntimeError), whole_folder(target):
        assert names(target) == [MARKER, "old"], "the old one is back"
        raise RuntimeError
    shutil.copytree(target, target.with_name(".out.0123456789abcdef.old"))
    write(target, "new")
    assert names(target.parent) == ["out"] and names(target) == [MARKER, "new"]


@pytest.mark.parametrize("own", ["mine.txt", ".git"])
def test_a_folder_that_s2i_did_not_write_is_not_replaced(tmp_path, own):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / own).touch()
    with pytest.raises(UserError, match=rf"photos would be replaced, and holds {own}, which s2i did not write"):
        write(tmp_path / "photos", "new")
    assert names(tmp_path / "photos") == [own] and names(tmp_path) == ["photos"]


def test_a_file_of_the_user_s_among_what_s2i_wrote_is_not_lost(target):
    (target / "mine.txt").touch()
    with pytest.raises(UserError, match=r"holds mine\.txt, which s2i did not write"):
        write(target, "new")
    assert names(target) == [MARKER, "mine.txt", "old"]


def test_an_empty_folder_and_what_a_system_leaves_in_one_are_replaced(tmp_path):
    (tmp_path / "out").mkdir()
    write(tmp_path / "out", "new")
    (tmp_path / "out/.DS_Store").touch()
    write(tmp_path / "out", "newer")
    assert names(tmp_path / "out") == [MARKER, "newer"]


def test_a_link_is_followed_and_named(target, tmp_path, capsys):
    (tmp_path / "link").symlink_to(target)
    write(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink() and names(target) == [MARKER, "new"]
    assert f"{tmp_path / 'link'} is a link: what is in {target} is replaced." in capsys.readouterr().err


def test_a_dead_link_a_file_and_a_disk_in_the_place_of_the_folder_are_sentences(tmp_path):
    (tmp_path / "dead").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").write_text("mine")
    for name, sentence in (("dead", "which is no folder: make that folder"), ("file", "is a file, and a folder is")):
        with pytest.raises(UserError, match=sentence):
            write(tmp_path / name, "new")
    with pytest.raises(UserError, match="is a disk of its own"):
        write("/proc", "new")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("out", [".", "..", ""])
def test_the_folder_that_one_is_in_is_not_replaced(tmp_path, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="holds the folder you are in, and would be replaced: name another"):
        write(out, "new")


def test_the_history_of_a_clone_is_kept(tmp_path):
    clone = tmp_path / "space"
    (clone / ".git").mkdir(parents=True)
    (clone / ".git/HEAD").write_text("mine")
    (clone / "README.md").touch()
    for name in ("new", "newer"):
        write(clone, name, may_hold=(".git", "README.md"))
        assert names(clone) == [".git", MARKER, name] and (clone / ".git/HEAD").read_text() == "mine"
    clone.rename(tmp_path / ".space.0123456789abcdef.old")  # killed before its history was taken over
    write(clone, "newest")
    assert (clone / ".git/HEAD").read_text() == "mine" and names(tmp_path) == ["space"]


def test_a_foreign_draft_is_left_alone(target):
    foreign = target.with_name(".out.0123456789abcdef.draft")
    foreign.mkdir()
    (foreign / "mine.txt").touch()
    write(target, "new")
    assert (foreign / "mine.txt").exists()
