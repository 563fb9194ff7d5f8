"""A bounded sample of a site's rows: their effective rank, and how alike tokens are.

A row is the units at one position of one sample. The samples are those of the lowest ranks
(:mod:`actdiag.stats.ranks`), so that any partition of the data into batches and accumulators keeps
the same rows. 128 samples of one row each, or 16 of up to 8 evenly spread positions.
"""

from __future__ import annotations

import heapq
import math
from array import array
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from actdiag.stats import native
from actdiag.stats.devices import sent
from actdiag.stats.layout import arrange, as_float
from actdiag.stats.picks import spread
from actdiag.stats.ranks import mixed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actdiag.stats.layout import View

MOST_SAMPLES = 128
MOST_SEQUENCES = 16
NOT_DIFFERENT = 1e-6  # of the largest value: what float32 rounds away is no difference
_NONE = np.iinfo(np.int64).max  # the rank of a slot that holds nothing
_FEW, _MANY = 1 << 10, 1 << 16  # samples whose ranks are computed at once

Numbers = np.ndarray[Any, np.dtype[np.int64]]


class Chosen:
    """Samples of a batch by their place in it, the slots they are kept in, and their ranks.

    In arrays of Python's own: the first call of torch or numpy between two batches takes longer
    than all that there is to do.
    """

    __slots__ = ("_indices", "places", "ranks", "slots")

    def __init__(self, places: array[int], slots: array[int], ranks: array[int]) -> None:
        self.places, self.slots, self.ranks = places, slots, ranks
        self._indices: tuple[Tensor, Tensor] | None = None

    def indices(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Places and slots as tensors, made once for all sites of a batch."""
        found = self._indices
        if found is None or found[0].device != device:
            places, slots = (
                sent(torch.tensor(column, dtype=torch.int64), device)
                for column in (self.places, self.slots)
            )
            found = self._indices = places, slots
        return found

    def among(self, rows: Tensor) -> Chosen:
        """Those that lie in a part of the batch, by their place in that part."""
        inside = {place: index for index, place in enumerate(rows.tolist())}
        kept = [
            (inside[place], slot, rank)
            for place, slot, rank in zip(self.places, self.slots, self.ranks, strict=True)
            if place in inside
        ]
        return _chosen(kept)


def _chosen(entries: Iterable[tuple[int, int, int]]) -> Chosen:
    """From places, slots and ranks of samples."""
    columns = list(zip(*entries, strict=True)) or [()] * 3
    return Chosen(*(array("q", column) for column in columns))


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
        self._heap = [(-_NONE, slot) for slot in range(size)]  # the highest rank comes first

    @property
    def worst(self) -> int:
        """The highest of the ranks."""
        return -self._heap[0][0]

    def offer(self, ranks: Iterable[tuple[int, int]]) -> Chosen:
        """Those of some samples that are among the lowest now, in the slots of the highest.

        ``ranks`` are pairs of a place in the batch and the rank of the sample there.
        """
        taken: dict[int, tuple[int, int]] = {}
        for place, rank in ranks:
            if rank < self.worst:
                _, slot = heapq.heapreplace(self._heap, (-rank, self._heap[0][1]))
                taken[slot] = place, rank
        return _chosen((place, slot, rank) for slot, (place, rank) in taken.items())


class Picker:
    """Tells of each batch which samples are among the lowest ranks of all so far.

    Args:
        first: number of the first sample in the whole data.

    Attributes:
        seen: number of the next sample.
    """

    def __init__(self, first: int = 0) -> None:
        self.seen = self._known = first
        self._single, self._several = _Lowest(MOST_SAMPLES), _Lowest(MOST_SEQUENCES)
        self._candidates: deque[tuple[int, int]] = deque()  # numbers and ranks

    def next(self, samples: int) -> Picked | None:
        """The samples of the next batch that are worth keeping; none, more and more often."""
        first, self.seen = self.seen, self.seen + samples
        while self._known < self.seen:
            self._look_on()
        candidates = self._candidates
        if not candidates or candidates[0][0] >= self.seen:
            return None
        found = []
        while candidates and candidates[0][0] < self.seen:
            number, rank = candidates.popleft()
            if rank < self._single.worst:
                found.append((number - first, rank))
        if not found:
            return None
        return Picked(self._single.offer(found), self._several.offer(found))

    def _look_on(self) -> None:
        """Find the samples still to come, a few or as many as were seen, that may be kept."""
        numbers = np.arange(self._known, self._known + max(_FEW, min(self._known, _MANY)))
        self._known += len(numbers)
        own = mixed(numbers)
        low = own < self._single.worst
        self._candidates.extend(zip(numbers[low].tolist(), own[low].tolist(), strict=True))


class Slots:
    """Rows of one number of positions: ``(slots, positions, units)`` with the rank of each slot.

    Args:
        taken: where all slots of a site note what they took.
        like: a tensor of the site.
        shape: slots, positions and units.
    """

    def __init__(self, taken: Taken, like: Tensor, *shape: int) -> None:
        self.ranks, self._taken = np.full(shape[0], _NONE), taken
        dtype = torch.float64 if like.dtype == torch.float64 else torch.float32
        # What is made in inference mode could not be written to outside.
        with torch.inference_mode(mode=False):
            self.rows = torch.empty(shape, dtype=dtype, device=like.device)

    def take(self, picked: Picked) -> None:
        """The rows of a batch that are kept in such slots were copied."""
        chosen = picked.single if self.rows.shape[1] == 1 else picked.several
        if len(chosen.ranks):
            self._taken.append((self, chosen))

    def held(self) -> tuple[Numbers, Tensor]:
        """The rows that are there, with their ranks."""
        full = np.flatnonzero(self.ranks != _NONE)
        return self.ranks[full], self.rows[torch.from_numpy(full).to(self.rows.device)]


Taken = list[tuple[Slots, Chosen]]


class RowSample:
    """The kept rows of one site."""

    def __init__(self) -> None:
        self._slots: dict[tuple[int, int, bool], Slots] = {}
        self._taken: Taken = []  # not yet told to the slots
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
    ) -> Slots | None:
        """Keep rows of the samples picked; axes as in :meth:`SiteAccumulator.update`.

        With ``plan``, how the kernel reads the tensor, it copies them; then the slots are given.
        """
        if plan is not None:
            return self._add_natively(plan, tensor, picked)
        if unit_axis is not None and sample_axis is not None and tensor.is_floating_point():
            view = arrange(tensor, unit_axis=unit_axis, sample_axis=sample_axis, samples=samples)
            self._add_by_torch(view, tensor, picked)
        return None

    def _add_natively(self, plan: native.Plan, tensor: Tensor, picked: Picked) -> Slots | None:
        if not plan.has_rows:
            return None
        slots = self._slots_for(tensor, plan.layout.rows, plan.units)
        chosen = picked.single if plan.layout.rows == 1 else picked.several
        native.copy_rows(plan, tensor, chosen.places, chosen.slots, slots.rows)
        slots.take(picked)
        self._tell()
        return slots

    def _add_by_torch(self, view: View, tensor: Tensor, picked: Picked) -> None:
        values = view.values
        if not (view.by_sample and view.by_unit and values.numel()):
            return
        many = math.prod(values.shape[2:])
        chosen = picked.single if many == 1 else picked.several
        if not len(chosen.ranks):
            return
        places, kept = chosen.indices(values.device)
        positions = spread(many)
        slots = self._slots_for(tensor, len(positions), values.shape[1])
        if many == 1:
            rows = values.flatten(1).index_select(0, places).unsqueeze(1)
        else:
            by_position = values.flatten(2).transpose(1, 2)
            rows = by_position[places.unsqueeze(1), sent(positions, values.device)]
        slots.rows.index_copy_(0, kept, as_float(rows))
        slots.take(picked)
        self._tell()

    def _slots_for(self, tensor: Tensor, positions: int, units: int) -> Slots:
        key = positions, units, tensor.dtype == torch.float64  # as wide as what the kernel writes
        own = self._slots.get(key)
        if own is None:
            size = MOST_SAMPLES if positions == 1 else MOST_SEQUENCES
            own = self._slots[key] = Slots(self._taken, tensor, size, positions, units)
        return own

    def _tell(self) -> None:
        """Slots that were taken hold these rows, and no others of the same number do."""
        for own, chosen in self._taken:
            for other in self._slots.values() if len(self._slots) > 1 else ():
                if len(other.ranks) == len(own.ranks):
                    other.ranks[chosen.slots] = _NONE
            own.ranks[chosen.slots] = chosen.ranks
        self._taken.clear()

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
        self._tell()
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
