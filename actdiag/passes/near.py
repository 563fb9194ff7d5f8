"""Near-duplicates: samples that lie far closer to a training sample than those do to each other.

Bounded: 20,000 training samples, by rank as if drawn at random, and 4,096 of the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from actdiag.capture.containers import tensors_in
from actdiag.stats.neighbours import CLOSE, Normaliser, nearest
from actdiag.stats.ranks import mixed

if TYPE_CHECKING:
    from actdiag.feed import Batch

MOST_KNOWN, MOST_JUDGED, MOST_FITTED = 20_000, 4096, 1024
_NUMBERS = 1 << 24  # values held to fit the scale: 128 MB
_FEWEST = 20  # our choice: fewer training samples do not tell what distance is usual


def values_of(batch: Batch) -> Tensor | None:
    """The batch's inputs as ``(samples, features)``; None where distances mean nothing.

    That is so of token ids, and of inputs without a sample axis.
    """
    given = list(tensors_in((batch.inputs, batch.kwargs)))
    if not given or not all(
        item.is_floating_point() and item.dim() and len(item) == batch.samples for item in given
    ):
        return None
    return torch.cat([item.detach().reshape(batch.samples, -1).cpu() for item in given], dim=1)


@dataclass(frozen=True)
class Found:
    """What the search gave: who was compared, and who lies close to whom.

    ``number`` counts samples from the start of the data, ``label`` is that of its neighbour.
    ``natural`` is the share of training samples that lie as close to another one.
    """

    judged: int
    known: int
    natural: float
    number: tuple[int, ...] = ()
    own_label: tuple[float | None, ...] = ()
    label: tuple[float | None, ...] = ()


class Rows:
    """Rows of the lowest ranks, each with its number and its label (NaN without)."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._parts: list[tuple[Tensor, Tensor, Tensor]] = []

    def add(self, number: Tensor, rows: Tensor, labels: Tensor) -> None:
        """Offer finite and other rows; others are left out."""
        whole = rows.isfinite().all(1)
        self._parts.append((number[whole], rows[whole], labels[whole]))
        if sum(len(part[0]) for part in self._parts) > 2 * self.most:
            self._parts = [self.kept()]

    def kept(self) -> tuple[Tensor, Tensor, Tensor]:
        """Numbers, rows and labels, in the order of their ranks."""
        number, rows, labels = (torch.cat(part) for part in zip(*self._parts, strict=True))
        order = mixed(number).argsort()[: self.most]
        return number[order], rows[order], labels[order]

    def __len__(self) -> int:
        return min(self.most, sum(len(part[0]) for part in self._parts))


class Neighbourhood:
    """The training samples as points, normalised by the first of them."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Tensor, Tensor, Tensor]] = []
        self._scale: Normaliser | None = None
        self._width: int | None = None
        self._known, self._judged = Rows(MOST_KNOWN), Rows(MOST_JUDGED)
        self._told = True

    def learn(self, number: Tensor, rows: Tensor | None, labels: Tensor) -> None:
        """Take in training samples; rows as from :func:`values_of`."""
        rows = self._usable(rows)
        if rows is None:
            return
        if self._scale is not None:
            self._known.add(number, self._scale(rows), labels)
            return
        self._waiting.append((number, rows, labels))
        enough = min(MOST_FITTED, max(_FEWEST, _NUMBERS // max(1, rows.shape[1])))
        if sum(len(part[0]) for part in self._waiting) >= enough:
            self._fit()

    def ask(self, number: Tensor, rows: Tensor | None, labels: Tensor) -> None:
        """Take in samples that are to be looked up."""
        if self._scale is None and self._waiting:
            self._fit()
        rows = self._usable(rows)
        if rows is not None and self._scale is not None:
            self._judged.add(number, self._scale(rows), labels)

    def _usable(self, rows: Tensor | None) -> Tensor | None:
        """The rows, as long as all so far were vectors of one length; None from then on."""
        if rows is not None:
            self._width = self._width or rows.shape[1]
        self._told = self._told and rows is not None and rows.shape[1] == self._width != 0
        return rows if self._told else None

    def _fit(self) -> None:
        every = torch.cat([rows for _, rows, _ in self._waiting])
        self._scale = Normaliser.fitted(every[every.isfinite().all(1)])
        for number, rows, labels in self._waiting:
            self._known.add(number, self._scale(rows), labels)
        self._waiting = []

    def search(self) -> Found | None:
        """Who lies closer than a fifth of the distance usual between training samples."""
        if not self._told or len(self._known) < _FEWEST or not len(self._judged):
            return None
        _, known, known_labels = self._known.kept()
        some = torch.arange(min(MOST_FITTED, len(known)))
        usual, _ = nearest(known[some], known, own=some)
        limit = CLOSE * usual.median()
        if not limit > 0:
            return None
        number, rows, labels = self._judged.kept()
        apart, index = nearest(rows, known)
        close = apart <= limit
        return Found(
            judged=len(rows),
            known=len(known),
            natural=float((usual <= limit).double().mean()),
            number=tuple(number[close].tolist()),
            own_label=_labels(labels[close]),
            label=_labels(known_labels[index[close]]),
        )


def _labels(labels: Tensor) -> tuple[float | None, ...]:
    return tuple(None if label != label else label for label in labels.tolist())  # noqa: PLR0124 - NaN
