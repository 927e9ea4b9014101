import pytest
from helpers.files import PARAMS

from s2i import cli


@pytest.mark.parametrize(
    ("ingest", "sentence"),
    [
        ("{source: kohya}", "a review writes photos.csv, which only ingest.source folder without an address has"),
        (
            "{url: 's3://bucket/x'}",
            "a review writes photos.csv, which only ingest.source folder without an address has",
        ),
        ("{}", r"data has no records: run `dvc repro caption` first"),
    ],
)
def test_where_there_is_nothing_to_review_one_sentence_says_so(tmp_path, monkeypatch, ingest, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(PARAMS.format(base="base") + f"ingest: {ingest}\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=sentence):
        cli.main(["review"])
