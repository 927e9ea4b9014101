import pytest

from s2i.core.errors import UserError
from s2i.training import step_cost


@pytest.mark.parametrize("learning", [{"accumulate": 2}, {"unet_rank": 2, "ema_decay": 0.9}])
def test_a_step_is_measured_with_the_models_that_will_train(params, learning):
    cost = step_cost.measure(params(learning, adapter="full", conditions=["sketch", "edges"]))
    assert cost.seconds > 0 and cost.memory > 50


def test_a_checkpoint_holds_weights_moments_and_averages(params, monkeypatch):
    monkeypatch.setattr(step_cost, "MEGABYTE", 1)
    plain = step_cost.measure(params(adapter="full"))
    averaged = step_cost.measure(params({"ema_decay": 0.9}, adapter="full"))
    assert averaged.checkpoint * 3 == plain.checkpoint * 4 > 0


def test_what_the_training_would_refuse_is_refused_before_it(params):
    with pytest.raises(UserError, match=r"train.batch_size 3 cannot be divided into 2 parts"):
        step_cost.measure(params({"batch_size": 3, "accumulate": 2}))
    with pytest.raises(UserError, match=r"train.optimizer is adamw8bit, which needs a CUDA GPU"):
        step_cost.measure(params({"optimizer": "adamw8bit"}, device="cpu"))
