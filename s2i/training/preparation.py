"""Everything in place for the first step of a training, or for the one after its last checkpoint."""

from accelerate import Accelerator
from accelerate.utils import parse_flag_from_env
from diffusers.optimization import get_cosine_schedule_with_warmup
from diffusers.training_utils import EMAModel

from s2i.core.errors import UserError
from s2i.training import checkpoints
from s2i.training.randomness import BatchRandom
from s2i.training.run import Run, TrainState

SHARDING = ("ACCELERATE_USE_FSDP", "ACCELERATE_USE_DEEPSPEED", "ACCELERATE_USE_MEGATRON_LM")  # by accelerate launch


def prepare(run: Run) -> TrainState:
    """The model on its device, what updates it, and where its last checkpoint left it.

    Raises UserError under FSDP, DeepSpeed and Megatron-LM, and when the optimiser's package is missing.
    """
    if any(map(parse_flag_from_env, SHARDING)):
        raise UserError(
            "FSDP, DeepSpeed and Megatron-LM are not supported, as no process would have the weights whole: give "
            "accelerate distributed_type MULTI_GPU, see docs/training-on-many-devices.md."
        )
    settings, device = run.settings, run.device
    accelerator = Accelerator(
        mixed_precision={"fp32": "no"}.get(run.precision, run.precision), cpu=device.type == "cpu"
    )
    run.model.to(device)
    parameters = {name: parameter for name, parameter in run.model.named_parameters() if parameter.requires_grad}
    optimizer = run.make_optimizer(parameters, settings, device)
    first_part, parts = accelerator.process_index * settings.accumulate, accelerator.num_processes * settings.accumulate
    state = TrainState(
        run,
        accelerator,
        run.model,
        parameters,
        optimizer,
        lr_scheduler=get_cosine_schedule_with_warmup(optimizer, settings.warmup_steps, settings.steps),
        ema=EMAModel(parameters.values(), decay=settings.ema_decay) if settings.ema_decay else None,
        rngs=[BatchRandom(device, first_part + turn, parts) for turn in range(settings.accumulate)],
    )
    checkpoints.resume(state)
    state.model, state.optimizer = accelerator.prepare(run.model, optimizer)
    return state
