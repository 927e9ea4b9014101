"""Addresses: what is listed there, and what is said where nothing can be read."""

import sys

import pytest
from helpers.datasets import write_files
from helpers.ports import free_port
from helpers.servers import http_server

from s2i.core.errors import UserError
from s2i.core.quarantine import Refused
from s2i.dataset.ingest.sources import locations


def names(location, suffix=".tar"):
    return [file.name for file in locations.list_files(str(location), lambda name: name.endswith(suffix))]


def test_folders_files_patterns_and_numbers_are_listed_here_and_there(tmp_path):
    folder = write_files(tmp_path / "set", {"a/0.tar": "x", "a/1.tar": "y", "b/two words.tar": "z", "b/no.txt": ""})
    everything = ["a/0.tar", "a/1.tar", "b/two words.tar"]
    with http_server(folder) as (address, _):
        for root in (folder, f"file://{folder}", address):
            assert names(root) == everything, root
            assert names(f"{root}/a/1.tar") == ["1.tar"]
            assert names(f"{root}/a/{{0..1}}.tar") == ["0.tar", "1.tar"]
        assert names(f"{folder}/*/*.tar") == everything


def version(location):
    return locations.list_files(str(location), lambda name: name.endswith(".tar"))[0].version


def test_a_version_changes_when_a_file_does(tmp_path):
    folder = write_files(tmp_path / "set", {"0.tar": "x"})
    with http_server(folder) as (address, _):
        before = [
            locations.list_files(root, lambda name: name.endswith(".tar"))[0].version for root in (address, str(folder))
        ]
        assert before == [
            locations.list_files(root, lambda name: name.endswith(".tar"))[0].version for root in (address, str(folder))
        ]
        (folder / "0.tar").write_text("longer", encoding="utf-8")
        after = [
            locations.list_files(root, lambda name: name.endswith(".tar"))[0].version for root in (address, str(folder))
        ]
    assert all(old != new for old, new in zip(before, after, strict=True))


def test_names_that_lead_out_are_refused(tmp_path):
    folder = write_files(tmp_path / "set", {"0.tar": "x"})
    (folder / "index.html").write_text('<a href="0.tar">0</a> <a href="%2e%2e/%2e%2e/1.tar">1</a>', encoding="utf-8")
    with http_server(folder) as (address, _):
        listed = locations.list_files(address, lambda name: name.endswith(".tar"))
    assert [file.name for file in listed] == ["0.tar", "../../1.tar"]
    assert isinstance(listed[1], Refused) and listed[1].why == locations.OUTSIDE
    assert locations.is_inside("a/b")
    assert not any(locations.is_inside(name) for name in ("/a", "a/../b", "a\\..\\b", "C:/a", "", "a//b"))


@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        ("nonsense://bucket/photos", r"nonsense://bucket/photos cannot be read: Protocol not known: nonsense"),
        ("https://127.0.0.1:{port}/photos", r"https://127.0.0.1:\d+/photos cannot be read: .*see to ingest.url"),
        ("{folder}/gone", r"gone is not there: correct ingest.url"),
        ("s3://bucket/{{0..99999999}}.tar", "stands for more than 1,000,000 files"),
    ],
)
def test_what_cannot_be_listed_is_one_clear_sentence(tmp_path, location, sentence):
    with pytest.raises(UserError, match=sentence):
        locations.list_files(location.format(port=free_port(), folder=tmp_path), lambda name: name.endswith(".tar"))


@pytest.mark.parametrize(("protocol", "library"), [("s3", "s3fs"), ("gs", "gcsfs")])
def test_a_library_that_is_missing_is_named_with_its_extra(monkeypatch, protocol, library):
    import fsspec

    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules[fsspec.get_filesystem_class.__module__]._registry, protocol, raising=False)
    with pytest.raises(
        UserError, match=rf"{library}.*: `pip install -e '\.\[cloud\]'` installs what {protocol}:// needs"
    ):
        locations.list_files(f"{protocol}://bucket/photos", lambda name: True)


def test_an_action_is_tried_again_where_the_network_fails(monkeypatch):
    monkeypatch.setattr(locations.time, "sleep", lambda seconds: None)
    failures = [OSError("reset"), OSError("reset")]

    def action():
        if failures:
            raise failures.pop()
        return 1

    assert locations.persist(action, "https://x") == 1
    failures += [OSError("reset")] * 3
    with pytest.raises(UserError, match="https://x cannot be read on: reset; what came is kept, run again"):
        locations.persist(action, "https://x")
