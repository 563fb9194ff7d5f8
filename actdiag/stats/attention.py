"""What the heads of an attention attend to: entropies, logits and masked rows, head by head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from actdiag.records import AttentionStats
from actdiag.stats.headtable import HeadRow, Passed, Rows, joined, masked, summed

if TYPE_CHECKING:
    from torch import Tensor

# e^-87 is the smallest weight that float32 holds in full; what is cut off is below 1e-35.
SMALLEST_EXPONENT = -87.0
# Rows that may wait: 256 kB per site.
MOST_WAITING = 1 << 15


class AttentionAccumulator:
    """Streams attention scores; memory is O(heads) whatever flows through.

    Any partition of the same rows into calls and accumulators gives the same counts exactly and
    the same entropies to rounding. Nothing is read back from an accelerator before
    :meth:`to_record`.
    """

    def __init__(self) -> None:
        self._table: Tensor | None = None
        self._waiting: list[Rows] = []
        self._passed: list[Passed] = []

    def update(self, scores: Tensor, keys: Tensor | None = None, weight: float = 1.0) -> None:
        """Take in scores as they enter the softmax, shape ``(groups, heads, queries, keys)``.

        Those of masked keys are −inf, and ``keys`` says how many keys each query sees, in any
        shape that broadcasts to ``(groups, heads, queries)``; all when it is not given. The mean
        entropies count each query ``weight`` times.
        """
        if scores.numel() == 0:
            return
        waiting, largest = self._waiting, scores.amax(-1)
        if waiting and waiting[0].largest.shape[1:] != largest.shape[1:]:
            self._settle()
        seen = scores.shape[-1] if keys is None else keys
        self._waiting.append(Rows(_entropy(scores), largest, seen, weight))
        if len(self._waiting) * largest.numel() > MOST_WAITING:
            self._settle()

    def pass_over(self, rows: tuple[int, int, int], keys: Tensor) -> None:
        """Take in as many rows, ``(groups, heads, queries)``, without their scores.

        Those that see no key are rows like any other without; the rest are as if not met.
        """
        if self._passed and self._passed[0].rows[1] != rows[1]:
            self._settle()
        self._passed.append(Passed(rows, keys))
        if len(self._passed) * keys.numel() > MOST_WAITING:
            self._settle()

    def _settle(self) -> Tensor | None:
        """Sum the rows that wait: those of several calls at once."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self._take(summed(waiting))
        if self._passed:
            passed, self._passed = self._passed, []
            self._take(masked(passed))
        return self._table

    def merge(self, other: AttentionAccumulator) -> None:
        """Take in all that another accumulator of the same site has seen."""
        self.restore(other._settle())

    def state(self) -> Tensor | None:
        """What was seen, for :meth:`restore`."""
        table = self._settle()
        return None if table is None else table.cpu()

    def restore(self, state: Tensor | None) -> None:
        """Take in what another accumulator of the same site had seen."""
        if state is not None:
            self._take(state)

    def _take(self, table: Tensor) -> None:
        """Merge a table; heads that do not match in number are no heads, so all become one."""
        if self._table is None:
            self._table = table
            return
        table = table.to(self._table.device)
        if table.shape != self._table.shape:
            self._table, table = (joined(one.T.unsqueeze(2)) for one in (self._table, table))
        self._table = joined(torch.stack((self._table, table)))

    def to_record(self) -> AttentionStats | None:
        """The numbers so far, or null when there are none."""
        table = self.state()
        if table is None:
            return None
        entropy = table[HeadRow.ENTROPY] / table[HeadRow.JUDGED]  # 0 / 0 where none was judged
        return AttentionStats(
            heads=table.shape[1],
            entropy=_known(entropy),
            max_logit=_known(table[HeadRow.LOGIT]),
            queries=int(table[HeadRow.QUERIES].sum()),
            masked_rows=int(table[HeadRow.MASKED].sum()),
        )


def _entropy(scores: Tensor) -> Tensor:
    """Entropy of the softmax of each row, in nats; NaN for a row without a finite score."""
    logs = torch.log_softmax(scores, -1).clamp_(min=SMALLEST_EXPONENT)
    return logs.exp().mul_(logs).sum(-1).neg_()


def _known(values: Tensor) -> tuple[float | None, ...]:
    finite = torch.isfinite(values).tolist()
    pairs = zip(values.tolist(), finite, strict=True)
    return tuple(value if is_finite else None for value, is_finite in pairs)
