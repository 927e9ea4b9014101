import json

from helpers.methods import generated


def test_the_base_draws_with_words_and_without(rows, method_params, trained):
    given = method_params("base")
    empty = method_params("base", generate={"steps": 2, "prompts": "empty"})
    target = trained(given)
    assert (generated(rows, target, given)[0] != generated(rows, target, empty)[0]).any()
    assert json.loads((target.with_name("trained-live") / "metrics.json").read_text()) == {}
