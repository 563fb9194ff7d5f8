"""Gated feed-forward networks among the sites: gate, value, product and the matrices around them.

Pure look-ups on records: the sites tell how the branches meet, the modules their parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from actdiag import functions
from actdiag.records import GatedUnit, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from actdiag.records import ModuleInfo, Site

_WEIGHTED = (Role.LINEAR, Role.CONV)
_KINDS = {row.gate: row.name for row in functions.ALL if row.gate is not None}
_KINDS |= {"gelu_tanh": "geglu", "quick_gelu": "geglu"}


class _Branches(NamedTuple):
    """The layers of both branches, the same where they are halves of one, and the gate."""

    gate: Site | None
    before_gate: Site
    value: Site


def gated_units(sites: Iterable[Site], modules: Iterable[ModuleInfo]) -> tuple[GatedUnit, ...]:
    """Every product of two branches that come from the same input, in execution order."""
    known = {site.name: site for site in sites}
    parameters = {module.name: module.parameters for module in modules if module.leaf}
    return tuple(
        _record(product, branches, _down(product, known), parameters)
        for product in known.values()
        if product.role is Role.GATED_PRODUCT
        and (branches := _branches(product, known)) is not None
    )


def _branches(product: Site, known: Mapping[str, Site]) -> _Branches | None:
    inputs = [known[name] for name in product.inputs if name in known]
    gate = next((site for site in inputs if site.role is Role.GATE), None)
    values = [site for site in inputs if site is not gate]
    if any(site.role not in _WEIGHTED for site in values) or not values:
        return None
    if gate is None:
        found = _Branches(None, values[0], values[-1])
    else:
        layers = [known[name] for name in gate.inputs if name in known]
        if len(values) > 1 or len(layers) != 1 or layers[0].role not in _WEIGHTED:
            return None
        found = _Branches(gate, layers[0], values[0])
    return found if _fit(product, found) else None


def _fit(product: Site, found: _Branches) -> bool:
    """Whether the branches are halves of one layer, or layers of one width on one input."""
    if found.before_gate is found.value:
        return product.units is not None and found.value.units == 2 * product.units
    same_width = found.before_gate.units == found.value.units == product.units
    return same_width and found.before_gate.inputs == found.value.inputs


def _down(product: Site, known: Mapping[str, Site]) -> Site | None:
    """The layer that reads the product and nothing else, if there is one."""
    readers = (site for site in known.values() if site.inputs == (product.name,))
    return next((site for site in readers if site.role in _WEIGHTED), None)


def _record(
    product: Site, found: _Branches, down: Site | None, parameters: Mapping[str, int]
) -> GatedUnit:
    layers = dict.fromkeys(site.module for site in (found.before_gate, found.value))
    matrices = [*layers, *([down.module] if down is not None else [])]
    total, plain = _counted(list(layers), down, parameters)
    function = "identity" if found.gate is None else found.gate.function or ""
    return GatedUnit(
        name=_around(matrices),
        kind=_KINDS.get(function, f"{function}-gated"),
        gate=None if found.gate is None else found.gate.name,
        value=found.value.name,
        product=product.name,
        fused=found.before_gate is found.value,
        layers=tuple(layers),
        down=None if down is None else down.module,
        hidden=product.units or 0,
        parameters=total,
        two_matrix_parameters=plain,
    )


def _counted(
    layers: list[str], down: Site | None, parameters: Mapping[str, int]
) -> tuple[int | None, int | None]:
    """Parameters of the network, and of one whose value branch is left out."""
    if down is None or not all(name in parameters for name in [*layers, down.module]):
        return None, None
    last = parameters[down.module]
    total = sum(parameters[name] for name in layers) + last
    one_branch = parameters[layers[0]] if len(layers) > 1 else parameters[layers[0]] // 2
    return total, one_branch + last


def _around(modules: list[str]) -> str:
    """The name of the innermost module that holds all of these."""
    parents: list[list[str]] = [name.split(".")[:-1] for name in modules]
    return ".".join(_common(parents))


def _common(paths: list[list[str]]) -> Iterator[str]:
    for parts in zip(*paths, strict=False):
        if len(set(parts)) > 1:
            return
        yield parts[0]
