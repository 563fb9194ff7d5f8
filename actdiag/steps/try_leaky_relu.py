"""Debug step: try Leaky ReLU instead of ReLU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actdiag.records import Outcome, Site
from actdiag.steps.base import Case, Result, Step, needs, not_applicable
from actdiag.steps.depth import number

if TYPE_CHECKING:
    from collections.abc import Callable

    from actdiag.measure import Measurement

_RELUS = ("relu", "relu6")
_REVIVED = 10.0  # our choice: a gradient or a spread that grows less than tenfold was not dead
_MOVES_A_WEIGHT = 1e-9  # a smaller gradient is lost when added to a float32 weight of 0.01
_VARIES = 1e-6  # of the output's scale: RULES.md, OUT201


def carry_out(case: Case) -> Result:
    """Replace every ReLU of a copy, in the forward and the backward, and measure again."""
    relus = [site for site in case.scan.sites if site.function in _RELUS]
    if not relus:
        return not_applicable("There is no ReLU in the forward pass.")
    dead = sum(site.stats.dead_units or 0 for site in relus)
    if not dead:
        return not_applicable("No ReLU unit is dead.", dead_units=0)
    if case.bench is None or not case.bench.batches:
        return needs("Needs data to run the copy on.")
    return _tried(case, {site.name for site in relus})


def _tried(case: Case, names: set[str]) -> Result:
    bench = case.bench
    assert bench is not None  # noqa: S101 - carry_out() made sure
    copy, replaced = bench.copy(), set[str]()
    leaky = _leaky(copy, replaced)
    before, after = bench.measure(copy), bench.measure(copy, leaky)
    if not replaced:
        return needs(
            "Needs ReLUs that can be replaced: in a TorchScript or exported file they are fixed, "
            "and so is one that the model writes out itself (a clamp, an autograd function)."
        )
    dead = [_never_positive(measured, names) for measured in (before, after)]
    spread = [_spread(measured) for measured in (before, after)]
    gradient = [bench.gradient(copy), bench.gradient(copy, leaky)]
    measured = {
        "samples": bench.samples,
        "dead_units": dead,
        "revived_units": dead[0] - dead[1],
        "output_spread": spread,
        "first_layer_gradient": gradient,
    }
    text = (
        f"On a copy, {bench.samples} samples: units never above zero {dead[0]} → {dead[1]} (those "
        f"left pass a hundredth now), spread of the output between samples {number(spread[0])} → "
        f"{number(spread[1])}, gradient at the first layer {number(gradient[0])} → "
        f"{number(gradient[1])}."
    )
    scale = after.output.scale if after.output else None
    if _gains(gradient, _MOVES_A_WEIGHT) or _gains(spread, _VARIES * (scale or 0.0)):
        return Result(
            Outcome.HELPS,
            f"{text} The way is open again: train with nn.LeakyReLU(0.01).",
            measured,
        )
    return Result(Outcome.NO_EFFECT, f"{text} The dead units alone do not block it.", measured)


def _gains(pair: list[float | None], enough: float) -> bool:
    before, after = (value or 0.0 for value in pair)
    return after > enough and after >= _REVIVED * before


def _leaky(module: Any, replaced: set[str]) -> Callable[..., Any]:
    from torch.nn import functional as F

    from actdiag.steps.bench import Replaced

    def replacement(name: str, _function: Any) -> Callable[..., Any] | None:
        if name.strip("_") not in _RELUS:
            return None
        replaced.add(name)
        return lambda x, *_args, **_kwargs: F.leaky_relu(x, 0.01)

    def forward(*args: Any, **kwargs: Any) -> Any:
        with Replaced(replacement):
            return module(*args, **kwargs)

    return forward


def _never_positive(measured: Measurement, names: set[str]) -> int:
    """Units of the (former) ReLU sites whose values never lie above zero."""
    sites = [site for site in measured.sites if _base(site, names)]
    return sum(
        sum(1 for high in site.per_unit.max if high is not None and high <= 0)
        for site in sites
        if site.per_unit is not None
    )


def _base(site: Site, names: set[str]) -> bool:
    """Whether the site is one of the ReLUs: a function's site is renamed when it is replaced."""
    return site.name in names or site.name.replace("leaky_relu", "relu") in names


def _spread(measured: Measurement) -> float | None:
    return measured.output.between_sample_std if measured.output else None


STEP = Step("try-leaky-relu", "Try Leaky ReLU instead of ReLU", carry_out, works_on_copy=True)
