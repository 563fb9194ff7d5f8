"""What a capture has seen of a model, and what not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.capture.declared import elements
from actdiag.records import Coverage
from actdiag.text import percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    used = {id(weight) for name in called for weight in weights.get(name, ())}
    called |= {name for name, own in weights.items() if own and {id(w) for w in own} <= used}
    share = share_of(parameters_seen(observer, modules, weights))
    told = [*notes, *remarks(share, observer.recorder.width_changes)]
    return Coverage(
        sites=sum(not site.absorbed for site in observer.recorder.sites),
        modules=len(leaves),
        modules_not_called=tuple(name for name in leaves if name not in called),
        functions_not_captured=tuple(observer.not_captured),
        parameters_seen=share,
        note=" ".join(told),
        failure=failure,
    )


def parameters_seen(
    observer: Observer,
    modules: Mapping[str, Declared],
    weights: Mapping[str, tuple[Tensor, ...]],
) -> dict[str, tuple[int, bool]]:
    """Of each parameter its size, and whether a measured output depends on it at first hand."""
    sites = {site.module for site in observer.recorder.sites}
    whole = {name for name, module in modules.items() if module.leaf or module.builtin} & sites
    found: dict[int, tuple[str, int, bool]] = {}
    for name, owned in weights.items():
        inside = name in whole or name.rpartition(".")[0] in whole - {""}
        for place, item in enumerate(owned):
            key, size, seen = found.get(id(item), (f"{name}:{place}", elements(item), False))
            found[id(item)] = key, size, seen or inside or id(item) in observer.weights_seen
    return {key: (size, seen) for key, size, seen in found.values()}


def share_of(parameters: Mapping[str, tuple[int, bool]]) -> float | None:
    """The share of the parameters that were seen; null where there are none."""
    total = sum(size for size, _ in parameters.values())
    return sum(size for size, seen in parameters.values() if seen) / total if total else None


def remarks(share: float | None, width_changes: Sequence[str]) -> list[str]:
    """What the report says of a small share, and of sites whose width differs."""
    notes = []
    if share is not None and share < _FEW:
        part = f"only {percent(share)}".replace("only <", "less than ") if share else "none"
        notes.append(f"Of the parameters, {part} took part in anything that was seen.")
    if width_changes:
        sites = ", ".join(width_changes[:5])
        notes.append(f"Width differs between batches, measured on the first width only: {sites}.")
    return notes
