"""What differs between systems."""

import sys

import pytest

from s2i.core import system


def test_a_process_and_a_machine_have_memory_and_a_processor():
    assert 10 < system.peak_memory() < 2**20 and system.total_memory() > 0 and system.processor()


@pytest.mark.parametrize("name", ["linux", "win32"])
def test_a_file_is_shared_as_a_protected_link_and_on_windows_as_a_copy(tmp_path, monkeypatch, name):
    monkeypatch.setattr(sys, "platform", name)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    file, target = tmp_path / "a", tmp_path / "b"
    file.write_text("made")
    system.write_protect(file)
    system.share(file, target)
    assert target.read_text() == "made" and target.samefile(file) == (name == "linux")
    assert bool(file.stat().st_mode & 0o200) == (name == "win32")
