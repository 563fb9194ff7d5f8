"""A bounded sample of a site's rows: their effective rank, and how alike tokens are.

A row is the units at one position of one sample. The samples are those of the lowest ranks
(:mod:`actdiag.stats.ranks`), so that any partition of the data into batches and accumulators keeps
the same rows. 128 samples of one row each, or 16 of up to 8 evenly spread positions.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from actdiag.stats.layout import arrange, as_float
from actdiag.stats.ranks import ranks

MOST_SAMPLES = 128
MOST_SEQUENCES, MOST_POSITIONS = 16, 8
NOT_DIFFERENT = 1e-6  # of the largest value: what float32 rounds away is no difference


class Picked(NamedTuple):
    """Samples of a batch by their place in it, with their ranks; those of the lowest come first.

    ``sequences`` says how many of them are among the lowest 16.
    """

    places: Tensor
    ranks: Tensor
    sequences: int

    def among(self, rows: Tensor) -> Picked:
        """Those that lie in a part of the batch, by their place in that part."""
        inside = self.places.unsqueeze(1) == rows.cpu()
        kept = inside.any(1)
        sequences = int(kept[: self.sequences].sum())
        return Picked(inside.int().argmax(1)[kept], self.ranks[kept], sequences)


class Picker:
    """Tells of each batch which samples are among the lowest ranks of all so far.

    Args:
        first: number of the first sample in the whole data.
    """

    def __init__(self, first: int = 0) -> None:
        self._seen = first
        self._lowest = torch.empty(0, dtype=torch.int64)

    def next(self, samples: int) -> Picked | None:
        """The samples of the next batch that are worth keeping; none, more and more often."""
        own, order = ranks(self._seen, samples).sort()
        self._seen += samples
        self._lowest = torch.cat((self._lowest, own)).sort().values[:MOST_SAMPLES]
        kept = int((own <= self._lowest[-1]).sum()) if samples else 0
        if not kept:
            return None
        last = self._lowest[:MOST_SEQUENCES][-1]
        return Picked(order[:kept], own[:kept], int((own <= last).sum()))


class RowSample:
    """The kept rows of one site, as pieces ``(samples, positions, units)`` with their ranks."""

    def __init__(self) -> None:
        self.pieces: list[tuple[Tensor, Tensor]] = []
        self._held = 0

    def add(
        self,
        tensor: Tensor,
        *,
        unit_axis: int | None,
        sample_axis: int | None,
        samples: int,
        picked: Picked,
    ) -> None:
        """Keep rows of the samples picked; axes as in :meth:`SiteAccumulator.update`."""
        if unit_axis is None or sample_axis is None or not tensor.is_floating_point():
            return
        view = arrange(tensor, unit_axis=unit_axis, sample_axis=sample_axis, samples=samples)
        if not view.by_sample or not view.by_unit or not view.values.numel():
            return
        values = view.values.flatten(2) if view.values.ndim > 2 else view.values.unsqueeze(2)  # noqa: PLR2004
        many = len(picked.places) if values.shape[2] == 1 else picked.sequences
        if not many:
            return
        places = picked.places[:many].unsqueeze(1).to(values.device)
        rows = as_float(values[places, :, _spread(values.shape[2]).to(values.device)])
        self.pieces.append((picked.ranks[:many], rows))
        self._held += many
        if self._held > 2 * MOST_SAMPLES:
            self._trim()

    def merge(self, other: RowSample) -> None:
        """Take in what another accumulator of the same site has kept."""
        self.pieces = [*self.pieces, *other.pieces]
        self._trim()

    def state(self) -> list[list[Tensor]]:
        """The rows that are kept with their ranks, for :meth:`restore`."""
        self._trim()
        return [[own, rows.cpu()] for own, rows in self.pieces]

    def restore(self, state: list[list[Tensor]]) -> None:
        """Take in what another accumulator of the same site had kept."""
        self.pieces = [*self.pieces, *((own, rows) for own, rows in state)]
        self._trim()

    def _trim(self) -> None:
        """Forget all but the samples of the lowest ranks."""
        if not self.pieces:
            return
        single = all(rows.shape[1] == 1 for _, rows in self.pieces)
        lowest = torch.cat([own for own, _ in self.pieces]).sort().values
        last = lowest[: MOST_SAMPLES if single else MOST_SEQUENCES][-1]
        kept = ((own <= last, own, rows) for own, rows in self.pieces)
        self.pieces = [
            (own[low], rows[low.to(rows.device)]) for low, own, rows in kept if low.any()
        ]
        self._held = sum(len(own) for own, _ in self.pieces)

    def told(self) -> dict[str, Any]:
        """``effective_rank``, ``token_cosine`` and ``sampled_rows`` of the site's record."""
        self._trim()
        width = self.pieces[0][1].shape[2] if self.pieces else 0
        pieces = [rows.cpu().double() for _, rows in self.pieces if rows.shape[2] == width]
        pieces = [rows[torch.isfinite(rows).flatten(1).all(1)] for rows in pieces]
        if width < 2 or not sum(map(len, pieces)):  # noqa: PLR2004 - one unit has no direction
            return {}
        rows = torch.cat([piece.flatten(0, 1) for piece in pieces])
        return {
            "effective_rank": effective_rank(rows),
            "token_cosine": token_cosine(pieces),
            "sampled_rows": len(rows),
        }


@lru_cache(maxsize=64)
def _spread(positions: int) -> Tensor:
    """Up to eight positions, evenly spread."""
    many = min(positions, MOST_POSITIONS)
    return (2 * torch.arange(many) + 1) * positions // (2 * many)


def effective_rank(rows: Tensor) -> float | None:
    """Exp H(σ / Σσ) of the centred rows ``(n, units)``, float64; null where they do not differ.

    Roy and Vetterli 2007, "The effective rank: a measure of effective dimensionality".
    """
    centred = rows - rows.mean(0)
    if len(rows) < 2 or centred.abs().max() <= NOT_DIFFERENT * rows.abs().max():  # noqa: PLR2004
        return None
    centred = centred / centred.abs().max()
    gram = centred @ centred.T if len(rows) < rows.shape[1] else centred.T @ centred
    values = torch.linalg.eigvalsh(gram).clamp(min=0).sqrt()
    found: float = torch.special.entr(values / values.sum()).sum().exp().item()
    return found


def token_cosine(pieces: list[Tensor]) -> float | None:
    """Mean cosine between two positions of the same sample; null where none has two.

    Each unit is divided by its rms first, so that a few huge ones don't speak for all (Timkey and
    van Schijndel 2021). ``pieces`` are ``(samples, positions, units)`` in float64.
    """
    pieces = [rows for rows in pieces if rows.shape[1] > 1]
    if not pieces:
        return None
    scale = torch.cat([rows.flatten(0, 1) for rows in pieces]).square().mean(0).sqrt()
    scale = torch.where(scale > 0, scale, 1)
    total, pairs = 0.0, 0
    for rows in pieces:
        sizes = (rows / scale).norm(dim=2, keepdim=True)
        unit = torch.where(sizes > 0, rows / scale / sizes, 0)
        many = (sizes > 0).sum(1)
        total += (unit.sum(1).square().sum() - many.sum()).item()
        pairs += int((many * (many - 1)).sum())
    return total / pairs if pairs else None
