"""Real models on real data, scanned by the real capture, for the rules' samples."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import torch
from sklearn import datasets
from torch import Tensor, nn
from torch.nn import functional as F

from actdiag.capture.gated import gated_units
from actdiag.capture.weights import weights_of
from actdiag.measure import measure
from actdiag.records import DataInfo, ModelInfo, Scan, ToolInfo

if TYPE_CHECKING:
    from collections.abc import Callable


torch.set_num_threads(1)  # models this small only wait for a second one


def _nothing(scan: Scan) -> Scan:
    return scan


@dataclass(frozen=True, eq=False)
class Sample:
    """A model and what it is shown; ``y`` are labels, or targets of a regression, or nothing.

    ``beside`` is what further passes add to the Scan.
    """

    model: nn.Module
    x: Tensor
    y: Tensor | None = None
    beside: Callable[[Scan], Scan] = _nothing


@dataclass(frozen=True, eq=False)
class Part:
    """One batch, as the feed room hands it out."""

    inputs: tuple[object, ...]
    labels: Tensor | None
    samples: int
    kwargs: dict[str, object]


def scanned(sample: Sample, *, synthetic: bool = False) -> Scan:
    """The Scan of a sample, measured in batches of 200."""
    batches = [
        Part((x,), None if sample.y is None else sample.y[start : start + 200], len(x), {})
        for start, x in zip(range(0, len(sample.x), 200), sample.x.split(200), strict=True)
    ]
    found = measure(sample.model.eval(), batches)
    record = Scan(
        tool=ToolInfo(),
        model=ModelInfo(path=None, format="live", class_name=type(sample.model).__name__),
        data=DataInfo(
            "tests",
            synthetic=synthetic,
            samples=found.samples,
            batches=found.batches,
            labels=found.labels,
            padding=found.padding,
        ),
        coverage=found.coverage,
        sites=found.sites,
        modules=found.modules,
        gated=gated_units(found.sites, found.modules),
        output=found.output,
        weights=weights_of(sample.model),
    )
    return sample.beside(record)


Data = tuple[Tensor, Tensor, Tensor, Tensor]
"""Training inputs and labels, held-out inputs and labels."""


def _split(x: Tensor, y: Tensor, held_out: int) -> Data:
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(7))
    test, train = order[:held_out], order[held_out:]
    return x[train], y[train], x[test], y[test]


@cache
def digits() -> Data:
    """8 × 8 handwritten digits as 64 grey values in [0, 1]; 400 held out."""
    x, y = datasets.load_digits(return_X_y=True)
    return _split(torch.tensor(x / 16, dtype=torch.float32), torch.tensor(y), 400)


@cache
def cancer(*, raw: bool) -> Data:
    """Thirty measurements of breast tumours, raw (0.001 to 4254) or standardised; 200 held out."""
    x, y = datasets.load_breast_cancer(return_X_y=True)
    table = torch.tensor(x, dtype=torch.float32)
    if not raw:
        table = (table - table.mean(0)) / table.std(0)
    return _split(table, torch.tensor(y), 200)


def linear_at(model: nn.Module, place: int) -> nn.Linear:
    """The linear layer at a place of a sequential model."""
    layer = model.get_submodule(str(place))
    assert isinstance(layer, nn.Linear)
    return layer


def mlp(*widths: int, activation: Callable[[], nn.Module] = nn.ReLU) -> nn.Sequential:
    """Linear layers with an activation between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, outputs), activation()]
    return nn.Sequential(*layers[:-1])


def train(
    model: nn.Module,
    data: Data,
    *,
    epochs: int = 5,
    rate: float = 0.01,
    smoothing: float = 0.0,
    batch_size: int = 128,
) -> Sample:
    """Adam on shuffled batches; gives the model with the held-out part."""
    x, y, test_x, test_y = data
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(batch_size):
            optimizer.zero_grad()
            F.cross_entropy(model(x[batch]), y[batch], label_smoothing=smoothing).backward()
            optimizer.step()
    return Sample(model.eval(), test_x, test_y)
