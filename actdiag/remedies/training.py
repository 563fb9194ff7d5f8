"""A small, seeded training loop: the same batches, in the same order, for every arm of a seed.

Treated arm and control are judged, and kept, at the best of the 21 points of their learning
curve, as a training with early stopping would be: a trial is to show what a remedy makes possible,
not which arm over-fits a small data set sooner.
"""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from actdiag.capture.containers import primary_output
from actdiag.errors import DataError, UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor, nn

    from actdiag.feed import Batch
    from actdiag.remedies.base import Arm, Settings
    from actdiag.remedies.objective import Judged, Objective

_POINTS = 20  # of a learning curve
OPTIMIZERS: dict[str, Any] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
    "adamax": torch.optim.Adamax,
    "adadelta": torch.optim.Adadelta,
}


class OutOfTimeError(Exception):
    """The time budget is used up."""


@dataclass(frozen=True)
class Clock:
    """Raises OutOfTimeError when ``deadline``, a time of ``time.monotonic``, is past."""

    deadline: float = float("inf")

    def check(self) -> None:
        """Raise OutOfTimeError if the time is up."""
        if time.monotonic() > self.deadline:
            raise OutOfTimeError


@dataclass
class Trained:
    """What a training gave: the best judgement, and the held-out and training loss on the way."""

    judged: Judged
    steps: list[int] = field(default_factory=list)
    held_out: list[float | None] = field(default_factory=list)
    training: list[float | None] = field(default_factory=list)


def require_optimizer(name: str) -> str:
    """Return ``name`` in lower case when it is an optimizer.

    Raises:
        UsageError: there is no such optimizer.
    """
    if name.lower() not in OPTIMIZERS:
        raise UsageError(
            f"there is no optimizer '{name}'", hint=did_you_mean(name.lower(), OPTIMIZERS)
        )
    return name.lower()


def train(
    arm: Arm,
    judged: Batch,
    objective: Objective,
    *,
    clock: Clock,
    tick: Callable[[], None],
) -> Trained:
    """Train an arm in place by its settings and judge it on held-out samples on the way.

    The training ends early when its loss is no longer finite: nothing can be learned from there.

    Raises:
        OutOfTimeError: the clock says so.
    """
    samples, held_out = arm.prepared(arm.samples), arm.prepared(judged)
    if not arm.trained:
        return Trained(_judged(arm, samples, held_out, objective))
    settings, parameters = arm.settings, _trainable(arm.module)
    optimizer = _optimizer(settings, parameters)
    points = {round(settings.steps * part / _POINTS) for part in range(_POINTS + 1)}
    result = Trained(_judged(arm, samples, held_out, objective))
    best = _Best(arm.module, result.judged)
    recent: list[float] = []
    for step, index in enumerate(_batches(samples.samples, settings, arm.seed)):
        if step in points:
            best.see(_judged(arm, samples, held_out, objective))
            _note(result, step, best.latest, recent)
        clock.check()
        tick()
        loss = _step(arm, samples.rows(index), objective, optimizer)
        recent.append(loss)
        _decayed(parameters, settings.lr * arm.decay)
        if loss - loss != 0:  # NaN or infinite
            break
    best.see(_judged(arm, samples, held_out, objective))
    _note(result, settings.steps, best.latest, recent)
    result.judged = best.restored()
    arm.module.eval()
    return result


class _Best:
    """The best judgement so far, with the weights that it was made on."""

    def __init__(self, module: nn.Module, judged: Judged) -> None:
        self._module, self._judged, self.latest = module, judged, judged
        self._state = copy.deepcopy(module.state_dict())

    def see(self, judged: Judged) -> None:
        """Keep the weights as they are now if they are better."""
        self.latest = judged
        if judged.score > self._judged.score:
            self._judged = judged
            self._state = copy.deepcopy(self._module.state_dict())

    def restored(self) -> Judged:
        """Put the best weights back, and return their judgement."""
        self._module.load_state_dict(self._state)
        return self._judged


def _batches(samples: int, settings: Settings, seed: int) -> Iterator[Tensor]:
    """Shuffled rows, epoch after epoch, until there were as many steps as wanted."""
    generator, done = torch.Generator().manual_seed(seed), 0
    size = min(settings.batch_size, samples)
    while done < settings.steps:
        order = torch.randperm(samples, generator=generator)
        for index in order[: samples - samples % size].split(size):  # type: ignore[no-untyped-call]
            if done == settings.steps:
                return
            yield index
            done += 1


def _step(arm: Arm, batch: Batch, objective: Objective, optimizer: torch.optim.Optimizer) -> float:
    arm.module.train()
    optimizer.zero_grad()
    with torch.enable_grad():
        output = primary_output(arm(batch))
        if output is None or batch.labels is None:
            raise DataError("the model answers with no tensor of real numbers")
        loss = objective.loss(output.float(), batch.labels, arm.smoothing)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return float(loss.detach())


def _judged(arm: Arm, samples: Batch, held_out: Batch, objective: Objective) -> Judged:
    arm.module.eval()
    with torch.no_grad():
        if arm.fits_temperature:
            arm.temperature = objective.fitted_temperature(arm, samples)
        return objective.judge(arm, held_out)


def _note(result: Trained, step: int, judged: Judged, recent: list[float]) -> None:
    result.steps.append(step)
    result.held_out.append(judged.loss)
    result.training.append(sum(recent) / len(recent) if recent else None)
    recent.clear()


def _trainable(module: nn.Module) -> list[Tensor]:
    """The parameters that are trained: all of them where the file froze every one."""
    if not any(item.requires_grad for item in module.parameters()):
        for item in module.parameters():
            item.requires_grad_(item.is_floating_point())
    return [item for item in module.parameters() if item.requires_grad]


def _optimizer(settings: Settings, parameters: list[Tensor]) -> torch.optim.Optimizer:
    options: dict[str, Any] = {"lr": settings.lr, "weight_decay": settings.weight_decay}
    if settings.momentum and settings.optimizer in ("sgd", "rmsprop"):
        options["momentum"] = settings.momentum
    optimizer: torch.optim.Optimizer = OPTIMIZERS[settings.optimizer](parameters, **options)
    return optimizer


def _decayed(parameters: list[Tensor], amount: float) -> None:
    """Shrink weights, not biases and gains, as AdamW does (Loshchilov and Hutter 2019)."""
    if amount:
        with torch.no_grad():
            for item in parameters:
                if item.dim() > 1:
                    item.mul_(1 - amount)
