"""What a capture has seen of a model, and what not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.capture.declared import elements
from actdiag.records import Coverage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from actdiag.capture.declared import Declared
    from actdiag.capture.observer import Observer
    from actdiag.records import Failure

_FEW = 0.5  # our choice: of which less than half was seen is not seen


def coverage(
    observer: Observer,
    modules: Mapping[str, Declared],
    weights: Mapping[str, tuple[Tensor, ...]],
    notes: list[str],
    failure: Failure | None,
) -> Coverage:
    """The record; ``weights`` are the parameters of each module by its name."""
    leaves = [name for name, module in modules.items() if module.leaf]
    called = set(observer.stack.calls) | observer.weights_used
    share = _parameters_seen(observer, modules, weights)
    told = [*notes, *_told(observer, share)]
    return Coverage(
        sites=sum(not site.absorbed for site in observer.recorder.sites),
        modules=len(leaves),
        modules_not_called=tuple(name for name in leaves if name not in called),
        functions_not_captured=tuple(observer.not_captured),
        parameters_seen=share,
        note=" ".join(told),
        failure=failure,
    )


def _parameters_seen(
    observer: Observer,
    modules: Mapping[str, Declared],
    weights: Mapping[str, tuple[Tensor, ...]],
) -> float | None:
    """The share of parameters that a measured output depends on at first hand."""
    sites = {site.module for site in observer.recorder.sites}
    whole = {name for name, module in modules.items() if module.leaf or module.builtin} & sites
    seen: dict[int, int] = {}
    known: dict[int, int] = {}
    for name, owned in weights.items():
        inside = name in whole or name.rpartition(".")[0] in whole - {""}
        for item in owned:
            known[id(item)] = elements(item)
            if inside or id(item) in observer.weights_seen:
                seen[id(item)] = elements(item)
    total = sum(known.values())
    return sum(seen.values()) / total if total else None


def _told(observer: Observer, share: float | None) -> list[str]:
    notes = []
    if share is not None and share < _FEW:
        part = f"{100 * share:.0f} %"
        notes.append(f"Of the parameters, only {part} took part in anything that was seen.")
    if changed := observer.recorder.width_changes:
        sites = ", ".join(changed[:5])
        notes.append(f"Width differs between batches, measured on the first width only: {sites}.")
    return notes
