"""Pieces saved by separate jobs in the order of their samples, each once and all of them there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from actdiag.errors import UsageError
from actdiag.shards.piece import numbered_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actdiag.shards.piece import Piece


def arranged(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces in the order of their samples, whatever the order they were given in.

    Raises:
        UsageError: one stands there twice, one is missing, or they are of different partitions.
    """
    numbered = [piece for piece in pieces if piece.part is not None]
    if not numbered:
        return _of_files(pieces)
    if len(numbered) < len(pieces):
        alone = next(piece for piece in pieces if piece.part is None)
        raise UsageError(
            f"{numbered[0].name} is a shard of a data set, and {alone.name} is a scan of its own",
            hint="Merge either shards (--shard) or scans of separate files (--mergeable).",
        )
    return _of_shards(numbered)


def _of_shards(pieces: Sequence[Piece]) -> list[Piece]:
    found: dict[int, Piece] = {}
    first = pieces[0]
    _, parts = first.part or (0, 0)
    for piece in pieces:
        number, of = piece.part or (0, 0)
        if of != parts:
            raise UsageError(
                f"{piece.name} is a shard of {of}, and {first.name} is one of {parts}",
                hint="Scan every shard with the same number of shards.",
            )
        mine, its = (PurePath(one.scan.data.source).name for one in (first, piece))
        if mine != its:
            raise UsageError(
                f"{piece.name} is a shard of {its}, and {first.name} is one of {mine}",
                hint="Shards can be merged that are of the same data.",
            )
        if number in found:
            raise UsageError(
                f"{found[number].name} and {piece.name} are both shard {number} of {of}: "
                "its samples would count twice",
                hint="Give every shard once.",
            )
        found[number] = piece
    missing = [str(number) for number in range(1, parts + 1) if number not in found]
    if missing:
        raise UsageError(
            f"shard {', '.join(missing)} of {parts} is missing",
            hint="Give the files of all shards, those without a batch too.",
        )
    return [found[number] for number in sorted(found)]


def _of_files(pieces: Sequence[Piece]) -> list[Piece]:
    """By the name of the data, the samples numbered through."""
    digests: dict[str, Piece] = {}
    for piece in pieces:
        same = digests.setdefault(piece.digest, piece)
        if same is not piece:
            raise UsageError(
                f"{same.name} and {piece.name} hold the same scan of {piece.scan.data.source}: "
                "its samples would count twice",
                hint="Give every part once.",
            )
    ordered = sorted(digests.items(), key=lambda item: (item[1].scan.data.source, item[0]))
    found: list[Piece] = []
    first = 0
    for _, piece in ordered:
        found.append(_noted(numbered_at(piece, first), several=len(ordered) > 1))
        first += piece.scan.data.samples
    return found


def _noted(piece: Piece, *, several: bool) -> Piece:
    if not several:
        return piece
    note = f"{piece.scan.data.source}: samples from {piece.first:,} on"
    return replace(piece, state={**piece.state, "notes": [*piece.state["notes"], note]})
