"""Small photos and folders of them, and a work cache of each test's own."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from s2i.params import Work


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """No test finds what another one, or the user, has made before."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("S2I_CACHE", str(folder))
    return folder


@pytest.fixture
def work():
    return Work(workers=1)


@pytest.fixture(scope="session")
def house():
    """house(seed) is a picture of a red house under a blue sky, (96, 128, 3) uint8, different for each seed."""

    def draw(seed: int = 0, wall=(172, 44, 40)) -> np.ndarray:
        rng = np.random.default_rng(seed)
        picture = np.empty((96, 128, 3), np.uint8)
        picture[:60], picture[60:] = (150, 190, 230), (110, 150, 80)
        for _ in range(6 if seed else 0):  # neighbours and clouds, so that no two are near-duplicates
            y, x = rng.integers(0, 80), rng.integers(0, 110)
            picture[y : y + rng.integers(8, 50), x : x + rng.integers(8, 50)] = rng.integers(40, 255)
        left = 24 + int(rng.integers(10))
        picture[26:78, left : left + 70] = wall
        for column in range(left + 6, left + 60, 16):
            picture[36:52, column : column + 9] = (30, 40, 60)
        noise = rng.integers(-4, 5, picture.shape)
        return (picture + noise).clip(0, 255).astype(np.uint8)

    return draw


@pytest.fixture
def photo_folder(tmp_path, house):
    """A folder of twenty different photos, house-00.png to house-19.png."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(20):
        Image.fromarray(house(number)).save(folder / f"house-{number:02}.png")
    return folder


@pytest.fixture
def ingested(photo_folder, tmp_path, work):
    """The records of those photos, at 64 pixels."""
    from s2i.ingest import ingest
    from s2i.params import Ingest

    folder = Path(tmp_path / "ingested")
    records, _ = ingest(photo_folder, folder, 64, 0, Ingest(), work)
    return records
