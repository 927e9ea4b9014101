"""Which sketches every variant draws, and what classes are told by."""

import pandas as pd
import pytest

from s2i.core.errors import UserError
from s2i.studies.sketchy import items


def test_items_are_of_all_classes_alike_and_of_different_photos_first(rows):
    chosen = [row for row in items.select(rows, 9, seed=0) if row["split"] == "test"]
    assert pd.Series([row["label"] for row in chosen]).value_counts().tolist() == [3, 3, 3]
    assert len({row["id"] for row in chosen}) == 9
    assert chosen == [row for row in items.select(rows[::-1], 9, seed=0) if row["split"] == "test"]
    others = [row for row in items.select(rows, 9, seed=1) if row["split"] == "test"]
    assert chosen != others
    fewer = [row for row in items.select(rows, 6, seed=0) if row["split"] == "test"]
    assert all(row in chosen for row in fewer)


def test_fewer_items_than_asked_for_are_warned_of_and_none_are_refused(rows):
    with pytest.warns(UserWarning, match=r"study\.items is 100, and there are 24 held-out sketches"):
        items.select(rows, 100, seed=0)
    with pytest.raises(UserError, match=r"no held-out sketch to draw: raise ingest\.test"):
        items.select(rows[:8], 100, seed=0)


def test_a_probe_wants_two_classes(rows):
    with pytest.raises(UserError, match="fewer than two classes"):
        items.fit_probe([row for row in rows if row["label"] == "barn"], "sketch")
