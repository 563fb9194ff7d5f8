"""Whether two parts were measured of one model, in one way."""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING, Any

from actdiag.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.records import Scan, Site
    from actdiag.shards.piece import Piece

_CLOSE = 1e-6  # our choice: sums of float32 weights differ by less between machines
_HINT = "Parts can be merged that the same version measured of the same model in the same way."


def check_agree(first: Piece, other: Piece) -> None:
    """Check that a part belongs to the same scan as the first one.

    Raises:
        UsageError: it does not; it names what differs.
    """
    data = (
        ("the number of samples in all", first.samples, other.samples),
        ("the first batch of the data", first.state["begins"], other.state["begins"]),
    )
    unlike = (pair for pair in data if pair[1] != pair[2])
    found = next(chain(unlike, _differences(first.scan, other.scan)), None)
    if found is not None:
        what, mine, its = found
        raise UsageError(
            f"{other.name} does not belong to {first.name}: {what} is {its}, and {mine} there",
            hint=_HINT,
        )


def _differences(mine: Scan, its: Scan) -> Iterator[tuple[str, Any, Any]]:
    pairs = (
        ("the version of actdiag", mine.tool.version, its.tool.version),
        ("the model's class", mine.model.class_name, its.model.class_name),
        ("its number of parameters", mine.model.parameters, its.model.parameters),
        ("its type", mine.model.dtype, its.model.dtype),
        ("the number of its modules", len(mine.modules), len(its.modules)),
        ("whether the data is synthetic", mine.data.synthetic, its.data.synthetic),
    )
    yield from (pair for pair in pairs if pair[1] != pair[2])
    for one, other in zip(mine.modules, its.modules, strict=True):
        here, there = (f"{module.class_name} {module.name}".strip() for module in (one, other))
        if here != there:
            yield "a module", here, there
    for weight, same in zip(mine.weights, its.weights, strict=False):
        if weight.name != same.name or weight.shape != same.shape:
            yield "a weight", _shaped(weight), _shaped(same)
        for what in ("mean", "std"):
            values = getattr(weight, what), getattr(same, what)
            if not _alike(*values, scale=weight.std):
                yield f"the {what} of {weight.name}", *values
    known = {site.name: site for site in mine.sites}
    for site in its.sites:
        before = known.get(site.name, site)
        if _observed(before) != _observed(site):
            yield f"what is observed at {site.name}", _observed(before), _observed(site)


def _shaped(weight: Any) -> str:
    return f"{weight.name} of shape {'×'.join(map(str, weight.shape))}"


def _observed(site: Site) -> str:
    axis = "no" if site.unit_axis is None else str(site.unit_axis)
    return f"{site.function} ({site.dtype}, units on axis {axis})"


def _alike(mine: float | None, its: float | None, *, scale: float | None) -> bool:
    if mine is None or its is None:
        return mine is its
    return math.isclose(mine, its, rel_tol=_CLOSE, abs_tol=_CLOSE * (scale or 0.0))
