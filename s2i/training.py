"""The one training loop: every model of s2i, the embedded base included, is trained by ``fit``."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from accelerate import Accelerator
from diffusers.optimization import get_cosine_schedule_with_warmup
from diffusers.training_utils import EMAModel
from safetensors import safe_open
from safetensors.torch import save_file
from torch.utils.data import DataLoader, Dataset, Sampler
from tqdm import tqdm

from s2i.files import whole_file
from s2i.params import Optimisation


def fit(
    model: torch.nn.Module,
    loss: Callable[[torch.nn.Module, dict, torch.Generator], torch.Tensor],
    dataset: Dataset,
    settings: Optimisation,
    checkpoints: Path,
    *,
    device: torch.device,
    precision: str,
    seed: int = 0,
    validate: Callable[[int], float] | None = None,
    log: Callable[[int, dict], None] | None = None,
    description: str = "train",
) -> int:
    """Train the parameters of ``model`` that require gradients; AdamW, linear warm-up, then cosine to zero.

    loss(model, batch, generator) is a scalar; all its randomness must come from ``generator``, which is seeded by the
    step.  So a run that was interrupted goes on from ``checkpoints`` and ends where it would have ended.
    validate(step) is a figure to be minimised: the best weights are kept, and ``settings.patience`` validations
    without improvement end the training.  Returns the step whose weights ``model`` holds at the end.
    """
    accelerator = Accelerator(mixed_precision={"fp32": "no"}.get(precision, precision), cpu=device.type == "cpu")
    model.to(device)
    trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    optimizer = torch.optim.AdamW(
        trained.values(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    scheduler = get_cosine_schedule_with_warmup(optimizer, settings.warmup_steps, settings.steps)
    ema = EMAModel(trained.values(), decay=settings.ema_decay) if settings.ema_decay else None
    progress = Progress(checkpoints, trained, optimizer, scheduler, ema)
    progress.resume()
    last_step = progress.step if progress.is_over(settings.patience) else settings.steps
    batches = StepBatches(len(dataset), settings.batch_size, seed, progress.step, last_step)
    loader = DataLoader(dataset, batch_sampler=batches, collate_fn=_as_is if hasattr(dataset, "__getitems__") else None)
    prepared, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    generator = torch.Generator(device)

    bar = tqdm(loader, desc=description, initial=progress.step, total=settings.steps, unit="step")
    for batch in bar:
        generator.manual_seed((seed << 32) + progress.step * accelerator.num_processes + accelerator.process_index)
        with accelerator.autocast():
            value = loss(prepared, batch, generator)
        accelerator.backward(value)
        gradient_norm = accelerator.clip_grad_norm_(trained.values(), settings.max_gradient_norm)
        rate = scheduler.get_last_lr()[0]
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
        progress.step += 1
        if ema:
            ema.step(trained.values())
        bar.set_postfix(loss=f"{(shown := value.item()):.4f}", refresh=False)
        if log:
            log(progress.step, {"loss": shown, "learning_rate": rate, "gradient_norm": gradient_norm.item()})
        if validate and progress.step % settings.validate_every == 0:
            progress.judge(validate)
            if progress.is_over(settings.patience):
                break
        if progress.step % settings.checkpoint_every == 0 and accelerator.is_main_process:
            progress.save()
    if progress.saved_step != progress.step and accelerator.is_main_process:
        progress.save()
    return progress.finish()


class StepBatches(Sampler):
    """Index batches that are a function of the step alone, so that a resumed run sees what it would have seen."""

    def __init__(self, size: int, batch_size: int, seed: int, first_step: int, last_step: int):
        self.size, self.batch_size, self.seed = size, batch_size, seed
        self.first_step, self.last_step = first_step, last_step

    def __len__(self) -> int:
        return max(0, self.last_step - self.first_step)

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.first_step, self.last_step):
            wanted = range(step * self.batch_size, (step + 1) * self.batch_size)
            orders = {epoch: self._order(epoch) for epoch in {place // self.size for place in wanted}}
            yield [orders[place // self.size][place % self.size] for place in wanted]

    def _order(self, epoch: int) -> list[int]:
        return torch.randperm(self.size, generator=torch.Generator().manual_seed(self.seed + epoch)).tolist()


class Progress:
    """What a resumed run needs: weights, optimiser moments, EMA, step, and the best validation so far."""

    def __init__(self, folder: Path, trained: dict, optimizer, scheduler, ema: EMAModel | None):
        self.last, self.best = Path(folder) / "last.safetensors", Path(folder) / "best.safetensors"
        self.trained, self.optimizer, self.scheduler, self.ema = trained, optimizer, scheduler, ema
        self.step, self.saved_step = 0, 0
        self.best_step, self.best_figure, self.validations_since_best = None, None, 0

    def _tensors(self) -> dict[str, torch.Tensor]:
        tensors = {f"weight.{name}": parameter.detach() for name, parameter in self.trained.items()}
        for name, parameter in self.trained.items():
            for moment in ("exp_avg", "exp_avg_sq"):
                if moment in self.optimizer.state[parameter]:
                    tensors[f"{moment}.{name}"] = self.optimizer.state[parameter][moment]
        if self.ema:
            tensors |= {
                f"ema.{name}": shadow for name, shadow in zip(self.trained, self.ema.shadow_params, strict=True)
            }
        return {name: tensor.contiguous() for name, tensor in tensors.items()}

    def save(self) -> None:
        kept = ("step", "best_step", "best_figure", "validations_since_best")
        state = json.dumps({name: getattr(self, name) for name in kept})
        with whole_file(self.last) as draft:
            save_file(self._tensors(), draft, metadata={"progress": state})
        self.saved_step = self.step

    def resume(self) -> None:
        if not self.last.exists():
            return
        with safe_open(self.last, "pt") as file:
            vars(self).update(json.loads(file.metadata()["progress"]))
            for index, (name, parameter) in enumerate(self.trained.items()):
                parameter.data.copy_(file.get_tensor(f"weight.{name}"))
                if f"exp_avg.{name}" in file.keys():  # noqa: SIM118
                    moments = {moment: file.get_tensor(f"{moment}.{name}") for moment in ("exp_avg", "exp_avg_sq")}
                    moments["step"] = torch.tensor(float(self.step))
                    self.optimizer.state[parameter] = {
                        key: value.to(parameter.device) for key, value in moments.items()
                    }
                if self.ema:
                    self.ema.shadow_params[index].copy_(file.get_tensor(f"ema.{name}"))
        if self.ema:
            self.ema.optimization_step = self.step
        self.scheduler.load_state_dict(
            self.scheduler.state_dict() | {"last_epoch": self.step, "_step_count": self.step + 1}
        )
        rates = [
            rate * share(self.step)
            for rate, share in zip(self.scheduler.base_lrs, self.scheduler.lr_lambdas, strict=True)
        ]
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self.scheduler._last_lr = rates
        self.saved_step = self.step

    def is_over(self, patience: int | None) -> bool:
        return patience is not None and self.validations_since_best >= patience

    def judge(self, validate: Callable[[int], float]) -> None:
        if self.ema:
            self.ema.store(self.trained.values())
            self.ema.copy_to(self.trained.values())
        figure = validate(self.step)
        if self.best_figure is None or figure < self.best_figure:
            self.best_step, self.best_figure, self.validations_since_best = self.step, figure, 0
            with whole_file(self.best) as draft:
                save_file({name: parameter.detach().contiguous() for name, parameter in self.trained.items()}, draft)
        else:
            self.validations_since_best += 1
        if self.ema:
            self.ema.restore(self.trained.values())

    def finish(self) -> int:
        """Put the best weights into the model, else the averaged ones, else leave the last."""
        if self.best_step is not None:
            with safe_open(self.best, "pt") as file:
                for name, parameter in self.trained.items():
                    parameter.data.copy_(file.get_tensor(name))
            return self.best_step
        if self.ema:
            self.ema.copy_to(self.trained.values())
        return self.step


def _as_is(batch):
    return batch
