"""Training one case, from its own seed on one thread, and what came of it on held-out data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F

from benchmarks.family import data, networks

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.family.case import Case

BATCH = 64
WORKED, FAILED, BETWEEN = "worked", "failed", "between"
WORKED_FROM, FAILED_BELOW = 0.8, 0.5  # of the reference skill of the data set

OPTIMIZERS: dict[str, Callable[..., optim.Optimizer]] = {
    "adam": optim.Adam,
    "adamw": optim.AdamW,
    "sgd": lambda parameters, **more: optim.SGD(parameters, momentum=0.9, **more),
    "rmsprop": optim.RMSprop,
}


def trained(case: Case) -> nn.Module:
    """The network of the case after its training, in evaluation mode."""
    torch.manual_seed(case.seed)
    model = networks.build(case)
    initialise(model, case)
    x, y = training_data(case)
    optimizer = OPTIMIZERS[case.optimizer](
        model.parameters(), lr=case.rate, weight_decay=case.weight_decay
    )
    model.train()
    done = 0
    while done < case.steps:
        for batch in torch.randperm(len(x)).split(BATCH):  # type: ignore[no-untyped-call]
            if len(batch) < 2 or done == case.steps:  # noqa: PLR2004 - BatchNorm wants two
                break
            optimizer.zero_grad()
            _loss(model(x[batch]), y[batch]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            done += 1
    optimizer.zero_grad()
    return model.eval()


def training_data(case: Case) -> tuple[Tensor, Tensor]:
    """The inputs and the labels that the model of the case is trained on."""
    split = data.scaled(case.data, case.scaling)
    x, y = torch.from_numpy(split.train_x), _labels(case, split.train_y)
    return (x[: case.samples], y[: case.samples]) if case.samples else (x, y)


def _loss(outputs: Tensor, targets: Tensor) -> Tensor:
    if targets.is_floating_point():
        return F.mse_loss(outputs, targets)
    return F.cross_entropy(outputs.flatten(0, -2), targets.flatten())


def _labels(case: Case, labels: Any) -> Tensor:
    """The training labels, a share ``noise`` of them drawn anew from each other."""
    mixed = np.array(labels)
    generator = np.random.default_rng(case.seed)
    chosen = generator.permutation(len(mixed))[: int(case.noise * len(mixed))]
    mixed[chosen] = mixed[generator.permutation(chosen)]
    return torch.from_numpy(mixed)


def initialise(model: nn.Module, case: Case) -> None:
    """Set the weights (all of at least two dimensions) by the case's scheme, then its biases.

    A regression's last bias starts at the mean of the targets, so that it trains in few steps.
    """
    named = list(model.named_parameters())
    for name, parameter in named:
        if parameter.dim() > 1 and "position" not in name:
            _draw(parameter, case)
        elif case.bias is not None and name.endswith("bias") and "norm" not in name:
            nn.init.constant_(parameter, case.bias)
    if case.data == "diabetes" and case.head == "none":
        nn.init.constant_(named[-1][1], float(data.raw("diabetes").train_y.mean()))


def _draw(weight: nn.Parameter, case: Case) -> None:
    if case.initialise == "he":
        nn.init.kaiming_normal_(weight, nonlinearity="relu")
    elif case.initialise == "xavier":
        nn.init.xavier_uniform_(weight)
    elif case.initialise == "orthogonal":
        nn.init.orthogonal_(weight)
    elif case.initialise == "normal":
        nn.init.normal_(weight, std=case.init_scale)
    elif case.initialise == "constant":
        nn.init.constant_(weight, case.init_scale)
    elif case.initialise == "scaled":
        with torch.no_grad():
            weight.mul_(case.init_scale)


@dataclass(frozen=True)
class Held:
    """How a model does on held-out data.

    ``skill`` is its own over that of a linear model; ``nll`` the mean negative log-likelihood in
    nats, None of a regression.
    """

    skill: float
    nll: float | None

    @property
    def outcome(self) -> str:
        """*worked* from 0.8 of the linear model's skill, *failed* below 0.5 of it, or *between*."""
        if self.skill >= WORKED_FROM:
            return WORKED
        return FAILED if self.skill < FAILED_BELOW else BETWEEN


@torch.no_grad()
def held_out(model: nn.Module, case: Case) -> Held:
    """The model on held-out inputs, prepared as those that are scanned."""
    split = data.shown(case)
    outputs, targets = model(torch.from_numpy(split.held_x)), torch.from_numpy(split.held_y)
    nll = None
    if targets.is_floating_point():
        errors = (outputs - targets).square().sum()
        score = 1 - float(errors / (targets - targets.mean()).square().sum())
    else:
        right = (outputs.argmax(-1) == targets) & outputs.isfinite().all(-1)
        score = float(right.double().mean())
        nll = float(_loss(outputs, targets))
    share = data.skill(score, split.held_y) / data.reference_skill(case.data)
    return Held(max(share, -1.0) if np.isfinite(share) else -1.0, nll)
