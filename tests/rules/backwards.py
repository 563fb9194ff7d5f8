"""Samples of the rules on gradients and on the optimizer's steps, and their messages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from actdiag.feed import open_data
from actdiag.load import live_model
from actdiag.passes.gradients import with_gradients
from actdiag.passes.optimizer import with_updates
from actdiag.records import Gradients, GradientStats, Scan, UpdateStats, WeightStats
from tests.rules.build import FAILING, classifier, data_in, linear, scan, weight
from tests.rules.live import Sample, digits, mlp


def differentiated(sample: Sample) -> Sample:
    """The sample with a backward pass."""
    data = (sample.x, sample.y)

    def backward(found: Scan) -> Scan:
        feed = open_data(data, batch_size=200, module=sample.model)
        return with_gradients(found, sample.model, feed, None)

    return replace(sample, beside=backward)


class Cut(nn.Module):
    """Classifies what was detached from the layers before, as a frozen feature extractor is."""

    def __init__(self) -> None:
        super().__init__()
        self.features, self.head = nn.Linear(64, 32), nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.relu(self.features(x)).detach())


def cut() -> Sample:
    return differentiated(Sample(Cut(), *digits()[2:]))


def stepped(rate: float, *, cosine: bool = False, epochs: int = 4) -> Sample:
    """Digits learnt by Adam, whose state is in the checkpoint."""
    x, y, test_x, test_y = digits()
    model = mlp(64, 64, 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    steps = -(-len(x) // 128) * epochs
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps) if cosine else None
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(128):
            optimizer.zero_grad()
            F.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
            if schedule is not None:
                schedule.step()
    loaded = replace(live_model(model), optimizer=optimizer.state_dict())
    return Sample(model, test_x, test_y, beside=lambda found: with_updates(found, loaded))


def sloped(module: str, rms: float, /, **changes: Any) -> WeightStats:
    given: dict[str, Any] = {"elements": 100, "rms": rms, "max": 3 * rms, "zero_fraction": 0.0}
    return weight(module, gradient=GradientStats(**given | changes))


def with_slopes(*weights: WeightStats, **changes: Any) -> Scan:
    names = [item.module for item in weights]
    sites = [linear(name, *(names[i - 1 : i] or ["input"])) for i, name in enumerate(names)]
    record = Gradients("cross-entropy", assumed=True, samples=500, batches=8, value=2.3)
    return scan(data_in(), *sites, weights=weights, gradients=record, **changes)


def stepping(module: str, ratio: float, **changes: Any) -> WeightStats:
    return weight(module, update=UpdateStats(ratio, "adam", **{"lr": 0.5} | changes))


MESSAGES: dict[str, tuple[Scan, str]] = {
    "GRD501": (
        with_slopes(sloped("0", 2e-9), sloped("2", 1e-6), sloped("4", 3e-2)),
        (
            "The gradient vanishes on its way back: rms 0.03 at the last layer ('4.weight'), 2e-09 "
            "at the first ('0.weight'), over 500 samples (cross-entropy)."
        ),
    ),
    "GRD502": (
        with_slopes(sloped("0", 40.0), sloped("2", 0.1)),
        (
            "The gradient grows ×400 on its way back: rms 0.1 at the last layer ('2.weight'), 40 "
            "at the first ('0.weight'), over 500 samples (cross-entropy)."
        ),
    ),
    "GRD503": (
        with_slopes(
            sloped("0", 0.0, elements=0, rms=None), sloped("2", 0.0), sloped("4", 0.1, max=0.3)
        ),
        (
            "2 parameters of 3 (66.7 % of the values to be trained) get no gradient over 500 "
            "samples (cross-entropy): '0.weight' and '2.weight'. The loss does not depend on 1 of "
            "them at all."
        ),
    ),
    "GRD504": (
        scan(weights=(stepping("0", 0.31), stepping("2", 0.002))),
        (
            "The optimizer's steps are too large for the weights: 1 of 2 weight matrices move by "
            "more than 0.1 of their size per step, '0.weight'; '0.weight' by 0.31 at a learning "
            "rate of 0.5."
        ),
    ),
}
FAILED = classifier(**FAILING)
