"""Tables of what the heads of an attention attend to, and the rows that they are made of."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import torch

from actdiag.stats.devices import accumulator_device

if TYPE_CHECKING:
    from torch import Tensor


class HeadRow(IntEnum):
    """What each row of a ``(rows, heads)`` table holds, in float64.

    ``ENTROPY`` is the sum over the ``JUDGED`` queries, those that see two keys or more; both count
    each query as often as its weight says.
    """

    ENTROPY = 0
    JUDGED = 1
    QUERIES = 2
    MASKED = 3
    LOGIT = 4


class Rows(NamedTuple):
    """Rows that wait: entropies in nats and largest logits, ``(groups, heads, queries)`` each.

    ``keys`` says how many each sees, and broadcasts to the others.
    """

    entropy: Tensor
    largest: Tensor
    keys: Tensor | int
    weight: float


class Passed(NamedTuple):
    """``(groups, heads, queries)`` rows without scores, and in ``keys`` whether each sees any."""

    rows: tuple[int, int, int]
    keys: Tensor


def summed(waiting: list[Rows]) -> Tensor:
    """The table of rows of as many heads and queries."""
    device = accumulator_device(waiting[0].largest.device)
    parts = [
        (
            rows.entropy,
            rows.largest,
            torch.full_like(rows.largest, rows.keys)
            if isinstance(rows.keys, int)
            else rows.keys.expand(rows.largest.shape),
            torch.full_like(rows.largest, rows.weight),
        )
        for rows in waiting
    ]
    entropy, largest, keys, weight = (
        torch.cat(part).to(device).double() for part in zip(*parts, strict=True)
    )
    share = entropy / keys.log()
    judged = (keys > 1) & torch.isfinite(share)
    sums = (
        torch.where(judged, share * weight, 0),
        torch.where(judged, weight, 0),
        torch.ones_like(keys),
        (keys == 0).double(),
    )
    logit = torch.where(torch.isnan(largest), -torch.inf, largest)
    return torch.stack((*(row.sum((0, 2)) for row in sums), logit.amax((0, 2))))


def masked(passed: list[Passed]) -> Tensor:
    """The table of rows without a key, of as many heads; the others are as if not met."""
    device = accumulator_device(passed[0].keys.device)
    many = sum(
        ((keys == 0).to(device).expand(rows).sum((0, 2)).double() for rows, keys in passed),
        start=torch.zeros(passed[0].rows[1], dtype=torch.float64, device=device),
    )
    none = torch.zeros_like(many)
    return torch.stack((none, none, many, many, none - torch.inf))


def joined(stack: Tensor) -> Tensor:
    """Merge tables: ``(tables, rows, heads)`` to ``(rows, heads)``."""
    return torch.cat(
        (stack[:, : HeadRow.LOGIT].sum(0), stack[:, HeadRow.LOGIT :].amax(0)),
    )
