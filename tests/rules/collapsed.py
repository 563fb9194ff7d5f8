"""Samples of the rule on rank collapse, and its message."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from actdiag.records import Role, Scan
from tests.rules.build import act, data_in, linear, scan, site
from tests.rules.live import Sample, digits


class Stack(nn.Module):
    """Eight layers of attention over the rows of an image, with or without a path around each."""

    def __init__(self, *, residual: bool) -> None:
        super().__init__()
        self.residual = residual
        self.places = nn.Parameter(torch.randn(8, 32))
        self.embed = nn.Linear(8, 32)
        self.layers = nn.ModuleList(
            nn.MultiheadAttention(32, 4, batch_first=True) for _ in range(8)
        )
        self.head = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        h = self.embed(x.view(-1, 8, 8)) + self.places
        for layer in self.layers.children():
            mixed = layer(h, h, h, need_weights=False)[0]
            h = h + mixed if self.residual else mixed
        return self.head(h.mean(1))


def pure_attention() -> Sample:
    return Sample(Stack(residual=False), *digits()[2:])


def with_paths() -> Sample:
    return Sample(Stack(residual=True), *digits()[2:])


def deep(*, rank: float = 1.1, cosine: float | None = None) -> Scan:
    """Hidden layers of 256 units, one of that rank."""
    found = {"units": 256, "sampled_rows": 128, "token_cosine": cosine}
    return scan(
        data_in(effective_rank=9.0, sampled_rows=128),
        linear("0", "input", effective_rank=40.0, **found),
        site("1", Role.ATTENTION, "0", effective_rank=30.0, **found),
        linear("2", "1", effective_rank=rank, **found),
        act("3", "2", effective_rank=20.0, **found),
        linear("4", "3", effective_rank=20.0, **found),
        linear("5", "4", is_final=True, effective_rank=1.0, units=10, sampled_rows=128),
    )


SICK = {"ACT112": pure_attention}
HEALTHY = {"ACT112": with_paths}
MESSAGES: dict[str, tuple[Scan, str]] = {
    "ACT112": (
        deep(),
        (
            "'2' (Linear) maps everything onto a line: the effective rank of its 256 units is 1.1 "
            "over 128 rows."
        ),
    ),
}
