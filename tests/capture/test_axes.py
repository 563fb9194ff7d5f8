"""Where units and samples lie behind every way to move, pick, split and join axes: never wrong."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from actdiag.capture import Capture
from actdiag.capture.operations import Kind, classify
from actdiag.capture.recorder import Recorder

SAMPLES, TOKENS, WIDTH = 4, 3, 8
ROWS = torch.arange(SAMPLES)
FOLLOWED = {
    # how, then the unit and the sample axis behind it, of (samples, tokens, units)
    "nothing": (lambda x: x, 2, 0),
    "transpose": (lambda x: x.transpose(1, 2), 1, 0),
    "T": (lambda x: x.permute(1, 0, 2)[0].T, 0, 1),
    "mT": (lambda x: x.mT, 1, 0),
    "mH": (lambda x: x.mH, 1, 0),
    "H": (lambda x: x[:, 0].H, 0, 1),
    "adjoint": (lambda x: x.adjoint(), 1, 0),
    "data": (lambda x: x.data, 2, 0),
    "real": (lambda x: x.real, 2, 0),
    "real of complex": (lambda x: torch.complex(x, x).real, 2, 0),
    "imag of complex": (lambda x: torch.complex(x, x).imag, 2, 0),
    "movedim": (lambda x: x.movedim(0, 1), 2, 1),
    "unbind": (lambda x: x.movedim(1, 0).unbind(0)[1], 1, 0),
    "unbind of the last": (lambda x: x.unbind(-1)[1], None, 0),
    "unbind of the samples": (lambda x: x.unbind()[1], 1, None),
    "unbind by name": (lambda x: torch.unbind(input=x, dim=1)[0], 1, 0),
    "iteration": (lambda x: next(iter(x.movedim(1, 0))), 1, 0),
    "unpacking": (lambda x: [*x.movedim(1, 0)][2], 1, 0),
    "select": (lambda x: x.select(1, 2), 1, 0),
    "select of a moved one": (lambda x: torch.select(x.movedim(0, 2), 0, 1), 0, 1),
    "first of moved": (lambda x: x.movedim(1, 0)[0], 1, 0),
    "a column": (lambda x: x[:, 0], 1, 0),
    "a unit": (lambda x: x[:, :, 0], None, 0),
    "a unit from behind": (lambda x: x[..., -1], None, 0),
    "a sample": (lambda x: x[0], 1, None),
    "a column, kept": (lambda x: x[:, :1], 2, 0),
    "every second": (lambda x: x[:, ::2], 2, 0),
    "new axes": (lambda x: x[None, :, None], 4, 1),
    "new axes behind": (lambda x: x[..., None], 2, 0),
    "a column and a new axis": (lambda x: x[:, None, 1], 2, 0),
    "a part of the samples": (lambda x: x.repeat_interleave(2, 0)[:SAMPLES], 2, None),
    "indices of units": (lambda x: x[:, :, torch.tensor([2, 1, 0])], 2, 0),
    "indices of units, a list": (lambda x: x[:, :, [2, 1, 0]], None, None),
    "indices of samples": (lambda x: x[torch.tensor([2, 1, 0, 3])], 2, None),
    "indices in a matrix": (lambda x: x[:, torch.tensor([[0, 1], [1, 2]])], 3, 0),
    "a token of each sample": (lambda x: x[ROWS, torch.tensor([0, 2, 1, 1])], 1, 0),
    "tokens of any": (lambda x: x[ROWS.flip(0), torch.tensor([0, 2, 1, 1])], 1, None),
    "indices that stand apart": (lambda x: x.mT[ROWS, :, ROWS % 3], 1, 0),
    "indices behind a number": (lambda x: x[:, 0, torch.tensor([1, 2])], 1, 0),
    "indices behind a new axis": (lambda x: x[..., None, torch.tensor([1, 2])], 3, 0),
    "a mask of tokens": (lambda x: x[:, torch.tensor([True, False, True])], 2, 0),
    "a mask of samples and tokens": (lambda x: x[torch.ones(SAMPLES, 3).bool()], 1, None),
    "a number in a tensor": (lambda x: x[:, torch.tensor(1)], 1, 0),
    "chunk": (lambda x: x.chunk(2, -1)[0], 2, 0),
    "chunk of samples": (lambda x: x.repeat_interleave(2, 0).chunk(2)[1], 2, None),
    "split": (lambda x: x.split([2, 6], dim=-1)[1], 2, 0),
    "split of rows": (lambda x: x.flatten(0, 1).split(SAMPLES)[0], 1, None),
    "tensor_split": (lambda x: x.tensor_split(2, 1)[0], 2, 0),
    "narrow": (lambda x: x.narrow(1, 0, 2), 2, 0),
    "stack": (lambda x: torch.stack([x, x]), 3, 1),
    "stack behind": (lambda x: torch.stack((x, x), dim=-1), 2, 0),
    "stack of columns": (lambda x: torch.stack(x.unbind(1), 1), 2, 0),
    "cat of tokens": (lambda x: torch.cat([x, x], 1), 2, 0),
    "cat of samples": (lambda x: torch.cat([x, x]), 2, None),
    "unsqueeze": (lambda x: x.unsqueeze(0), 3, 1),
    "unsqueeze from behind": (lambda x: x.unsqueeze(-2), 3, 0),
    "squeeze": (lambda x: x[:, :1].squeeze(1), 1, 0),
    "squeeze of nothing": (lambda x: x.squeeze(1), 2, 0),
    "squeeze of all": (lambda x: x[None, :, None].squeeze(), 2, 0),
    "squeeze of some": (lambda x: x[None, :, None].squeeze((0, 2)), 2, 0),
    "unflatten": (lambda x: x.unflatten(-1, (2, 4)), None, 0),
    "unflatten of tokens": (lambda x: x.unflatten(1, (3, 1)), 3, 0),
    "tokens as rows": (lambda x: x.flatten(0, 1), 1, 0),
    "tokens as rows and back": (lambda x: x.flatten(0, 1).view(SAMPLES, TOKENS, -1), 2, 0),
    "rows, tokens first": (lambda x: x.transpose(0, 1).flatten(0, 1), 1, None),
    "rows, tokens first, and back": (
        lambda x: x.transpose(0, 1).flatten(0, 1).view(TOKENS, SAMPLES, -1).transpose(0, 1),
        2,
        None,
    ),
    "windows": (
        lambda x: x.unflatten(1, (3, 1)).reshape(-1, 1, WIDTH).view(SAMPLES, 3, 1, -1),
        3,
        0,
    ),
    "expand": (lambda x: x.expand(2, -1, -1, -1), 3, 1),
    "repeat": (lambda x: x.repeat(2, 1, 1, 1), 3, 1),
    "repeat of samples": (lambda x: x.repeat(2, 1, 1), 2, None),
    "each sample twice": (lambda x: x.repeat_interleave(2, dim=0), 2, 0),
    "flip of tokens": (lambda x: x.flip(1), 2, 0),
    "flip of samples": (lambda x: x.flip(0), 2, None),
    "mean of tokens": (lambda x: x.mean(1), 1, 0),
    "mean, tokens first": (lambda x: x.transpose(0, 1).mean(0), 1, 0),
    "mean of units": (lambda x: x.mean(-1), None, 0),
    "mean of units, moved": (lambda x: x.permute(2, 1, 0).mean(0), None, 1),
    "mean of samples": (lambda x: x.mean(0), 1, None),
    "largest": (lambda x: x.max(1).values, 1, 0),
    "largest, kept": (lambda x: x.amax(1, keepdim=True), 2, 0),
    "norm": (lambda x: x.transpose(0, 1).norm(2, 0), 1, 0),
    "broadcast": (lambda x: x + x.mean(1).mean(0), 2, 0),
    "broadcast the other way": (lambda x: x.mean(1).mean(0) + x, 2, 0),
    "gated by channel": (lambda x: torch.sigmoid(x.mean(1))[:, None] * x, 2, 0),
    "gated, units first": (lambda x: torch.sigmoid(x[:, 0]) * x.transpose(0, 1), 2, 1),
    "einsum": (lambda x: torch.einsum("btc->ctb", x), 0, 2),
    "einsum of two": (lambda x: torch.einsum("btc,bsc->bst", x, x), None, 0),
    "matmul": (lambda x: x @ x.transpose(1, 2), None, 0),
    "matmul with values": (lambda x: (x @ x.mT) @ x, 2, 0),
    "unfold": (lambda x: x.unfold(1, 2, 1), 2, 0),
    "pad": (lambda x: F.pad(x, (0, 0, 1, 1)), 2, 0),
}


class Net(nn.Module):
    """Units on the last axis, then the axes somewhere else, then a site."""

    def __init__(self, how):
        super().__init__()
        self.layer, self.how = nn.Linear(5, WIDTH), how

    def forward(self, x):
        return torch.tanh(self.how(self.layer(x)))


@pytest.fixture
def seen(monkeypatch):
    """By name of the site, the unit and the sample axis of what was measured last."""
    found, measure = {}, Recorder.measure

    def noted(self, site, tensor, trail, **how):
        found[site.name] = trail.axes
        measure(self, site, tensor, trail, **how)

    monkeypatch.setattr(Recorder, "measure", noted)
    return found


def axes_of_tanh(seen, model):
    with Capture(model.eval()) as capture:
        axes = []
        for _ in range(2):  # the second time as what is known already
            capture.run((torch.randn(SAMPLES, TOKENS, 5),), {}, SAMPLES)
            assert capture.failure is None
            axes.append(seen.pop("tanh"))
    assert axes[0] == axes[1]
    return axes[0]


@pytest.mark.filterwarnings("ignore:The use of `x.T` on tensors")
@pytest.mark.parametrize("case", FOLLOWED)
def test_axes_behind(seen, case):
    how, unit, sample = FOLLOWED[case]
    assert axes_of_tanh(seen, Net(how)) == (unit, sample)


SUMS = ("gated", "matmul", "einsum", "norm", "complex", "pad", "broadcast")
MOVES = [case for case in FOLLOWED if not case.startswith(SUMS) and "complex" not in case]


@pytest.mark.parametrize("case", MOVES)
def test_the_table_above_is_true(case):
    """Tensors that hold the number of their own unit or sample, moved like the others."""
    how, unit, sample = FOLLOWED[case]
    of_samples = ROWS.view(-1, 1, 1).expand(SAMPLES, TOKENS, WIDTH).double()
    of_units = torch.arange(WIDTH).expand(SAMPLES, TOKENS, WIDTH).double()
    for axis, numbers in ((unit, how(of_units)), (sample, how(of_samples))):
        if axis is not None:
            rows = numbers.movedim(axis, 0).flatten(1)
            assert (rows == rows[:, :1]).all()
    if sample is not None:
        rows = how(of_samples).movedim(sample, 0).flatten(1)[:, 0]
        assert rows.tolist() == sorted(ROWS.tolist() * (len(rows) // SAMPLES))


def heads_by(spelling):
    """Query, key and value of one matrix, and how their product is written."""

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.qkv, self.proj = nn.Linear(5, 24), nn.Linear(8, 8)

        def forward(self, x):
            b, t, _ = x.shape
            qkv = self.qkv(x).reshape(b, t, 3, 2, 4).permute(2, 0, 3, 1, 4)
            q, k, v = spelling(qkv)
            mixed = F.scaled_dot_product_attention(q, k, v)
            weights = (q @ k.mT * 0.5).softmax(-1)
            mixed = mixed + weights @ v
            return self.proj(mixed.transpose(1, 2).reshape(b, t, 8))

    with Capture(Block()) as capture:
        capture.run((torch.randn(4, 6, 5, generator=torch.Generator().manual_seed(1)),), {}, 4)
        assert capture.failure is None
        return capture.sites()


SPELLINGS = {
    "unbind": lambda qkv: qkv.unbind(0),
    "iteration": tuple,
    "chunk": lambda qkv: [part.squeeze(0) for part in qkv.chunk(3)],
    "split": lambda qkv: [part[0] for part in qkv.split(1)],
    "select": lambda qkv: [qkv.select(0, place) for place in range(3)],
    "movedim": lambda qkv: qkv.movedim(0, 1).unbind(dim=1),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_attention_gives_the_same_numbers(spelling):
    expected = heads_by(lambda qkv: (qkv[0], qkv[1], qkv[2]))
    assert heads_by(SPELLINGS[spelling]) == expected
    fused, softmax = expected[2:4]
    assert (fused.role.value, softmax.role.value) == ("attention", "attention")
    assert fused.attention.entropy == pytest.approx(softmax.attention.entropy, abs=1e-5)


def test_samples_of_attention_behind_unbind_are_the_batchs_own():
    """The same tokens in every sample: none of the variance lies between samples."""
    x = torch.randn(1, 6, 5).expand(4, -1, -1)

    class Heads(nn.Module):
        def __init__(self):
            super().__init__()
            self.project = nn.Linear(5, 24)

        def forward(self, x):
            parts = self.project(x).unflatten(-1, (3, 2, 4)).movedim(2, 0)
            query, key, value = (part.transpose(1, 2) for part in parts)
            return F.scaled_dot_product_attention(query, key, value)

    with Capture(Heads()) as capture:
        capture.run((x,), {}, 4)
        site = next(site for site in capture.sites() if site.role.value == "attention")
    assert site.stats.between_sample == pytest.approx(0, abs=1e-9)


class Spelled(nn.Module):
    """What graphs hold as operators."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.layer(x)
        first, second = torch.tanh(y[:, 0].T), torch.sigmoid(y.mT)
        third, fourth, _ = y.movedim(1, 0).unbind(0)
        picked = F.silu(y[:, torch.arange(2)])
        summed = F.gelu(torch.stack([third, fourth], -1).sum(-1))
        return first.T + second.select(2, 0) + picked.mean(1) + summed


GRAPHS = {
    "scripted": torch.jit.script,
    "traced": lambda model: torch.jit.trace(model, torch.randn(SAMPLES, TOKENS, 5)),
    "exported": lambda model: torch.export.export(
        model, (torch.randn(SAMPLES, TOKENS, 5),)
    ).module(),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("form", GRAPHS)
def test_operators_of_graphs_carry_the_axes_of_the_functions_that_they_are(seen, form):
    expected = {"tanh": (0, 1), "sigmoid": (1, 0), "silu": (2, 0), "gelu": (1, 0)}
    model = Spelled().eval()
    for made in (model, GRAPHS[form](model)):
        seen.clear()
        with Capture(made) as capture:
            capture.run((torch.randn(SAMPLES, TOKENS, 5),), {}, SAMPLES)
            assert capture.failure is None
        assert {name: axes for name, axes in seen.items() if name in expected} == expected


def test_what_is_only_read_of_a_tensor_is_not_looked_at():
    for name in ("shape", "dtype", "device", "ndim", "grad", "requires_grad"):
        assert classify(getattr(torch.Tensor, name).__get__).kind is Kind.IGNORED


class Written(nn.Module):
    """Values written into a tensor made before, at one place or at several."""

    def __init__(self, shape, where, how):
        super().__init__()
        self.layer, self.shape, self.where, self.how = nn.Linear(5, WIDTH), shape, where, how

    def forward(self, x):
        out = x.new_zeros(self.shape)
        out[self.where] = self.how(self.layer(x))
        return torch.tanh(out)


WHOLE = slice(None)
WRITTEN = {
    "a column": ((SAMPLES, TOKENS, WIDTH), (WHOLE, 1), lambda x: x[:, 1], 2, 0),
    "a row": ((SAMPLES, SAMPLES, WIDTH), 1, lambda x: x[:, 1], 2, 1),
    "one of several": ((2, SAMPLES, TOKENS, WIDTH), 0, lambda x: x, 3, 1),
    "a part": ((SAMPLES, TOKENS, WIDTH), (WHOLE, slice(1, 2)), lambda x: x[:, :1], 2, 0),
    "half of the samples": ((2 * SAMPLES, TOKENS, WIDTH), slice(0, SAMPLES), lambda x: x, 2, None),
    "units apart": ((SAMPLES, TOKENS, WIDTH, 2), (..., 1), lambda x: x, 2, 0),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_axes_of_what_was_written(seen, case):
    *model, unit, sample = WRITTEN[case]
    assert axes_of_tanh(seen, Written(*model)) == (unit, sample)


class Last(nn.Module):
    """What a recurrent layer ends with, or how heads attend, which are not first of its outputs."""

    def __init__(self, layer, last):
        super().__init__()
        self.layer, self.last = layer, last

    def forward(self, x):
        return torch.tanh(self.last(self.layer, x))


LAST = {
    "hidden state": (nn.GRU(5, 6, 2, batch_first=True), lambda f, x: f(x)[1], 1),
    "last hidden state": (nn.LSTM(5, 6, batch_first=True), lambda f, x: f(x)[1][0][-1], 0),
    "time first": (nn.LSTM(5, 6), lambda f, x: f(x.transpose(0, 1))[1][1][-1], 0),
    "both directions": (
        nn.GRU(5, 6, bidirectional=True, batch_first=True),
        lambda f, x: torch.cat([f(x)[1][-1], f(x)[1][-2]], -1),
        0,
    ),
    "cell": (nn.LSTMCell(5, 6), lambda f, x: f(x[:, 0])[1], 0),
    "weights": (nn.MultiheadAttention(5, 1), lambda f, x: f(*[x.transpose(0, 1)] * 3)[1], 0),
    "attention, time first": (
        nn.MultiheadAttention(5, 1),
        lambda f, x: f(*[x.transpose(0, 1)] * 3)[0],
        1,
    ),
}


@pytest.mark.parametrize("case", LAST)
def test_samples_of_what_layers_give_besides(seen, case):
    layer, last, sample = LAST[case]
    assert axes_of_tanh(seen, Last(layer, last))[1] == sample


def test_positions_are_no_samples(seen):
    """What is looked up with a constant has a row for each position, however many those are."""

    class Positions(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(SAMPLES, 5)

        def forward(self, x):
            return torch.tanh(self.table(torch.arange(SAMPLES))) + x.mean()

    assert axes_of_tanh(seen, Positions()) == (1, None)
