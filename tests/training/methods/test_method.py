from importlib import import_module
from inspect import signature
from typing import get_args

import pytest

from s2i.core.params import Params
from s2i.training.methods import METHODS
from s2i.training.methods.method import Method, load_method

FUNCTIONS = ("train", "generation_task", "untouched_task")


def test_the_parameters_name_the_methods_of_the_table():
    assert set(get_args(Params.model_fields["method"].annotation)) == set(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_every_module_of_the_table_is_a_method(name):
    module = load_method(name)
    assert module is import_module(METHODS[name])
    for function in FUNCTIONS:
        expected = [parameter for parameter in signature(getattr(Method, function)).parameters if parameter != "self"]
        assert list(signature(getattr(module, function)).parameters) == expected


def test_a_method_has_no_other_functions():
    assert {name for name in vars(Method) if not name.startswith("_")} == set(FUNCTIONS)
