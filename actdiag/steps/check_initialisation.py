"""Debug step: check weight initialisation (Xavier/He)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actdiag import functions
from actdiag.records import Outcome, Scan, Severity, Site, WeightStats
from actdiag.rules.wording import count
from actdiag.steps.base import Case, Result, Step, needs
from actdiag.steps.depth import number, over_depth
from actdiag.steps.initialising import initialise, settle

if TYPE_CHECKING:
    from actdiag.measure import Measurement
    from actdiag.steps.bench import Bench

_VARIES = 1e-3  # our choice: fresh networks of ours have answers that vary by 0.1 of their scale
_KEEPS_SCALE = 10.0  # RULES.md, ACT107 and ACT108: a factor of ten per layer is not keeping scale


def scheme_for(scan: Scan, weight: WeightStats) -> str:
    """``he`` or ``xavier``: what the activation that follows the weight's layer wants."""
    layers = {site.name for site in scan.sites if site.module == weight.module}
    for site in scan.sites:
        row = functions.find(site.function) if site.function else None
        if row is not None and row.elementwise and layers.intersection(site.inputs):
            return row.initialisation
    return "he" if any(site.function in ("relu", "relu6") for site in scan.sites) else "xavier"


def carry_out(case: Case) -> Result:
    """Judge every layer against its scheme; run a re-initialised copy on the same data."""
    ratios, schemes = {}, {}
    for weight in case.scan.weights:
        scheme = scheme_for(case.scan, weight)
        ratio = weight.he_ratio if scheme == "he" else weight.xavier_ratio
        if ratio is not None:
            ratios[weight.name], schemes[weight.name] = ratio, scheme
    broken = [weight.name for weight in case.scan.weights if weight.nonfinite]
    if broken:
        text = f"{len(broken)} weights hold NaN or infinity, {broken[0]} the first of them."
        return Result(Outcome.DONE, text, {"nonfinite": broken})
    if not ratios:
        return needs("No layer with a fan-in was found.")
    low, high = min(ratios.values()), max(ratios.values())
    layers = f"{len(ratios)} layers: std {number(low)} to {number(high)}"
    if number(low) == number(high):
        layers = f"{count(len(ratios), 'layer')}: std {number(low)}"
    text = f"{layers} × the Xavier/He scale"
    measured: dict[str, Any] = {"ratios": ratios, "schemes": schemes}
    off = _off(case)
    if off:
        text += f"; off: {', '.join(off[:5])}{' …' if len(off) > 5 else ''}"  # noqa: PLR2004 - a line
    if case.bench is None or not case.bench.batches:
        return Result(Outcome.DONE, f"{text}. A re-initialised copy was not run.", measured)
    return _with_copy(case, case.bench, text, measured)


def _off(case: Case) -> list[str]:
    """Modules whose weights are of the wrong scale or all alike, in the order of the model."""
    found = (*case.found("INI401", at_least=Severity.WARNING), *case.found("INI402"))
    modules = {finding.module for finding in found}
    names = (weight.module for weight in case.scan.weights if weight.module in modules)
    return list(dict.fromkeys(names))


def _with_copy(case: Case, bench: Bench, text: str, measured: dict[str, Any]) -> Result:
    copy = bench.copy()
    as_is = bench.measure(copy)
    initialise(copy, lambda name: _module_scheme(case.scan, name))
    settle(copy, bench.batches)
    fresh = bench.measure(copy)
    growth = [_growth(as_is), _growth(fresh)]
    spread = [item.output.between_sample_std if item.output else None for item in (as_is, fresh)]
    profile = _profile(as_is, fresh)
    measured |= {
        "growth": growth,
        "output_spread": spread,
        "samples": bench.samples,
        "profile": [{"site": name, "rms": rms} for name, rms in profile],
    }
    told = [(name, f"{number(rms[0])} → {number(rms[1])}") for name, rms in profile]
    text += (
        f". Rms by layer, as it is → in a re-initialised copy: {over_depth(told)}; spread of the "
        f"output between samples {number(spread[0])} → {number(spread[1])}."
    )
    if spread[0] and not any(
        case.found(code, at_least=Severity.WARNING)
        for code in ("ACT106", "ACT107", "ACT108", "OUT201")
    ):
        return Result(Outcome.DONE, text, measured)
    scale = fresh.output.scale if fresh.output else None
    if (spread[1] or 0.0) <= _VARIES * (scale or 0.0):
        text += " Fresh weights do not carry the signal either."
        return Result(Outcome.DONE, text, measured)
    if not _keeps(growth[1]):
        return Result(Outcome.DONE, text, measured)
    if not _off(case):
        text += " Fresh weights carry the signal: the scale of these is not what stops it."
        return Result(Outcome.DONE, text, measured)
    advice = "Start again from fresh weights (nn.init.kaiming_normal_ or xavier_normal_)"
    moved = any(one.measured.get("trained") == "trained" for one in case.found("INI401"))
    advice += ", and train otherwise: training made these." if moved else "."
    return Result(Outcome.HELPS, f"{text} {advice}", measured)


def _keeps(growth: float | None) -> bool:
    return growth is not None and 1 / _KEEPS_SCALE < growth < _KEEPS_SCALE


def _main(measured: Measurement) -> list[Site]:
    return [site for site in measured.sites if site.role in ("activation", "linear", "conv")]


def _growth(measured: Measurement) -> float | None:
    main = [site for site in _main(measured) if site.stats.rms]
    if len(main) < 2:  # noqa: PLR2004 - growth is between two
        return None
    first, last = main[0].stats.rms, main[-1].stats.rms
    return last / first if first and last else None


def _profile(as_is: Measurement, fresh: Measurement) -> list[tuple[str, list[float | None]]]:
    """The rms at each layer and activation, of the model as it is and of the copy."""
    there = {site.name: site.stats.rms for site in fresh.sites}
    return [(site.name, [site.stats.rms, there.get(site.name)]) for site in _main(as_is)]


def _module_scheme(scan: Scan, module: str) -> str:
    weights = [weight for weight in scan.weights if weight.module == module]
    return scheme_for(scan, weights[0]) if weights else "he"


STEP = Step(
    "check-initialisation",
    "Check weight initialisation (Xavier/He)",
    carry_out,
    works_on_copy=True,
)
