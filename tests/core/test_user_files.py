"""Files that people bring, in the ways in which they cannot be read."""

import errno
import os
from pathlib import Path

import pytest

from s2i.core import user_files
from s2i.core.errors import Unreadable, UserError
from s2i.core.user_files import Twice, read_bytes, read_json, read_text, read_yaml


@pytest.fixture
def file(tmp_path):
    return tmp_path / "file"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda file: None, "missing"),
        (lambda file: file.symlink_to("gone"), "broken link"),
        (lambda file: file.symlink_to(file), "broken link (it leads to itself)"),
        (lambda file: file.mkdir(), "no file (a folder)"),
        (os.mkfifo, "no file (a pipe)"),
        (lambda file: file.symlink_to("/dev/zero"), "no file (a device)"),
        (lambda file: file.write_bytes(bytes(11)), "file too large (0 MB; 0 are read)"),
    ],
)
def test_what_is_no_file_or_too_large_is_said(file, make, reason):
    make(file)
    with pytest.raises(Unreadable) as unreadable:
        read_bytes(file, 10)
    assert unreadable.value.sentence == reason
    with pytest.raises(UserError, match=f"file cannot be read: {reason.split(' (')[0]}.*; put a text file there"):
        read_text(file, 10)


def test_what_is_read_in_parts_is_a_file_too(file):
    for make, reason in ((lambda: None, "missing"), (lambda: os.mkfifo(file), r"no file \(a pipe\)")):
        make()
        with pytest.raises(UserError, match=f"file cannot be read: {reason}; put a file there"):
            user_files.open_binary(file)
    file.unlink()
    file.write_bytes(b"a\nb")
    with user_files.open_binary(file) as lines:
        assert list(lines) == [b"a\n", b"b"]


def test_a_name_beyond_the_limit_is_said(file):
    with pytest.raises(Unreadable, match="name too long"):
        read_bytes(file.with_name("x" * 300), 10)


def test_a_failing_disk_is_not_taken_for_a_bad_file(file, monkeypatch):
    file.write_bytes(b"whole")

    def fail(*_, **__):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("builtins.open", fail)
    with pytest.raises(UserError, match="cannot be read: Input/output error; see to the disk and run again"):
        read_bytes(file, 10)


def test_too_little_memory_is_not_taken_for_a_bad_file(file, monkeypatch):
    file.write_bytes(b"whole")

    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr("builtins.open", fail)
    with pytest.raises(UserError, match=r"too little memory to read .*file"):
        read_bytes(file, 10)


def test_text_is_read_without_its_mark_and_other_encodings_are_named(file):
    file.write_bytes("\ufeffHäuser".encode())
    assert read_text(file) == "Häuser"
    for encoding in ("utf-16", "utf-32"):
        file.write_bytes("Häuser".encode(encoding))
        with pytest.raises(UserError, match=f"is {encoding.upper()} and not UTF-8: save the file in UTF-8"):
            read_text(file)
    file.write_bytes("a\nHäuser".encode("latin-1"))
    with pytest.raises(UserError, match="line 2 is not UTF-8"):
        read_text(file)


def test_json_that_is_too_deep_is_one_sentence_and_long_numbers_are_infinite(file):
    file.write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(UserError, match="nested too deeply"):
        read_json(file)
    file.write_text(f"[{'9' * 5000}, 7]", encoding="utf-8")
    assert read_json(file) == [float("inf"), 7]


def test_a_key_that_stands_twice_in_json_has_no_value_of_any_type(file):
    file.write_text('{"image": "a.png", "prompt": "x", "prompt": "y"}', encoding="utf-8")
    values = read_json(file)
    assert values["image"] == "a.png" and isinstance(values["prompt"], Twice)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3 has the key 'a' again: keep one of the two"),
        ("a: {b: 1, b: 2}\n", "line 1 has the key 'b' again"),
        ("[" * 3000, "nested too deeply"),
        ("a: " + "9" * 5000, "is not YAML: Exceeds the limit"),
        ("a: 2026-13-45\n", "is not YAML: month must be in 1..12"),
        ("a: 1\n---\nb: 2\n", "is not YAML"),
        (
            "a: !!python/object/apply:os.system ['touch started']\n",
            "line 1 is not YAML: could not determine a constructor",
        ),
        ("a: \x07\n", "is not YAML: unacceptable character"),
        ("a: &a [*a]\n", "holds more than 100,000 values, or an alias in itself"),
        ("a: &a [x, x, x, x, x, x, x, x, x, x]\n", None),
        ("{? {a: 1} : 2}", "is not YAML"),
    ],
)
def test_yaml_that_is_wrong_is_one_sentence(file, text, sentence):
    file.write_text(text, encoding="utf-8")
    if sentence is None:
        assert len(read_yaml(file)["a"]) == 10
        return
    with pytest.raises(UserError) as refusal:
        read_yaml(file)
    assert sentence in str(refusal.value) and len(str(refusal.value)) < 600 and "\n" not in str(refusal.value)


def test_aliases_that_unfold_to_billions_are_refused(file):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    file.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(UserError, match="more than 100,000 values"):
        read_yaml(file)


def test_parameters_are_read_as_dvc_reads_them():
    from dvc.utils.serialize import parse_yaml

    text = "a: 010\nb: 1:30\nc: yes\nd: 1e-4\ne: 0x10\nf: 1_000\ng: .inf\nh: null\n"
    file = Path("x.yaml")
    assert user_files.parse_yaml(text, file) == parse_yaml(text, str(file))
