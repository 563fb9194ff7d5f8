"""What the heads of an attention attend to: entropies, logits and masked rows, head by head."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import torch

from actdiag.records import AttentionStats
from actdiag.stats.moments import accumulator_device

if TYPE_CHECKING:
    from torch import Tensor

# e^-87 is the smallest weight that float32 holds in full; what is cut off is below 1e-35.
SMALLEST_EXPONENT = -87.0


class HeadRow(IntEnum):
    """What each row of a ``(rows, heads)`` table holds, in float64.

    ``ENTROPY`` is the sum over the ``JUDGED`` queries, those that see two keys or more.
    """

    ENTROPY = 0
    JUDGED = 1
    QUERIES = 2
    MASKED = 3
    LOGIT = 4


class AttentionAccumulator:
    """Streams attention scores; memory is O(heads) whatever flows through.

    Any partition of the same rows into calls and accumulators gives the same counts exactly and
    the same entropies to rounding. Nothing is read back from an accelerator before
    :meth:`to_record`.
    """

    def __init__(self) -> None:
        self.table: Tensor | None = None

    def update(self, scores: Tensor, visible: Tensor | None = None) -> None:
        """Take in scores as they enter the softmax, shape ``(groups, heads, queries, keys)``.

        ``visible`` says which keys a query may see, in any shape that broadcasts to the scores;
        every key when it is not given.
        """
        if scores.numel() == 0:
            return
        groups, heads, queries, width = scores.shape
        if visible is None:
            keys = torch.full((1, 1, 1), width, device=scores.device)
        else:
            keys = visible.expand(*visible.shape[:-1], width).sum(-1)
            scores = torch.where(visible, scores, -torch.inf)
        keys = keys.expand(groups, heads, queries)
        largest = scores.amax(-1)
        entropy = _entropy(scores, largest) / keys.clamp(min=2).log()
        judged = (keys > 1) & torch.isfinite(entropy)
        logit = torch.where(torch.isnan(largest), -torch.inf, largest).amax((0, 2))
        rows = (
            torch.where(judged, entropy, 0).to(accumulator_device(scores.device)).double(),
            judged,
            torch.ones_like(judged),
            keys == 0,
        )
        sums = [row.to(rows[0].device).sum((0, 2)).double() for row in rows]
        self._take(torch.stack((*sums, logit.to(sums[0]))))

    def merge(self, other: AttentionAccumulator) -> None:
        """Take in all that another accumulator of the same site has seen."""
        if other.table is not None:
            self._take(other.table)

    def state(self) -> Tensor | None:
        """What was seen, for :meth:`restore`."""
        return None if self.table is None else self.table.cpu()

    def restore(self, state: Tensor | None) -> None:
        """Take in what another accumulator of the same site had seen."""
        if state is not None:
            self._take(state)

    def _take(self, table: Tensor) -> None:
        """Merge a table; heads that do not match in number are no heads, so all become one."""
        if self.table is None:
            self.table = table
            return
        table = table.to(self.table.device)
        if table.shape != self.table.shape:
            self.table, table = (_joined(one.T.unsqueeze(2)) for one in (self.table, table))
        self.table = _joined(torch.stack((self.table, table)))

    def to_record(self) -> AttentionStats | None:
        """The numbers so far, or null when there are none."""
        if self.table is None:
            return None
        table = self.table.cpu()
        entropy = table[HeadRow.ENTROPY] / table[HeadRow.JUDGED]  # 0 / 0 where none was judged
        return AttentionStats(
            heads=table.shape[1],
            entropy=_known(entropy),
            max_logit=_known(table[HeadRow.LOGIT]),
            queries=int(table[HeadRow.QUERIES].sum()),
            masked_rows=int(table[HeadRow.MASKED].sum()),
        )


def _entropy(scores: Tensor, largest: Tensor) -> Tensor:
    """Entropy of the softmax of each row, in nats: log Σe^d − Σ d·e^d / Σe^d, d = score − largest.

    NaN for a row without a finite score.
    """
    below = (scores - largest.unsqueeze(-1)).clamp_(min=SMALLEST_EXPONENT)
    weights = below.exp()
    total = weights.sum(-1)
    return total.log() - weights.mul_(below).sum(-1) / total


def _joined(stack: Tensor) -> Tensor:
    """Merge tables: ``(tables, rows, heads)`` to ``(rows, heads)``."""
    return torch.cat(
        (stack[:, : HeadRow.LOGIT].sum(0), stack[:, HeadRow.LOGIT :].amax(0)),
    )


def _known(values: Tensor) -> tuple[float | None, ...]:
    finite = torch.isfinite(values).tolist()
    pairs = zip(values.tolist(), finite, strict=True)
    return tuple(value if is_finite else None for value, is_finite in pairs)
