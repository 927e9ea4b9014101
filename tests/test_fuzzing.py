"""Anything at all in the place of records, parameters, tables, prompts and images: a value, or a sentence.

Half a minute here; `make fuzz` goes on for an hour, each time with other examples.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import yaml
from helpers.hostile_images import encoded
from helpers.houses import house
from helpers.trials import PARAMS
from PIL import Image

from s2i.core import params_file, quarantine, records, tables
from s2i.core.errors import Unreadable, UserError
from s2i.core.params import Params
from s2i.core.quarantine import Refused
from s2i.dataset.ingest.sources import folder, paired
from s2i.dataset.ingest.sources.listing import Photo
from s2i.imaging import io
from s2i.vocabulary import prompt_limits, prompts

hypothesis = pytest.importorskip("hypothesis")
from hypothesis import HealthCheck, given, settings  # noqa: E402  # it may be missing
from hypothesis import strategies as st  # noqa: E402

SHARE = int(os.environ.get("S2I_FUZZ_EXAMPLES", 100))  # examples of each test, in percent of what stands here
LONGEST = 1000  # characters of a sentence
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def examples(count: int):
    """A test of so many examples, or of the share of them that the environment asks for."""
    return settings(
        max_examples=max(1, count * SHARE // 100),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        derandomize="S2I_FUZZ_EXAMPLES" not in os.environ,
    )


def is_sentence(error: UserError) -> bool:
    return 0 < len(str(error)) <= LONGEST and "\n" not in str(error)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


COLUMNS = {
    "id": st.text(max_size=20),
    "photo": st.text(max_size=20),
    "windows": st.integers(-(2**40), 2**40) | st.none(),
    "curved": st.booleans() | st.none(),
    "label": st.text(max_size=30) | st.none(),
    "sketches": st.dictionaries(st.text(max_size=5), st.text(max_size=10), max_size=3) | st.none(),
    "given_sketches": st.lists(st.text(max_size=10), max_size=3) | st.none(),
    "prompt": st.text(max_size=50) | st.none() | ANYTHING,
}


@examples(150)
@given(st.lists(st.fixed_dictionaries({}, optional=COLUMNS), max_size=4))
def test_records_are_read_as_they_were_written_or_refused(scratch, rows):
    try:
        records.write(rows, scratch)
    except UserError as error:
        assert is_sentence(error)
        return
    read = list(records.Records(scratch))
    assert len(read) == len(rows)
    for row, again in zip(rows, read, strict=True):
        for name in ("id", "windows", "curved", "label"):
            assert again.get(name) == row.get(name)


@examples(150)
@given(st.sampled_from(params_file.known_keys(Params)), ANYTHING)
def test_any_value_of_any_parameter_is_taken_or_refused_in_one_sentence(scratch, key, value):
    file = scratch / "params.yaml"
    tree = params_file.merged(yaml.safe_load(PARAMS), {key: value})
    file.write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8", errors="surrogatepass")
    try:
        assert isinstance(params_file.load(file), Params)
    except UserError as error:
        assert len(str(error)) <= LONGEST and str(file) in str(error)


@examples(200)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_any_file_of_parameters_is_one_sentence(scratch, content):
    file = scratch / "any.yaml"
    file.write_bytes(content)
    with pytest.raises(UserError) as refusal:
        params_file.load(file)
    assert len(str(refusal.value)) <= 10 * LONGEST


CELLS = st.text(alphabet=st.sampled_from('a1=,;"\n\r\t\0.-/\\é\u0301 '), max_size=12) | st.text(max_size=12)


@examples(200)
@given(
    st.lists(st.lists(CELLS, max_size=5), max_size=6), st.sampled_from(["file", "file,caption,windows", "file;curved"])
)
def test_any_table_of_photos_costs_its_rows_alone(scratch, rows, header):
    photos = scratch / "photos"
    photos.mkdir(exist_ok=True)
    (photos / "a.png").write_bytes(b"")
    text = "\n".join([header, *[",".join(row) for row in rows]])
    (photos / "photos.csv").write_bytes(text.encode("utf-8", "replace"))
    try:
        found = list(folder.find(photos))
    except UserError as error:
        assert is_sentence(error)
        return
    assert all(isinstance(photo, Photo | Refused) for photo in found)
    quarantine.write([photo for photo in found if isinstance(photo, Refused)], scratch)
    assert len(quarantine.read(scratch)) == sum(isinstance(photo, Refused) for photo in found)


@examples(300)
@given(st.text(max_size=300))
def test_the_rows_of_any_text_end_and_begin_in_lines_that_go_up(text):
    lines = [row.line for row in tables.rows(text)]
    assert lines == sorted(lines) and len(lines) <= len(text) + 1


@examples(300)
@given(st.text(max_size=20) | st.floats() | st.integers())
def test_what_is_neutralised_is_no_formula_and_comes_back(cell):
    written = tables.neutralised(cell)
    assert tables.as_written(str(written)) == str(cell)
    assert not isinstance(written, str) or not written.startswith(("=", "@", "\t", "\r"))


@examples(150)
@given(ANYTHING | st.lists(st.fixed_dictionaries({}, optional={"image": ANYTHING, "prompt": ANYTHING}), max_size=4))
def test_any_list_of_prompts_costs_its_entries_alone(scratch, content):
    (scratch / "prompts.json").write_text(json.dumps(content, default=str), encoding="utf-8")
    try:
        found, refused = paired._prompts(scratch, {"a.png"})
    except UserError as error:
        assert is_sentence(error)
        return
    assert all(isinstance(prompt, str) for prompt in found.values())
    assert all(len(entry.reason) <= LONGEST for entry in refused)


@examples(200)
@given(st.text(max_size=300), st.dictionaries(st.sampled_from(["structure", "color", "material", "roof"]), ANYTHING))
def test_any_text_is_a_prompt_on_one_line_or_refused(text, fields):
    assert isinstance(prompts.plain(fields), str) and isinstance(prompts.colors_and_materials_in(text), dict)
    try:
        checked = prompt_limits.checked(text)
    except UserError as error:
        assert is_sentence(error)
    else:
        assert (checked == " ".join(text.split()) and checked.isprintable()) or not checked


PHOTO = house(1)[:64, :64]
PALETTE = Image.fromarray(PHOTO).quantize(16)
FILES = {
    "jpg": encoded(PHOTO, "JPEG"),
    "progressive.jpg": encoded(PHOTO, "JPEG", progressive=True),
    "png": encoded(PHOTO, "PNG"),
    "palette.png": encoded(PALETTE, "PNG", transparency=3),
    "deep.png": encoded(np.arange(4096, dtype=np.uint16).reshape(64, 64) * 16, "PNG"),
    "gif": encoded(PALETTE, "GIF"),
    "bmp": encoded(PHOTO, "BMP"),
    "tif": encoded(PHOTO, "TIFF"),
    "deflate.tif": encoded(PHOTO, "TIFF", compression="tiff_adobe_deflate"),
    "webp": encoded(PHOTO, "WEBP"),
    "avif": encoded(PHOTO, "AVIF"),
}
EDIT = st.tuples(st.floats(0, 1), st.sampled_from(["set", "cut", "insert", "remove", "repeat"]), st.binary(max_size=12))


def mutated(content: bytes, edits) -> bytes:
    """The bytes of a file after some edits, each at a share of its length."""
    for share, kind, data in edits:
        place = int(share * len(content))
        if kind == "set":
            content = content[:place] + data + content[place + len(data) :]
        elif kind == "cut":
            content = content[:place] if place > 20 else content
        elif kind == "insert":
            content = content[:place] + data + content[place:]
        elif kind == "remove":
            content = content[:place] + content[place + len(data) :]
        else:
            content = content[:place] + content[place : place + 64] * len(data) + content[place + 64 :]
    return content


@pytest.mark.parametrize("name", FILES)
@examples(120)
@given(edits=st.lists(EDIT, min_size=1, max_size=6))
def test_a_mutated_image_is_read_or_refused(name, edits):
    content = mutated(FILES[name], edits)
    try:
        width, height = io.photo_size(Path(name), content, 1)
        image = io.decode_photo(Path(name), content, 1)
    except Unreadable as error:
        assert error.reason and len(error.sentence) <= LONGEST
    else:
        assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
        assert 0 < width * height <= 1e6


@examples(200)
@given(st.binary(max_size=400))
def test_any_bytes_are_no_image_and_no_crash(content):
    with pytest.raises(Unreadable):
        io.decode_photo(Path("x"), b"\xff\xd8" + content, 1)
        io.decode_photo(Path("x"), content, 1)
