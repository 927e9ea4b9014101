"""Photos that CleanVision finds fault with."""

import csv
import sys

import cv2
import numpy as np
import pytest

from s2i.core.errors import UserError
from s2i.dataset.survey import quality
from s2i.imaging import io


@pytest.fixture
def records(tmp_path, house):
    """Ten photos as they are, then one that is dark, one blurred, one of another size and one that is long."""
    images = [cv2.resize(house(number), (128, 128)) for number in range(14)]
    images[10] = (images[10] * 0.1).astype(np.uint8)
    noise = cv2.GaussianBlur(np.random.default_rng(0).normal(size=(128, 128)), (0, 0), 12)
    images[11] = (255 * (noise - noise.min()) / np.ptp(noise)).astype(np.uint8)[..., None].repeat(3, 2)
    sizes = [(1000, 800)] * 12 + [(90, 70), (4000, 200)]
    for number, image in enumerate(images):
        io.write_png(tmp_path / f"{number}.png", image)
    return [
        {"source": f"{number}.png", "photo": str(tmp_path / f"{number}.png"), "width": width, "height": height}
        for number, (width, height) in enumerate(sizes)
    ]


def test_dark_blurred_and_odd_photos_are_found_by_name(records, tmp_path, workers):
    pytest.importorskip("cleanvision")
    counts = quality.check(records, tmp_path / "quality.csv", workers)
    with open(tmp_path / "quality.csv", encoding="utf-8", newline="") as rows:
        found = {(row["source"], row["issue"]) for row in csv.DictReader(rows)}
    assert {("10.png", "dark"), ("11.png", "blurry"), ("12.png", "odd_size"), ("13.png", "odd_aspect_ratio")} <= found
    assert sum(counts.values()) == len(found) and list(counts) == list(quality.ISSUES)
    assert not {source for source, _ in found} & {f"{number}.png" for number in range(10)}


def test_the_library_that_is_missing_is_named_with_its_extra(records, tmp_path, workers, monkeypatch):
    monkeypatch.setitem(sys.modules, "cleanvision.issue_managers.image_property_issue_manager", None)
    with pytest.raises(UserError, match=r"cleanvision is not installed: pip install -e '\.\[quality\]'"):
        quality.check(records, tmp_path / "quality.csv", workers)
