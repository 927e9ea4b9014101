import numpy as np
import pandas as pd
import pytest
from PIL import Image

from s2i.evaluation import few_steps
from s2i.networks import st_lpips


def test_student_and_teacher_are_compared_by_steps_and_seconds(
    taught_student, examples, tiny_base, tmp_path, monkeypatch
):
    student, chosen, live = taught_student
    monkeypatch.setattr(few_steps, "STEPS", {"teacher": (3, 1), "student": (2, 1)})
    monkeypatch.setattr(st_lpips.ShiftTolerantLPIPS, "load", lambda: lambda a, b: (a - b).abs().mean(dim=(1, 2, 3)))
    drawn = [one | {"generation_seed": number} for number, one in enumerate(examples)]
    figures = few_steps.compare(drawn, tiny_base, student, live, chosen)
    assert list(figures) == ["teacher_3", "teacher_1", "student_2", "student_1", "images"]
    assert list(figures["teacher_3"]) == ["seconds", "st_lpips", "edge_f1"]
    assert all(figures[name]["seconds"] > 0 for name in list(figures)[:-1])
    table = pd.read_csv(live / "table.csv")
    first, few = table.iloc[0], table[table["model"] == "student"].iloc[0]
    assert few["st_lpips_change"] == pytest.approx(1 - few["st_lpips"] / first["st_lpips"], abs=1e-4)
    assert few["edge_f1_change"] == pytest.approx(few["edge_f1"] / first["edge_f1"] - 1, abs=1e-4)
    assert (table["edge_f1_change_low"] <= table["edge_f1_change"]).all()
    for name in ("quality.png", "mosaic.png"):
        assert np.asarray(Image.open(live / "plots/images" / name)).std() > 5
