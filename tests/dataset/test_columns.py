"""Names of columns that mean what those of photos.csv do."""

from s2i.dataset.ingest.sources import columns


def test_the_name_itself_goes_before_others_and_what_the_user_says_before_all():
    names = ["image", "caption", "text", "Conditioning_Image_file_name", "License"]
    known = {"file": "image", "sketch": "Conditioning_Image_file_name", "caption": "caption", "licence": "License"}
    assert columns.meanings(names, {}) == known
    assert columns.meanings(names, {"caption": "text"}) == known | {"caption": "text"}
    assert "caption" not in columns.meanings(names, {"caption": "gone"})


def test_a_column_means_one_thing():
    assert columns.meanings(["image"], {"sketch": "image"}) == {"file": "image"}


def test_of_several_captions_the_first_counts_and_what_is_no_text_is_said():
    meant = {"caption": "captions", "licence": "license", "author": "author", "glass": "glass"}
    row = {"captions": ["a house", "a barn"], "license": {"name": "CC0"}, "author": None, "glass": True}
    cells, problems = columns.cells(row, meant)
    assert cells == {"caption": "a house", "glass": "True"}
    assert problems == ["caption has 2 values, of which the first counts", "licence is no text"]
