"""Pairs of photo and sketch by number."""

import json

import pytest
from helpers.ingest import sketch_of
from PIL import Image

from s2i.core.errors import UserError
from s2i.core.params import Pair
from s2i.dataset.sketching.sketches import pair
from s2i.imaging import io, shapes


@pytest.fixture
def paired(tmp_path, house):
    """Twenty pairs with prompts, every second one empty."""
    folder = tmp_path / "set"
    for name in ("Images", "Sketches"):
        (folder / name).mkdir(parents=True)
    for number in range(20):
        Image.fromarray(house(number + 1)).save(folder / f"Images/image_{number}.png")
        sketch_of(house(number + 1)).save(folder / f"Sketches/sketch_{number}.png")
    write_prompts(folder, [entry(number) for number in range(20)])
    return folder


def entry(number, prompt=None):
    return {
        "image": f"image_{number}.png",
        "prompt": (f"house {number}" if number % 2 else "") if prompt is None else prompt,
    }


def write_prompts(folder, entries):
    (folder / "prompts.json").write_text(json.dumps(entries), encoding="utf-8")


def test_pairs_are_found_by_number_with_their_prompts(ingest_folder, paired, tmp_path, workers):
    found, _, reasons = ingest_folder(paired, source="paired")
    assert len(found) == 20 and reasons == {}
    for record in found:
        number = record["source"].removeprefix("Images/image_").removesuffix(".png")
        assert record.get("given_caption") == (f"house {number}" if int(number) % 2 else None)
        expected = shapes.fit(io.read_grey(paired / f"Sketches/sketch_{number}.png"), 64)
        assert (io.read_grey(record["given_sketches"][0]) == expected).all()
    made = list(pair(found, tmp_path / "paired", Pair(styles=["given"]), workers))
    assert all(set(record["sketches"]) == {"given"} for record in made)


def test_prompts_may_be_missing(ingest_folder, paired):
    (paired / "prompts.json").unlink()
    found, _, reasons = ingest_folder(paired, source="paired")
    assert len(found) == 20 and reasons == {} and not any(record.get("given_caption") for record in found)


def test_what_has_no_counterpart_is_named_and_photos_without_sketches_are_kept(ingest_folder, paired):
    (paired / "Sketches/sketch_3.png").unlink()
    (paired / "Images/image_4.png").unlink()
    (paired / "Images/front.png").write_bytes((paired / "Images/image_5.png").read_bytes())
    found, _, reasons = ingest_folder(paired, source="paired")
    assert len(found) == 19
    assert reasons == {
        "Sketches/sketch_3.png": "missing while Images/image_3.png is there",
        "Sketches/sketch_4.png": "no photo of its number in Images",
        "Images/front.png": "wrong name (not image_NUMBER)",
        "prompts.json": "image missing image_4.png (entry 5)",
    }
    (alone,) = (record for record in found if record["source"] == "Images/image_3.png")
    assert not alone.get("given_sketches")


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"image": "image_1.png", "prompt": "again"}, "image named twice image_1.png (entry 21); the first one counts"),
        ({"prompt": "of nothing"}, "no image named (entry 21)"),
        ("image_1.png", "no image named (entry 21)"),
        ({"image": "image_0.png", "prompt": "\ud83d"}, "half a character in the prompt (image_0.png, entry 21)"),
        ({"image": "image_99.png", "prompt": ""}, "image missing image_99.png (entry 21)"),
    ],
)
def test_a_bad_entry_of_prompts_json_is_named_and_the_others_count(ingest_folder, paired, wrong, reason):
    write_prompts(paired, [entry(number) for number in range(20)] + [wrong])
    found, _, reasons = ingest_folder(paired, source="paired")
    assert reasons == {"prompts.json": reason}
    assert sum(bool(record.get("given_caption")) for record in found) == 10


def test_a_prompt_of_a_path_is_found_and_one_under_another_key_is_missed(ingest_folder, paired):
    write_prompts(paired, [{"image": r"Images\image_1.png", "prompt": "a"}, {"image": "image_2.png", "promt": "b"}])
    found, _, reasons = ingest_folder(paired, source="paired")
    assert reasons == {"prompts.json": "no prompt (image_2.png, entry 2)"}
    assert [record["given_caption"] for record in found if record.get("given_caption")] == ["a"]


def test_a_prompts_json_that_is_no_list_or_no_json_is_one_clear_sentence(ingest_folder, paired):
    write_prompts(paired, {"image_1.png": "house"})
    with pytest.raises(UserError, match=r"prompts.json must be a list of .* not a table"):
        ingest_folder(paired, source="paired")
    (paired / "prompts.json").write_text("[{", encoding="utf-8")
    with pytest.raises(UserError, match=r"prompts.json is not JSON: .* line 1"):
        ingest_folder(paired, source="paired")
    (paired / "prompts.json").write_bytes('[\n{"image": "image_1.png", "prompt": "café"}]'.encode("latin-1"))
    with pytest.raises(UserError, match=r"prompts.json line 2 is not UTF-8: save the file in UTF-8"):
        ingest_folder(paired, source="paired")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (f'{{"image": "image_0.png", "prompt": {"9" * 5000}}}', "prompt is no text (image_0.png, entry 1)"),
        ('{"image": "image_0.png", "prompt": "a", "prompt": "b"}', "prompt is no text (image_0.png, entry 1)"),
        (
            f'{{"image": "image_0.png", "prompt": "{"x" * 2_000_000}"}}',
            "unusable prompt it has 2,000,000 characters; keep it under 2,000 (image_0.png, entry 1)",
        ),
        (
            r'{"image": "image_0.png", "prompt": "a\u0000b"}',
            "unusable prompt it holds the control character U+0000; remove it (image_0.png, entry 1)",
        ),
    ],
)
def test_an_entry_that_cannot_be_used_costs_itself_alone(ingest_folder, paired, entry, reason):
    (paired / "prompts.json").write_text(f'[{entry}, {{"image": "IMAGE_1.png", "prompt": "a"}}]', encoding="utf-8")
    found, _, reasons = ingest_folder(paired, source="paired")
    assert reasons == {"prompts.json": reason}
    assert [record["given_caption"] for record in found if record.get("given_caption")] == ["a"]


def test_brackets_without_end_are_one_clear_sentence(ingest_folder, paired):
    (paired / "prompts.json").write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(UserError, match=r"prompts.json is nested too deeply to be read: check its brackets"):
        ingest_folder(paired, source="paired")


def test_a_prompts_json_of_another_case_is_read_and_one_that_only_looks_like_it_is_named(ingest_folder, paired):
    (paired / "prompts.json").rename(paired / "Prompts.json")
    found, _, reasons = ingest_folder(paired, source="paired")
    assert sum(bool(record.get("given_caption")) for record in found) == 10 and reasons == {}
    (paired / "Prompts.json").rename(paired / "prompts.json.txt")
    _, _, reasons = ingest_folder(paired, source="paired")
    assert reasons == {"prompts.json.txt": "not read (save or rename it as prompts.json)"}
