import errno
import shutil

import pytest

from s2i.core import cache, checked
from s2i.core.errors import UserError
from s2i.core.files import draft_of, whole_file


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


def test_an_output_is_a_link_that_may_be_replaced_but_not_written_to(tmp_path, maker, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
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


def test_an_output_that_root_writes_to_does_not_change_the_cache(tmp_path, maker, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    cache.produce(tmp_path / "a.txt", maker, "key")
    with open(tmp_path / "a.txt", "r+", encoding="utf-8") as file:
        file.write("edited")
    cache.produce(tmp_path / "b.txt", maker, "key")
    assert (tmp_path / "b.txt").read_text() == "made 1" and maker.calls == 1


def test_an_output_on_another_disk_is_a_copy(tmp_path, maker, monkeypatch):
    def fail(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("os.link", fail)
    cache.produce(tmp_path / "a.txt", maker, "key")
    assert (tmp_path / "a.txt").read_text() == "made 1"
    assert not cache.path(".txt", "key").samefile(tmp_path / "a.txt")


def _rewrite(file, content):
    file.chmod(0o644)
    file.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [lambda file: _rewrite(file, b""), lambda file: _rewrite(file, b"ma"), lambda file: _rewrite(file, b"fade 1")],
)
def test_a_damaged_entry_is_made_anew_with_one_line(tmp_path, maker, capsys, damage):
    for name in ("a.txt", "b.txt"):
        digest = cache.produce(tmp_path / name, maker, "key")
        assert digest == cache.file_hash(tmp_path / name)
        if name == "a.txt":
            damage(cache.path(".txt", "key"))
    assert (tmp_path / "b.txt").read_text() == "made 2"
    sentence = f"{cache.path('.txt', 'key')} in the cache is damaged, and is made anew."
    assert capsys.readouterr().err.count(sentence) == 1
    cache.produce(tmp_path / "c.txt", maker, "key")
    assert maker.calls == 2 and not capsys.readouterr().err


@pytest.mark.parametrize("damage", [lambda text: "", lambda text: text[:-9], lambda text: text.replace("7", "8")])
@pytest.mark.parametrize("value", [7, [7.125, None, "wörter"], {"7": float("inf")}])
def test_a_damaged_value_is_computed_anew_with_one_line(capsys, value, damage):
    assert cache.remember(lambda: value, "key") == value and cache.recall("key") == value
    file = cache.path(".json", "key")
    file.write_text(damage(file.read_text()))
    assert cache.remember(lambda: "anew", "key") == "anew" == cache.recall("key")
    assert capsys.readouterr().err.count(f"{file} in the cache is damaged") == 1


def test_an_entry_without_its_hash_is_made_anew(tmp_path, maker):
    cache.produce(tmp_path / "a.txt", maker, "key")
    checked.hash_of(cache.path(".txt", "key")).unlink()
    cache.produce(tmp_path / "a.txt", maker, "key")
    assert maker.calls == 2


@pytest.mark.parametrize("damage", ["cut", "gone", "added", "all gone"])
def test_a_damaged_folder_is_made_anew(damage):
    def make(draft):
        (draft / "weights").mkdir()
        (draft / "weights/unet.bin").write_text("weights")
        made.append(draft)

    made = []
    folder = cache.folder("openvino", "key", make)
    assert cache.folder("openvino", "key", make) == folder and len(made) == 1
    file = folder / "weights/unet.bin"
    if damage == "all gone":
        shutil.rmtree(folder)
        folder.mkdir()
    elif damage == "gone":
        file.unlink()
    else:
        file.with_name("more" if damage == "added" else file.name).write_text("weig")
    assert cache.folder("openvino", "key", make) == folder and len(made) == 2
    assert [path.name for path in (folder / "weights").iterdir()] == ["unet.bin"]
    assert file.read_text() == "weights"


def full(path, kind):
    """In the place of `draft_of`: no space is left in the cache."""
    if path.is_relative_to(cache.root()):
        raise OSError(errno.ENOSPC, "No space left on device")
    return draft_of(path, kind)


@pytest.mark.parametrize("what", ["a file", "a file below", "a full disk"])
def test_where_the_cache_cannot_be_written_to_work_goes_on_without_it(tmp_path, maker, monkeypatch, capsys, what):
    cache._say_unusable.cache_clear()
    place = tmp_path / "cache"
    monkeypatch.setenv("S2I_CACHE", str(place))
    if what == "a file":
        place.write_text("mine")
    elif what == "a file below":
        place.mkdir()
        (place / "work").write_text("mine")
    else:
        monkeypatch.setattr("s2i.core.files.draft_of", full)
        monkeypatch.setattr("s2i.core.checked.draft_of", full)
    for name in ("a.txt", "b.txt"):
        cache.produce(tmp_path / name, maker, "key")
        assert cache.remember(lambda: 7, "value") == 7
    assert (tmp_path / "b.txt").read_text() == "made 2"
    assert capsys.readouterr().err.count("cannot be written to") == 1
    with pytest.raises(UserError, match=r"the cache folder .* cannot be written to .*: make room for it, or set S2I_"):
        cache.write(cache.path(".txt", "key"), maker)


def test_an_input_that_cannot_be_read_is_not_taken_for_a_broken_cache(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such photo"):
        cache.produce(tmp_path / "a.txt", lambda _: (tmp_path / "no such photo").read_bytes(), "key")


def test_an_empty_variable_is_not_set_and_no_home_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("S2I_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.root() == tmp_path / "s2i"

    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr("pathlib.Path.home", homeless)
    with pytest.raises(UserError, match="you have no home folder here: set S2I_CACHE"):
        cache.root()


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
