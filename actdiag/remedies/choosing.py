"""Which remedies are tried, in which order: those called for, then the cheap ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.remedies import registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actdiag.remedies.base import Remedy, Subject


def chosen(subject: Subject, asked: Sequence[str] = ()) -> list[Remedy]:
    """The remedies that were asked for, else the suggested ones and then the cheap ones.

    Suggested ones stand in the order of the diagnosis: by the first confirmed cause, or else the
    first finding, that calls for them; among equals by how high they rank that cause themselves.
    """
    if asked:
        return [registry()[name] for name in dict.fromkeys(asked)]
    reasons = (*subject.causes, *subject.codes)
    suggested = [item for item in registry().values() if item.called_for_by(subject)]
    suggested.sort(key=lambda item: _place(item, item.called_for_by(subject)[0], reasons))
    cheap = [item for item in registry().values() if item.cheap and item not in suggested]
    return [*suggested, *cheap]


def _place(remedy: Remedy, reason: str, reasons: Sequence[str]) -> tuple[int, int]:
    own = (*remedy.causes, *remedy.codes)
    return reasons.index(reason), own.index(reason)
