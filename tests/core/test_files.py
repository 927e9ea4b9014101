"""Files that are whole or not there."""

import os

import pytest

from s2i.core.files import whole_file


def test_a_file_that_fails_halfway_leaves_the_old_one(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), whole_file(target) as draft:
        draft.write_text("new")
        raise RuntimeError
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]


def test_two_containers_in_which_every_process_has_the_same_number_do_not_share_a_draft(tmp_path):
    with whole_file(tmp_path / "a.txt") as first, whole_file(tmp_path / "a.txt") as second:
        first.write_text("first")
        second.write_text("second")
    assert (tmp_path / "a.txt").read_text() == "first" and first != second


def test_the_longest_name_that_a_disk_takes_is_written(tmp_path):
    for name in ("a" * 251 + ".txt", "ä" * 125 + ".txt"):
        with whole_file(tmp_path / name) as draft:
            draft.write_text("whole")
        assert (tmp_path / name).read_text() == "whole"


def test_the_draft_of_a_run_that_was_killed_long_ago_is_removed_and_a_new_one_is_not(tmp_path):
    old, new = (tmp_path / f".a.txt.{number * 16}.draft.txt" for number in "12")
    for draft in (old, new):
        draft.touch()
    os.utime(old, (0, 0))
    with whole_file(tmp_path / "a.txt") as draft:
        draft.touch()
    assert sorted(path.name for path in tmp_path.iterdir()) == [new.name, "a.txt"]


def test_what_was_written_is_on_the_disk_before_it_takes_its_place(tmp_path, monkeypatch):
    events = []
    monkeypatch.setattr("os.fsync", lambda _: events.append("flushed"))
    replace = os.replace
    monkeypatch.setattr("os.replace", lambda *paths: (events.append("renamed"), replace(*paths)))
    with whole_file(tmp_path / "a.txt") as draft:
        draft.write_text("whole")
    assert events == ["flushed", "renamed"]
