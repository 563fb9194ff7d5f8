"""Bytes of activations alive at once, against sums by hand."""

import torch
from torch import nn
from torch.nn import functional as F

from actdiag.capture.footprint import live_bytes

FLOAT = 4


def test_a_chain_holds_what_goes_into_a_layer_and_what_comes_out():
    model = nn.Sequential(nn.Linear(10, 100), nn.ReLU(), nn.Linear(100, 20)).eval()
    # The caller holds the input; the ReLU's input and output are alive together.
    assert live_bytes(model, (torch.randn(1, 10),), {}) == FLOAT * (100 + 100)
    assert live_bytes(model, (torch.randn(7, 10),), {}) == 7 * FLOAT * (100 + 100)


def test_in_place_functions_and_views_take_nothing():
    layers = nn.Linear(10, 100), nn.ReLU(inplace=True), nn.Unflatten(1, (4, 25)), nn.Flatten()
    model = nn.Sequential(*layers, nn.Dropout()).eval()
    assert live_bytes(model, (torch.randn(2, 10),), {}) == 2 * FLOAT * 100


def test_what_is_kept_for_later_counts():
    class Keeps(nn.Module):
        def forward(self, x):
            kept = [x * step for step in range(5)]
            return torch.stack(kept).sum(0)

    # Five products, all of them once more when they are stacked, and the sum.
    assert live_bytes(Keeps(), (torch.randn(3, 10),), {}) == 3 * FLOAT * 10 * (5 + 5 + 1)


def test_weights_that_are_shared_out_do_not_count():
    class Turned(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(50, 4))
            self.register_buffer("shift", torch.ones(50))

        def forward(self, x):
            return x @ self.weight.t()[:, :] + self.shift.view(1, -1)

    assert live_bytes(Turned(), (torch.randn(1, 4),), {}) == FLOAT * (50 + 50)


class Stateful(nn.Module):
    """Counts, remembers, draws and normalises."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(6)
        self.register_buffer("calls", torch.zeros(1))
        self.count, self.seen = 0, []

    def forward(self, x):
        self.calls += 1
        self.count += 1
        self.seen.append(x)
        return F.dropout(self.norm(x) + torch.randn(6), training=True)


def test_the_model_stays_as_it_was():
    model, given = Stateful().train(), torch.randn(3, 6)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    before = torch.get_rng_state()
    assert live_bytes(model, (given,), {}) > 0
    assert torch.equal(torch.get_rng_state(), before)
    assert (model.count, model.seen, model.training) == (0, [], True)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


def test_what_cannot_be_told_is_none():
    class Raises(nn.Module):
        def forward(self, x):
            raise RuntimeError("no")

    class Uncopyable(nn.Module):
        def __deepcopy__(self, memo):
            raise TypeError("no")

        def forward(self, x):
            return x

    assert live_bytes(Raises(), (torch.ones(1, 2),), {}) is None
    assert live_bytes(Uncopyable(), (torch.ones(1, 2),), {}) is None
    assert live_bytes(nn.LazyLinear(3), (torch.ones(1, 2),), {}) is None
