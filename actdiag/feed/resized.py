"""The same data in smaller batches, where we chose how large they are."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actdiag.feed.fit import Source


def resized(source: Source, size: int) -> Source | None:
    """The source in batches of at most ``size`` samples; None where the user made the batches.

    Rows have their ``batch_size``, a stream says whether its batches are ``ours``, and any other
    source changes the batches of its own ``source``.
    """
    known: Any = source
    names = {field.name for field in fields(known)} if is_dataclass(known) else set[str]()
    if "batch_size" in names:
        found: Source = replace(known, batch_size=size)
        return found
    if "ours" in names:
        return replace(known, most=size) if known.ours else None
    inner = resized(known.source, size) if "source" in names else None
    return None if inner is None else replace(known, source=inner)
