import os
import re
import time

import pytest
from filelock import FileLock

from s2i import cli
from s2i.core import cache, checked

DAY = 86_400


@pytest.fixture
def filled(tmp_path):
    """A cache of a new and an old sketch, a value, a training, a converted model and a result of an earlier version."""

    def make(draft):
        draft.write_bytes(bytes(1000))

    cache.produce(tmp_path / "new.png", make, "sketch", "new")
    cache.produce(tmp_path / "old.png", make, "sketch", "old")
    os.utime(checked.hash_of(cache.path(".png", "sketch", "old")), (0, time.time() - 40 * DAY))
    cache.store("brick", "wall", "new")
    cache.folder("openvino", "key", lambda draft: make(draft / "unet.bin"))
    training = cache.root() / "training/key"
    training.mkdir(parents=True)
    make(training / "last.safetensors")
    os.utime(training / "last.safetensors", (0, time.time() - 50 * DAY))
    earlier = cache.root() / "work/ab/ab01.png"
    earlier.parent.mkdir()
    make(earlier)
    return training


def counted(output):
    return {kind.strip(): int(count) for kind, count in re.findall(r"^(\D+?) +(\d+) entries", output, re.M)}


def test_what_the_cache_holds_is_told_by_kind(filled, capsys):
    cli.main(["cache"])
    output = capsys.readouterr().out
    kinds = {"sketch": 2, "wall": 1, "openvino": 1, "training": 1, "results of earlier versions": 1}
    assert counted(output) == kinds and f"{cache.root()}: 6 entries, 0.0 MB" in output
    assert filled.exists(), "nothing is removed unless that is asked for"


def test_what_was_not_used_for_long_goes_and_the_rest_is_still_found(filled, tmp_path, capsys):
    cli.main(["cache", "--older-than", "30"])
    output = capsys.readouterr().out
    assert "removed: 3 entries" in output and counted(output[9:]) == {"sketch": 1, "wall": 1, "openvino": 1}
    assert cache.is_whole(cache.path(".png", "sketch", "new")) and cache.recall("wall", "new") == "brick"


def test_the_longest_unused_goes_where_the_cache_is_too_large(filled, capsys):
    cli.main(["cache", "--at-most", "0.000003"])
    output = capsys.readouterr().out
    assert cache.is_whole(cache.path(".png", "sketch", "new")) and not filled.exists()
    cli.main(["cache", "--at-most", "0"])
    assert f"{cache.root()}: 0 entries, 0.0 MB" in capsys.readouterr().out
    assert "removed" in output


def test_a_training_that_is_under_way_is_not_removed(filled):
    with FileLock(filled / "lock"):
        cli.main(["cache", "--at-most", "0"])
    assert (filled / "last.safetensors").exists()


def test_an_entry_that_is_used_is_the_youngest(filled, tmp_path):
    hash_file = checked.hash_of(cache.path(".png", "sketch", "old"))
    cache.produce(tmp_path / "again.png", lambda _: None, "sketch", "old")
    assert time.time() - hash_file.stat().st_mtime < DAY


@pytest.mark.parametrize("number", ["-1", "nan", "many"])
def test_what_is_no_number_of_days_is_refused(capsys, number):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["cache", f"--older-than={number}"])
    assert "is no number from 0 on" in capsys.readouterr().err


def test_an_empty_cache_is_no_error(capsys):
    cli.main(["cache"])
    assert "0 entries" in capsys.readouterr().out
