"""The records of a small study."""

import pytest

from s2i.imaging import io

LOOKS = {"barn": (172, 44, 40), "church": (40, 60, 170), "tower_(tall)": (230, 220, 60)}


@pytest.fixture
def rows(tmp_path, house):
    """Three classes: of each four photos to train on and four to test with, two sketches a photo, a record a sketch."""
    rows = []
    for number in range(24):
        label, split = list(LOOKS)[number % 3], "train" if number < 12 else "test"
        photo = io.resize_and_crop(house(number, LOOKS[label]), 64)
        row = {
            "id": f"{number:016x}",
            "split": split,
            "label": label,
            "prompt": label,
            "photo": tmp_path / f"{number}.png",
        }
        io.write_png(row["photo"], photo)
        row["sketches"] = {style: tmp_path / f"{number}-{style}.png" for style in ("given", "given-2")}
        for variant, (style, file) in enumerate(row["sketches"].items()):
            io.write_png(file, io.grey(photo) // (1 + variant))
            changes = {"variant": variant, "sketch": str(file), "sketch_style": style, "photo": str(row["photo"])}
            rows.append(row | changes | {"sketches": {name: str(path) for name, path in row["sketches"].items()}})
    return rows
