"""What every recipe is made of: a record of one sample model and the loop that trains it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sample_models.recipes.data import Task


@dataclass(frozen=True)
class Recipe:
    """One sample model: how it is made, and what is known to be wrong with it.

    ``data`` names the held-out file, ``train_data`` the training file where it is kept too.
    ``factory`` is the name in ``factories.py`` that builds the module for a state dict; without
    it the whole module is pickled. ``codes`` are findings that must be made, ``symptoms`` maps a
    symptom that must be diagnosed to the cause that must be confirmed (None: no documented cause
    fits). A healthy model has neither.
    """

    name: str
    make: Callable[[], nn.Module]
    data: str
    task: str
    about: str
    mistake: str | None = None
    twin: str | None = None
    factory: str | None = None
    train_data: str | None = None
    seed: int = 0
    codes: tuple[str, ...] = ()
    symptoms: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def sick(self) -> bool:
        """Whether a mistake was made."""
        return self.mistake is not None


def mlp(
    widths: list[int], activation: Callable[[], nn.Module] | None = nn.ReLU, dropout: float = 0.0
) -> nn.Sequential:
    """Linear layers of these widths with ``activation`` (and dropout, if any) between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        if layers and activation is not None:
            layers.append(activation())
        if layers and dropout:
            layers.append(nn.Dropout(dropout))
        layers.append(nn.Linear(inputs, outputs))
    return nn.Sequential(*layers)


def each_linear(model: nn.Module) -> list[nn.Linear]:
    """The linear layers of ``model``, in order."""
    return [module for module in model.modules() if isinstance(module, nn.Linear)]


def loss_of(outputs: Tensor, targets: Tensor) -> Tensor:
    """Squared error for float targets, else cross-entropy over the last axis."""
    if targets.is_floating_point():
        return F.mse_loss(outputs, targets)
    return F.cross_entropy(outputs.flatten(0, -2), targets.flatten())


def fit(
    model: nn.Module,
    task: Task,
    optimizer: torch.optim.Optimizer,
    *,
    epochs: int,
    batch_size: int = 64,
) -> nn.Module:
    """Train in place on shuffled mini-batches; returns the model in evaluation mode."""
    x, y = torch.from_numpy(task.train_x), torch.from_numpy(task.train_y)
    model.train()
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(batch_size):  # type: ignore[no-untyped-call]
            optimizer.zero_grad()
            loss_of(model(x[batch]), y[batch]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    optimizer.zero_grad()
    return model.eval()


@torch.no_grad()
def held_out_score(model: nn.Module, task: Task) -> float:
    """Accuracy on the held-out part (an output with a NaN is wrong), or R² for float targets."""
    outputs, targets = model(torch.from_numpy(task.x)), torch.from_numpy(task.y)
    if targets.is_floating_point():
        return 1 - float(
            (outputs - targets).square().sum() / targets.sub(targets.mean()).square().sum()
        )
    right = (outputs.argmax(-1) == targets) & outputs.isfinite().all(-1)
    return float(right.double().mean())
