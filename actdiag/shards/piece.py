"""What one process found in its part of the data, ready to be merged."""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from actdiag.errors import UsageError
from actdiag.records import Mergeable
from actdiag.records.document import from_json, to_json
from actdiag.records.scan import Scan
from actdiag.shards.packing import packed, unpacked

if TYPE_CHECKING:
    from actdiag.feed.parts import Part
    from actdiag.measure import Bounding
    from actdiag.records import Report

_HINT = "Scan the parts with --shard 1/3, 2/3, 3/3, or with --mergeable, and --report json=PATH."


_MAYBE = type(None)
_STATE: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("sites", "parameters", "reach", "padding"), dict),
    **dict.fromkeys(("aligned", "width_changes", "model_notes", "notes"), list),
    **dict.fromkeys(("left_out", "nonfinite"), int),
    **dict.fromkeys(("answer", "begins"), (str, _MAYBE)),
    "output": (dict, _MAYBE),
    "takes": (int, _MAYBE),
}  # what every piece holds


@dataclass(frozen=True)
class Piece:
    """The scan of a part and the state of its accumulators.

    Attributes:
        name: of the file or the process, for messages.
        scan: what was measured in this part alone.
        state: as from :func:`actdiag.measure.measure`, with what the pipeline adds.
        part: number of the part, from 1 on, and of how many; null for files of their own.
        first: number of its first sample in the whole data.
        samples: of the whole data; null where only the part is known.
        bounded: gives merged sites the bounds that the weights set; null without the model.
    """

    name: str
    scan: Scan
    state: dict[str, Any]
    part: tuple[int, int] | None = None
    first: int = 0
    samples: int | None = None
    bounded: Bounding | None = None

    @property
    def digest(self) -> str:
        """The same for the same numbers of the same data."""
        values, arrays = packed(self.state)
        text = json.dumps([self.scan.data.source, values, arrays], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def kept(self) -> Mergeable:
        """What the part's report keeps of it."""
        number, of = self.part or (None, None)
        return Mergeable(number, of, self.first, self.samples, *packed(self.state))

    def sent(self) -> bytes:
        """The piece as bytes for another process of the same program."""
        document = {"scan": to_json(self.scan), "merge": to_json(self.kept()), "name": self.name}
        return zlib.compress(json.dumps(document).encode(), level=1)

    @staticmethod
    def received(content: bytes) -> Piece:
        """The piece that another process sent."""
        document = json.loads(zlib.decompress(content))
        merge = from_json(Mergeable, document["merge"])
        return _restored(document["name"], from_json(Scan, document["scan"]), merge)

    @staticmethod
    def read(name: str, report: Report) -> Piece:
        """The piece in a saved report.

        Raises:
            UsageError: it holds none, or a damaged one.
        """
        if report.merge is None:
            raise UsageError(f"{name} holds no state that could be merged", hint=_HINT)
        if report.scan.coverage.interrupted:
            raise UsageError(f"{name} is of a scan that was interrupted", hint="Scan it again.")
        try:
            return _restored(name, report.scan, report.merge)
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{name}: its mergeable state is damaged: {error}", hint=_HINT
            ) from None


def _restored(name: str, scan: Scan, merge: Mergeable) -> Piece:
    part = None if merge.part is None or merge.parts is None else (merge.part, merge.parts)
    state = unpacked(merge.state, merge.arrays)
    odd = [key for key, kinds in _STATE.items() if not isinstance(state.get(key, ...), kinds)]
    if odd:
        raise ValueError(f"{', '.join(odd)}: missing, or of another kind")
    return Piece(name, scan, state, part, merge.first, merge.samples)


def numbered_at(piece: Piece, first: int) -> Piece:
    """The piece of a file of its own with its samples counted from ``first`` on."""
    output = piece.state["output"]
    if output is None:
        return replace(piece, first=first)
    answers = output["answers"]
    if answers is not None:
        worst = [[sample + first, *rest] for sample, *rest in answers["worst"]]
        answers = {**answers, "worst": worst}
    state = {**piece.state, "output": {**output, "first": first, "answers": answers}}
    return replace(piece, state=state, first=first)


def scattered(part: Part | None, source: str, first: int) -> int:
    """The number of a part's first sample where random samples are drawn.

    Separate files are numbered far apart, by their name: no two draw by the same numbers.
    """
    return first if part is not None else zlib.crc32(source.encode()) << 20
