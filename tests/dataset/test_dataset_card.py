"""What the card of a data set says of all of its photos."""

import pytest

from s2i.dataset.ingest.sources import dataset_card


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: cc0-1.0\ntags: [a]\n---\n# Houses", {"licence": "cc0-1.0"}),
        ("---\r\nlicense: [mit, cc0-1.0]\r\n---", {"licence": "mit, cc0-1.0"}),
        ("# no header\nlicense: mit", {}),
        ("---\nlicense: [\n---\n", {}),
        ("---\n- license\n---\n", {}),
        ("", {}),
    ],
)
def test_the_header_of_a_card_names_the_licence(card, licence):
    assert dataset_card.licence_in(card) == licence


def test_a_data_set_of_the_hub_is_where_its_photos_are_from(monkeypatch):
    monkeypatch.setattr(dataset_card.locations, "read_text", lambda location, name: None)
    columns = dataset_card.columns_at("hf://datasets/me/houses@main/data")
    assert columns == {"source_url": "https://huggingface.co/datasets/me/houses"}
