import pytest
from helpers.line import CPU, model, noisy_loss, settings

from s2i.core.errors import UserError
from s2i.training.loop import fit
from s2i.training.run import Run


@pytest.mark.parametrize("kind", ["FSDP", "DEEPSPEED", "MEGATRON_LM"])
def test_what_splits_the_weights_is_refused(line, tmp_path, monkeypatch, kind):
    monkeypatch.setenv(f"ACCELERATE_USE_{kind}", "true")
    with pytest.raises(UserError, match=r"FSDP, DeepSpeed and Megatron-LM are not supported, .* MULTI_GPU"):
        fit(Run(model(), noisy_loss, line, settings(), tmp_path, **CPU))
