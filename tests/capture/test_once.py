"""Values that several places share are measured at one of them."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from actdiag.capture import Capture
from actdiag.stats.site import SiteAccumulator


@pytest.fixture
def measured(monkeypatch):
    """Copies of the outputs that accumulators take in, in order."""
    taken = []
    update = SiteAccumulator.update

    def counted(self, output, **axes):
        taken.append(output.clone())
        update(self, output, **axes)

    monkeypatch.setattr(SiteAccumulator, "update", counted)
    return taken


def names(model, *shape):
    torch.manual_seed(0)
    with Capture(model.eval()) as capture:
        for _ in range(3):
            assert capture.run((torch.randn(shape),), {}, shape[0]) is not None
        return [site.name for site in capture.sites()]


class Named(nn.Module):
    """Modules of one's own that give what they take, moved or copied."""

    def __init__(self):
        super().__init__()
        self.layer, self.turn, self.copy = nn.Linear(6, 6), Turn(), Copy()

    def forward(self, x):
        return self.copy(self.turn(self.layer(x)))


class Turn(nn.Module):
    def forward(self, x):
        return x.transpose(1, 2)


class Copy(nn.Module):
    def forward(self, x):
        return x.contiguous().clone()


class Halves(nn.Module):
    def forward(self, x):
        return x.half()


class Twice(nn.Module):
    """Gives one tensor under two names, and a view of it."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 6)

    def forward(self, x):
        x = self.layer(x)
        return {"logits": x, "same": x, "rows": x.view(-1)}


def functional():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(6, 6)

        def forward(self, x):
            x = F.dropout(self.layer(x), training=self.training).relu_()
            return F.dropout1d(x, training=self.training).flatten(1)

    return Model()


CASES = {
    "dropout in eval mode": (
        nn.Sequential(nn.Linear(6, 5), nn.Dropout(), nn.ReLU(), nn.AlphaDropout(), nn.Linear(5, 4)),
        (4, 6),
        ["input", "0", "2", "4"],
    ),
    "identity": (
        nn.Sequential(nn.Identity(), nn.Linear(6, 5), nn.Identity(), nn.Identity()),
        (4, 6),
        ["input", "1"],
    ),
    "in place": (
        nn.Sequential(nn.Linear(6, 5), nn.ReLU(inplace=True), nn.Dropout(inplace=True)),
        (4, 6),
        ["input", "0", "1"],
    ),
    "in-place functions": (functional(), (4, 6), ["input", "layer", "relu"]),
    "flattened": (
        nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), nn.Unflatten(1, (3, 16)), nn.Flatten()),
        (4, 1, 6, 6),
        ["input", "0"],
    ),
    "flattened by a copy": (
        nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten()).to(memory_format=torch.channels_last),
        (4, 2, 6, 6),
        ["input", "0"],
    ),
    "moved and copied": (Named(), (4, 3, 6), ["input", "layer"]),
    "given twice": (Twice(), (4, 6), ["input", "layer"]),
    "rounded": (nn.Sequential(nn.Linear(6, 5), Halves()), (4, 6), ["input", "0", "1"]),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_site_is_measured_once_per_batch_and_none_holds_what_another_holds(measured, case):
    model, shape, expected = case
    assert names(model, *shape) == expected
    assert len(measured) == 3 * len(expected)
    sums = {tuple(tensor.double().flatten().sort().values.tolist()) for tensor in measured}
    assert len(sums) == len(measured)
