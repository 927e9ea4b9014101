from typing import get_args

import pyarrow as pa
import pytest

from s2i.core.params import Survey
from s2i.core.records import SCHEMA
from s2i.vocabulary import attributes
from s2i.vocabulary.buildings import MATERIALS, STYLES, VIEWS

COLUMN_TYPES = {str: pa.string(), bool: pa.bool_(), int: pa.int32()}


@pytest.mark.parametrize(("name", "kind"), attributes.TYPES.items())
def test_every_attribute_is_a_column_of_the_records_with_its_type(name, kind):
    assert SCHEMA.field(name).type == COLUMN_TYPES[kind]


def test_the_survey_can_want_attributes_alone_and_wants_of_them_what_the_corpus_shows():
    names, values = get_args(get_args(Survey.model_fields["wanted"].annotation)[0]), Survey().wanted
    assert set(names) <= attributes.TYPES.keys() and attributes.TYPES.keys() >= values.keys()
    assert values | {"style": list(STYLES), "view": list(VIEWS), "material": list(MATERIALS)} == values
    assert all(values[name] == [True, False] for name in attributes.FLAGS)


def test_a_flag_and_a_count_are_named_and_a_text_is_in_lower_case():
    values = {"structure": " House ", "curved": True, "glass": False, "balconies": 3, "windows": 9, "view": None}
    assert attributes.words_by_part(values) == {"structure": "house", "curved": "curved", "balconies": "balconies"}
    assert [attributes.in_one_word(values, name) for name in ("structure", "curved", "glass", "balconies")] == [
        "house", "yes", "no", "yes",
    ]  # fmt: skip


def test_a_class_stands_for_the_structure_that_no_column_names():
    assert attributes.given_parts({"label": "car_(sedan)"}) == {"structure": "car (sedan)"}
    assert attributes.given_parts({"label": "car_(sedan)", "structure": "Taxi"}) == {"structure": "taxi"}
