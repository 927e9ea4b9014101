import errno

import pytest

from s2i.core import cache
from s2i.core.files import whole_file


@pytest.fixture
def maker():
    """A maker of files that counts its calls."""

    def make(path):
        make.calls += 1
        path.write_text(f"made {make.calls}")

    make.calls = 0
    return make


def test_the_same_key_is_made_once(tmp_path, maker):
    for name in ("a.txt", "deep/b.txt"):
        cache.produce(tmp_path / name, maker, "key", 1, {"size": 64})
    assert maker.calls == 1 and (tmp_path / "deep" / "b.txt").read_text() == "made 1"


def test_another_key_is_made_anew(tmp_path, maker):
    cache.produce(tmp_path / "a.txt", maker, "key", 1)
    cache.produce(tmp_path / "a.txt", maker, "key", 2)
    assert (tmp_path / "a.txt").read_text() == "made 2"


def test_what_fails_halfway_is_not_kept(tmp_path, maker):
    def fail(path):
        path.write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        cache.produce(tmp_path / "a.txt", fail, "key")
    assert not (tmp_path / "a.txt").exists()
    cache.produce(tmp_path / "a.txt", maker, "key")
    assert (tmp_path / "a.txt").read_text() == "made 1"


def test_an_output_is_a_link_that_may_be_replaced_but_not_written_to(tmp_path, maker):
    for name in ("a.txt", "b.txt"):
        cache.produce(tmp_path / name, maker, "key")
    cached = cache.path(".txt", "key")
    assert cached.samefile(tmp_path / "a.txt") and cached.samefile(tmp_path / "b.txt")
    assert not cached.stat().st_mode & 0o222
    with whole_file(tmp_path / "a.txt") as draft:
        draft.write_text("mine")
    cache.produce(tmp_path / "b.txt", maker, "key", 2)
    assert [(tmp_path / name).read_text() for name in ("a.txt", "b.txt")] == ["mine", "made 2"]
    assert cached.read_text() == "made 1"


def test_an_output_on_another_disk_is_a_copy(tmp_path, maker, monkeypatch):
    def fail(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr("os.link", fail)
    cache.produce(tmp_path / "a.txt", maker, "key")
    assert (tmp_path / "a.txt").read_text() == "made 1"
    assert not cache.path(".txt", "key").samefile(tmp_path / "a.txt")


def test_fingerprints_tell_parts_apart_and_stay_the_same():
    assert cache.fingerprint("a", 1) == cache.fingerprint("a", 1)
    assert len({cache.fingerprint("a", 1), cache.fingerprint("a1"), cache.fingerprint(1, "a")}) == 3
    assert cache.fingerprint("s2i") == "8dd675cfe62b951f332c9235e1c67c10c51f5fab68df4173ed63cf34e7636e63"


def test_a_folder_hash_sees_names_and_bytes(tmp_path):
    (tmp_path / "a").write_text("1")
    first = cache.folder_hash(tmp_path)
    (tmp_path / "a").write_text("2")
    second = cache.folder_hash(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert len({first, second, cache.folder_hash(tmp_path)}) == 3
