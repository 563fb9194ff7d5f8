"""For every rule a sick model that it must fire on and a healthy look-alike that it must not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.rules import (
    backwards,
    both_modes,
    collapsed,
    endings,
    gating,
    outliers,
    sequences,
    trained,
)
from tests.rules.live import Sample, cancer, digits, linear_at, mlp, train

Build = Callable[[], Sample]


@cache
def trained_digits() -> Sample:
    """A classifier of digits that works; not to be changed."""
    return train(mlp(64, 64, 32, 10), digits())


def raw_inputs(activation: Callable[[], nn.Module] = nn.ReLU) -> Sample:
    """Trained on measurements that nobody standardised: areas of 4254 beside ratios of 0.001."""
    return train(mlp(30, 64, 32, 2, activation=activation), cancer(raw=True), rate=0.1)


def untrained(model: nn.Module, weight_: Callable[[nn.Linear], object]) -> Sample:
    """Freshly initialised by ``weight_``, shown digits."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Linear):
                weight_(module)
    return Sample(model, *digits()[2:])


def deep() -> nn.Sequential:
    return mlp(64, 100, 100, 100, 100, 100, 10)


def he_upside_down() -> Sample:
    """std = √(fan_in / 2) where He wants √(2 / fan_in)."""
    return untrained(deep(), lambda layer: layer.weight.normal_(0, (layer.in_features / 2) ** 0.5))


def far_too_small() -> Sample:
    """N(0, 1e-3²) for every layer: nothing of the input reaches the output."""
    return untrained(deep(), lambda layer: layer.weight.normal_(0, 1e-3))


def noise_learnt() -> Sample:
    """Over-fitted to 300 labels of which two in five are wrong."""
    x, y, test_x, test_y = digits()
    x, y = x[:300], y[:300].clone()
    mixed = torch.randperm(300)[:120]
    y[mixed] = y[mixed[torch.randperm(120)]]
    data = (x, y, test_x, test_y)
    return train(mlp(64, 256, 10), data, epochs=120, rate=0.01, batch_size=300)


def sparse() -> Sample:
    """Biases so low that a unit fires for one sample in twenty: 95 % zeros and nothing dead."""
    x, y = digits()[2:]
    hidden = nn.Linear(64, 40)
    with torch.no_grad():
        hidden.bias.sub_(torch.quantile(hidden(x), 0.95, dim=0))
    return Sample(nn.Sequential(hidden, nn.ReLU(), nn.Linear(40, 10)), x, y)


def peaked_output() -> Sample:
    """A binary classifier whose output sigmoid is at 0 or 1 for nearly every tumour."""
    sample = train(mlp(30, 32, 2), cancer(raw=False), epochs=20)
    last = nn.Linear(32, 1)
    with torch.no_grad():
        old = linear_at(sample.model, 2)
        last.weight.copy_(50 * (old.weight[1:] - old.weight[:1]))
        last.bias.copy_(50 * (old.bias[1:] - old.bias[:1]))
    return Sample(
        nn.Sequential(linear_at(sample.model, 0), nn.ReLU(), last, nn.Sigmoid()), sample.x, sample.y
    )


class WithTable(nn.Module):
    """Adds a learned table, bent by tanh, that is the same for every sample."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(4, 8))
        self.positions = nn.Linear(8, 32)
        self.inputs = nn.Linear(64, 32)
        self.head = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        bias = torch.tanh(self.positions(self.table)).mean(0)
        return self.head(F.relu(self.inputs(x)) + bias)


def with_table() -> Sample:
    return Sample(WithTable(), *digits()[2:])


def position_channel() -> Sample:
    """One unit in ten is constant on purpose, as a channel that encodes a position."""
    hidden = nn.Linear(64, 10)
    with torch.no_grad():
        hidden.weight[0] = 0
        hidden.bias[0] = 1
    return Sample(nn.Sequential(hidden, nn.ReLU(), nn.Linear(10, 10)), *digits()[2:])


def scale_free() -> Sample:
    """The digits classifier with hidden values 2,000 times larger, undone by the last layer."""
    sample = copy.deepcopy(trained_digits())
    with torch.no_grad():
        first, middle, last = (linear_at(sample.model, place) for place in (0, 2, 4))
        for values in (first.weight, first.bias, middle.bias):
            values.mul_(2000)
        last.weight.div_(2000)
    return sample


class LogFeatures(nn.Module):
    """The logarithm of each measurement; some of them are 0."""

    def __init__(self) -> None:
        super().__init__()
        self.net = mlp(30, 16, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(torch.log(x))


def log_of_zero() -> Sample:
    return Sample(LogFeatures(), *cancer(raw=True)[2:])


class Masked(nn.Module):
    """Causal attention over the rows of an image, written out, with −inf as the mask."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(8, 8) for _ in range(3))
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.view(-1, 8, 8)
        scores = self.query(rows) @ self.key(rows).transpose(1, 2)
        later = torch.ones(8, 8, dtype=torch.bool).triu(1)
        weights = torch.softmax(scores.masked_fill(later, float("-inf")), dim=-1)
        return self.head((weights @ self.value(rows)).flatten(1))


def masked_attention() -> Sample:
    return Sample(Masked(), *digits()[2:])


def around_two_thousand() -> Sample:
    """A regression whose answers vary by a few around 2000."""
    model = mlp(64, 32, 1)
    with torch.no_grad():
        linear_at(model, 2).bias.add_(2000)
    x = digits()[2]
    return Sample(model, x, 2000 + x.mean(1, keepdim=True))


def smoothed() -> Sample:
    """Trained with label smoothing: right, and never 99.9 % sure."""
    return train(mlp(64, 64, 10), digits(), smoothing=0.1)


def wide_first_layer() -> Sample:
    """PyTorch's own default for Linear(1, 1000) is 13 times Xavier's, and fine."""
    x = torch.randn(400, 1, generator=torch.Generator().manual_seed(1))
    return Sample(nn.Sequential(nn.Linear(1, 1000), nn.Tanh(), nn.Linear(1000, 1)), x)


def all_alike() -> Sample:
    return untrained(mlp(64, 32, 10), lambda layer: nn.init.constant_(layer.weight, 0.05))


def zero_head() -> Sample:
    """The output layer starts at zero on purpose: the labels tell its units apart."""
    model = mlp(64, 32, 10)
    nn.init.zeros_(linear_at(model, 2).weight)
    return Sample(model, *digits()[2:])


def forgotten_activation() -> Sample:
    layers = (nn.Linear(64, 64), nn.Dropout(0.2), nn.Linear(64, 64), nn.Linear(64, 10))
    return train(nn.Sequential(*layers), digits(), epochs=2)


def norms_between() -> Sample:
    layers = (nn.Linear(64, 64), nn.LayerNorm(64), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 10))
    return train(nn.Sequential(*layers), digits(), epochs=2)


def normalised_inside() -> Sample:
    """Raw measurements, and a BatchNorm as the first layer."""
    model = nn.Sequential(nn.BatchNorm1d(30), *mlp(30, 32, 2))
    return train(model, cancer(raw=True))


def sigmoid_tower() -> Sample:
    """Ten sigmoid layers as PyTorch initialises them."""
    return Sample(mlp(64, *[48] * 10, 10, activation=nn.Sigmoid), *digits()[2:])


class Residual(nn.Module):
    """Twenty tanh layers, each with a path around it."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(64, 64) for _ in range(20))
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = x + torch.tanh(layer(x))
        return self.head(x)


def residual_tanh() -> Sample:
    return Sample(Residual(), *digits()[2:])


def small_without_biases() -> Sample:
    model = deep()
    for place in range(0, 11, 2):
        nn.init.zeros_(linear_at(model, place).bias)
    return untrained(model, lambda layer: layer.weight.normal_(0, 1e-3))


def small_with_norms() -> Sample:
    """Weights as small, and a norm behind each layer."""
    layers: list[nn.Module] = []
    for inputs in (64, 100, 100, 100):
        layers += [nn.Linear(inputs, 100), nn.LayerNorm(100), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(100, 10))
    return untrained(model, lambda layer: layer.weight.normal_(0, 1e-3))


def always_on() -> Sample:
    """Biases of 10 hold every ReLU in its straight part."""
    model = mlp(64, 40, 10)
    linear_at(model, 0).bias.data.fill_(10.0)
    return Sample(model, *digits()[2:])


def positive_targets() -> Sample:
    """A ReLU at the output that is always on, since the targets are positive."""
    sample = around_two_thousand()
    return Sample(nn.Sequential(*sample.model.children(), nn.ReLU()), sample.x, sample.y)


def labels_shifted() -> Sample:
    """A good classifier whose labels are numbered from 1."""
    sample = trained_digits()
    assert sample.y is not None
    return Sample(sample.model, sample.x, (sample.y + 1) % 10)


def diverged() -> Sample:
    """Adam with a learning rate of infinity, as a schedule with a division by zero gives it."""
    model = mlp(64, 32, 10)
    with torch.no_grad():
        for values in model.parameters():
            values.sub_(float("inf") * torch.randn_like(values))
    return Sample(model, *digits()[2:])


class MaskBuffer(nn.Module):
    """Keeps its causal mask of −inf as a buffer."""

    mask: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mask", torch.full((8, 8), float("-inf")).triu(1))
        self.scores = nn.Linear(8, 8)
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        scores = self.scores(x.view(-1, 8, 8)) + self.mask
        return self.head(torch.softmax(scores, dim=-1).flatten(1))


def mask_buffer() -> Sample:
    return Sample(MaskBuffer(), *digits()[2:])


class Forgetful(nn.Module):
    """Has a second hidden layer that its forward forgets, or uses by its weight only."""

    def __init__(self, *, forgets: bool) -> None:
        super().__init__()
        self.forgets = forgets
        self.first, self.second, self.head = nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.first(x))
        if not self.forgets:
            x = F.relu(F.linear(x, self.second.weight, self.second.bias))
        return self.head(x)


def forgetful(*, forgets: bool) -> Sample:
    return Sample(Forgetful(forgets=forgets), *digits()[2:])


def column(value: float) -> Sample:
    """A table one column of which was filled with a default."""
    x, y = cancer(raw=False)[2:]
    x = x.clone()
    x[:, 7] = value
    return Sample(mlp(30, 32, 2), x, y)


def gaps() -> Sample:
    """A measurement is missing here and there."""
    x, y = cancer(raw=False)[2:]
    x = x.clone()
    x[::20, 3] = float("nan")
    return Sample(mlp(30, 32, 2), x, y)


def head_of_a_sorted_file() -> Sample:
    """A classifier of digits that works, shown zeros only."""
    sample = trained_digits()
    assert sample.y is not None
    zeros = sample.y == 0
    return Sample(sample.model, sample.x[zeros], sample.y[zeros])


SICK: dict[str, Build] = {
    "ACT101": raw_inputs,
    "ACT103": lambda: raw_inputs(nn.Tanh),
    "ACT104": sigmoid_tower,
    "ACT105": lambda: raw_inputs(nn.Tanh),
    "ACT106": far_too_small,
    "ACT107": he_upside_down,
    "ACT108": small_without_biases,
    "ACT109": log_of_zero,
    "ACT113": always_on,
    "ACT110": he_upside_down,
    "ARC601": forgotten_activation,
    "ARC602": sigmoid_tower,
    "ARC606": noise_learnt,
    "ARC607": lambda: forgetful(forgets=True),
    "DAT701": raw_inputs,
    "DAT702": lambda: column(3.0),
    "DAT703": gaps,
    "DAT705": head_of_a_sorted_file,
    "INI401": he_upside_down,
    "INI402": all_alike,
    "INI403": diverged,
    "OUT201": far_too_small,
    "OUT202": noise_learnt,
    "OUT203": noise_learnt,
    "OUT204": he_upside_down,
    "OUT205": raw_inputs,
    "OUT206": far_too_small,
    "OUT212": labels_shifted,
    "GRD501": lambda: backwards.differentiated(sigmoid_tower()),
    "GRD502": lambda: backwards.differentiated(he_upside_down()),
    "GRD503": backwards.cut,
    "GRD504": lambda: backwards.stepped(1e-7),
    **endings.SICK,
    **gating.SICK,
    **sequences.SICK,
    **trained.SICK,
    **both_modes.SICK,
    **outliers.SICK,
    **collapsed.SICK,
}
HEALTHY: dict[str, Build] = {
    "ACT101": sparse,
    "ACT103": peaked_output,
    "ACT104": residual_tanh,
    "ACT105": position_channel,
    "ACT106": with_table,
    "ACT107": scale_free,
    "ACT108": small_with_norms,
    "ACT109": masked_attention,
    "ACT113": positive_targets,
    "ACT110": scale_free,
    "ARC601": norms_between,
    "ARC602": sequences.trained_reader,
    "ARC606": trained_digits,
    "INI404": sparse,
    "OUT210": positive_targets,
    "ARC607": lambda: forgetful(forgets=False),
    "DAT701": normalised_inside,
    "DAT702": trained_digits,
    "DAT703": log_of_zero,
    "DAT705": trained_digits,
    "INI401": wide_first_layer,
    "INI402": zero_head,
    "INI403": mask_buffer,
    "OUT201": around_two_thousand,
    "OUT202": trained_digits,
    "OUT203": trained_digits,
    "OUT204": smoothed,
    "OUT205": trained_digits,
    "OUT206": smoothed,
    "OUT212": trained_digits,
    "GRD501": lambda: backwards.differentiated(residual_tanh()),
    "GRD502": lambda: backwards.differentiated(trained_digits()),
    "GRD503": lambda: backwards.differentiated(zero_head()),
    "GRD504": lambda: backwards.stepped(0.01, cosine=True),
    **endings.HEALTHY,
    **gating.HEALTHY,
    **sequences.HEALTHY,
    **trained.HEALTHY,
    **both_modes.HEALTHY,
    **outliers.HEALTHY,
    **collapsed.HEALTHY,
}
