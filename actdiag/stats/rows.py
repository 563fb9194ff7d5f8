"""A bounded sample of a site's rows: their effective rank, and how alike tokens are.

A row is the units at one position of one sample. The samples are those of the lowest ranks
(:mod:`actdiag.stats.ranks`), so that any partition of the data into batches and accumulators keeps
the same rows. 128 samples of one row each, or 16 of up to 8 evenly spread positions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from actdiag.stats import native
from actdiag.stats.layout import arrange, as_float
from actdiag.stats.picks import spread
from actdiag.stats.ranks import mixed

if TYPE_CHECKING:
    from actdiag.stats.layout import View

MOST_SAMPLES = 128
MOST_SEQUENCES = 16
NOT_DIFFERENT = 1e-6  # of the largest value: what float32 rounds away is no difference
_NONE = np.iinfo(np.int64).max  # the rank of a slot that holds nothing

Numbers = np.ndarray[Any, np.dtype[np.int64]]


class Chosen(NamedTuple):
    """Samples of a batch by their place in it, the slots they are kept in, and their ranks."""

    places: Tensor
    slots: Tensor
    ranks: Numbers
    filled: Numbers  # the slots again

    def among(self, rows: Tensor) -> Chosen:
        """Those that lie in a part of the batch, by their place in that part."""
        inside = self.places.unsqueeze(1) == rows.cpu()
        kept = inside.any(1)
        some = kept.numpy()
        places = inside.int().argmax(1)[kept]
        return Chosen(places, self.slots[kept], self.ranks[some], self.filled[some])


class Picked(NamedTuple):
    """The samples of a batch of which one row is kept, and those of which several are."""

    single: Chosen
    several: Chosen

    def among(self, rows: Tensor) -> Picked:
        """Those that lie in a part of the batch, by their place in that part."""
        return Picked(self.single.among(rows), self.several.among(rows))


class _Lowest:
    """The lowest ranks so far, each in a slot of its own."""

    def __init__(self, size: int) -> None:
        self.ranks = np.full(size, _NONE)

    def offer(self, ranks: Numbers) -> Chosen:
        """Those of a batch that are among the lowest now; they take the slots of the highest."""
        places = np.flatnonzero(ranks < self.ranks.max())
        places = places[np.argsort(ranks[places])][: len(self.ranks)]
        slots = np.argsort(-self.ranks)[: len(places)]
        better = ranks[places] < self.ranks[slots]
        places, slots = places[better], slots[better]
        self.ranks[slots] = ranks[places]
        return Chosen(torch.from_numpy(places), torch.from_numpy(slots), ranks[places], slots)


class Picker:
    """Tells of each batch which samples are among the lowest ranks of all so far.

    Args:
        first: number of the first sample in the whole data.

    Attributes:
        seen: number of the next sample.
    """

    def __init__(self, first: int = 0) -> None:
        self.seen = first
        self._single, self._several = _Lowest(MOST_SAMPLES), _Lowest(MOST_SEQUENCES)

    def next(self, samples: int) -> Picked | None:
        """The samples of the next batch that are worth keeping; none, more and more often."""
        own = mixed(np.arange(self.seen, self.seen + samples))
        self.seen += samples
        single = self._single.offer(own)
        return Picked(single, self._several.offer(own)) if len(single.ranks) else None


class _Slots:
    """Rows of one number of positions: ``(slots, positions, units)`` with the rank of each slot."""

    def __init__(self, size: int, like: Tensor, *shape: int) -> None:
        self.ranks = np.full(size, _NONE)
        dtype = torch.float64 if like.dtype == torch.float64 else torch.float32
        # What is made in inference mode could not be written to outside.
        with torch.inference_mode(mode=False):
            self.rows = torch.empty(size, *shape, dtype=dtype, device=like.device)

    def held(self) -> tuple[Numbers, Tensor]:
        """The rows that are there, with their ranks."""
        full = np.flatnonzero(self.ranks != _NONE)
        return self.ranks[full], self.rows[torch.from_numpy(full).to(self.rows.device)]


class RowSample:
    """The kept rows of one site."""

    def __init__(self) -> None:
        self._slots: dict[tuple[int, int], _Slots] = {}
        self._merged: list[tuple[Numbers, Tensor]] = []

    def add(
        self,
        tensor: Tensor,
        *,
        unit_axis: int | None,
        sample_axis: int | None,
        samples: int,
        picked: Picked,
        plan: native.Plan | None = None,
    ) -> None:
        """Keep rows of the samples picked; axes as in :meth:`SiteAccumulator.update`.

        With ``plan``, how the kernel reads the tensor, it copies them.
        """
        if plan is not None:
            self._add_natively(plan, tensor, picked)
        elif unit_axis is not None and sample_axis is not None and tensor.is_floating_point():
            view = arrange(tensor, unit_axis=unit_axis, sample_axis=sample_axis, samples=samples)
            self._add_by_torch(view, tensor, picked)

    def _add_natively(self, plan: native.Plan, tensor: Tensor, picked: Picked) -> None:
        chosen = picked.single if plan.layout.rows == 1 else picked.several
        if len(chosen.ranks) and plan.by_sample and plan.by_unit:
            slots = self._slots_for(chosen, tensor, plan.layout.rows, plan.units)
            native.copy_rows(plan, tensor, chosen.places, chosen.slots, slots.rows)

    def _add_by_torch(self, view: View, tensor: Tensor, picked: Picked) -> None:
        if not (view.by_sample and view.by_unit and view.values.numel()):
            return
        values = view.values.flatten(2) if view.values.ndim > 2 else view.values.unsqueeze(2)  # noqa: PLR2004
        positions = spread(values.shape[2]).to(values.device)
        chosen = picked.single if len(positions) == 1 else picked.several
        if len(chosen.ranks):
            slots = self._slots_for(chosen, tensor, len(positions), values.shape[1])
            places = chosen.places.unsqueeze(1).to(values.device)
            slots.rows[chosen.slots.to(values.device)] = as_float(
                values.transpose(1, 2)[places, positions]
            )

    def _slots_for(self, chosen: Chosen, tensor: Tensor, positions: int, units: int) -> _Slots:
        """The slots for what was chosen, which count as filled."""
        own = self._slots.get((positions, units))
        if own is None:
            size = MOST_SAMPLES if positions == 1 else MOST_SEQUENCES
            own = self._slots[positions, units] = _Slots(size, tensor, positions, units)
        for other in self._slots.values() if len(self._slots) > 1 else ():
            if len(other.ranks) == len(own.ranks):
                other.ranks[chosen.filled] = _NONE
        own.ranks[chosen.filled] = chosen.ranks
        return own

    def merge(self, other: RowSample) -> None:
        """Take in what another accumulator of the same site has kept."""
        self._merged = _lowest([*self._merged, *other.held()])

    def state(self) -> list[list[Tensor]]:
        """The rows that are kept with their ranks, for :meth:`restore`."""
        return [[torch.from_numpy(own), rows.cpu()] for own, rows in self.held()]

    def restore(self, state: list[list[Tensor]]) -> None:
        """Take in what another accumulator of the same site had kept."""
        self._merged = _lowest([*self._merged, *((own.numpy(), rows) for own, rows in state)])

    def held(self) -> list[tuple[Numbers, Tensor]]:
        """Ranks and rows ``(samples, positions, units)``."""
        return _lowest([*self._merged, *(slots.held() for slots in self._slots.values())])

    def told(self) -> dict[str, Any]:
        """``effective_rank``, ``token_cosine`` and ``sampled_rows`` of the site's record."""
        held = _ordered(self.held())
        width = held[0].shape[2] if held else 0
        pieces = [rows.double() for rows in held if rows.shape[2] == width]
        pieces = [rows[torch.isfinite(rows).flatten(1).all(1)] for rows in pieces]
        if width < 2 or not sum(map(len, pieces)):  # noqa: PLR2004 - one unit has no direction
            return {}
        rows = torch.cat([piece.flatten(0, 1) for piece in pieces])
        return {
            "effective_rank": effective_rank(rows),
            "token_cosine": token_cosine(pieces),
            "sampled_rows": len(rows),
        }


def _lowest(pieces: list[tuple[Numbers, Tensor]]) -> list[tuple[Numbers, Tensor]]:
    """Ranks and rows without all but the lowest ranks."""
    pieces = [piece for piece in pieces if len(piece[0])]
    if not pieces:
        return []
    single = all(rows.shape[1] == 1 for _, rows in pieces)
    ordered = np.sort(np.concatenate([own for own, _ in pieces]))
    last = ordered[: MOST_SAMPLES if single else MOST_SEQUENCES][-1]
    return [
        (own[low], rows[torch.from_numpy(low).to(rows.device)])
        for own, rows in pieces
        if (low := own <= last).any()
    ]


def _ordered(pieces: list[tuple[Numbers, Tensor]]) -> list[Tensor]:
    """Rows on the CPU by their ranks, those of as many positions together.

    Sums then round alike, however the data was divided.
    """
    alike: dict[torch.Size, list[tuple[Numbers, Tensor]]] = {}
    for own, rows in pieces:
        alike.setdefault(rows.shape[1:], []).append((own, rows.cpu()))
    found = []
    for _, same in sorted(alike.items()):
        order = np.argsort(np.concatenate([own for own, _ in same]), kind="stable")
        found.append(torch.cat([rows for _, rows in same])[torch.from_numpy(order)])
    return found


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
