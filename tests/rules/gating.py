"""Samples and messages of the rules on gates and on padding: digits, as rows or as token ids."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from actdiag.records import DataInfo, GatedUnit, Padding, Role, Scan
from tests.rules.build import act, data_in, linear, scan, site, units
from tests.rules.live import Sample, digits


class SwiGLU(nn.Module):
    """One gated feed-forward network between an embedding of the image and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(64, 32)
        self.gate, self.up, self.down = nn.Linear(32, 48), nn.Linear(32, 48), nn.Linear(48, 32)
        self.head = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        h = self.embed(x)
        return self.head(h + self.down(F.silu(self.gate(h)) * self.up(h)))


def shut() -> Sample:
    """Biases of −30 hold 36 of 48 gates shut."""
    model = SwiGLU()
    with torch.no_grad():
        model.gate.bias[:36] = -30
    return Sample(model, *digits()[2:])


def small() -> Sample:
    """Gates of tiny inputs of both signs: small values, and nothing is shut."""
    model = SwiGLU()
    with torch.no_grad():
        model.gate.weight.mul_(1e-3)
        model.gate.bias.zero_()
    return Sample(model, *digits()[2:])


class Tokens(nn.Module):
    """Reads pixels as tokens, each grey value an id."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.hidden, self.head = (
            nn.Embedding(18, 16),
            nn.Linear(16, 32),
            nn.Linear(32, 10),
        )

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(torch.relu(self.hidden(self.embed(ids))).mean(1))


def padded(length: int) -> Sample:
    """The middle rows of each image as 32 tokens, padded with 0 to ``length``."""
    x, y = digits()[2:]
    ids = (x[:, 16:48] * 16).long() + 1
    return Sample(Tokens(), F.pad(ids, (0, length - 32)), y)


SICK = {"ACT114": shut, "DAT706": lambda: padded(256)}
HEALTHY = {"ACT114": small, "DAT706": lambda: padded(40)}


def gated(**changes: Any) -> Scan:
    """A SwiGLU whose gate has ten units."""
    return replace(
        scan(
            data_in(),
            linear("gate", "input"),
            act("act", "gate", function="silu", role=Role.GATE, per_unit=units(**changes)),
            linear("up", "input"),
            site("mul", Role.GATED_PRODUCT, "act", "up"),
            linear("down", "mul"),
        ),
        gated=(
            GatedUnit("", "swiglu", "act", "up", "mul", False, ("gate", "up"), "down", hidden=10),
        ),
    )


MESSAGES: dict[str, tuple[Scan, str]] = {
    "ACT114": (
        gated(shut=(500,) * 6 + (100,) * 4, positive=(0,) * 6 + (250,) * 4),
        (
            "6 of 10 gates of 'act' (SiLU (Swish)) are shut: they let less than a hundredth "
            "through on at least 99 % of 500 positions."
        ),
    ),
    "DAT706": (
        replace(
            scan(
                data_in(dtype="int64"),
                site("embed", Role.BLOCK, "input", module_class="Embedding", function="embedding"),
            ),
            data=DataInfo("data.npz", samples=500, padding=Padding("input", 0.62, 0, "end")),
        ),
        (
            "62 % of the positions of the input are padding: id 0, over and over at the end of the "
            "sequences."
        ),
    ),
}
