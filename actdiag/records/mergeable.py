"""What the scan of a part of the data keeps, so that it can be merged with the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Mergeable:
    """The state of every accumulator after a scan; its size does not grow with the samples.

    Attributes:
        part: number of the part, from 1 on; null where the data is in files of its own.
        parts: of how many; null there, too.
        first: number of the part's first sample in the whole data.
        samples: of the whole data; null where only the part is known.
        state: names, counts and places in ``arrays``.
        arrays: an archive of numpy (``.npz``) in base64.
    """

    part: int | None
    parts: int | None
    first: int
    samples: int | None
    state: dict[str, Any] = field(default_factory=dict)
    arrays: str = ""
