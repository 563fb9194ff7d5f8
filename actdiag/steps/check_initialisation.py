"""Debug step: check weight initialisation (Xavier/He)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actdiag import functions
from actdiag.records import Outcome, Scan, Severity, WeightStats
from actdiag.steps.base import Case, Result, Step, needs
from actdiag.steps.depth import number

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from actdiag.measure import Measurement

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
    ratios = {}
    for weight in case.scan.weights:
        ratio = weight.he_ratio if scheme_for(case.scan, weight) == "he" else weight.xavier_ratio
        if ratio is not None:
            ratios[weight.name] = ratio
    broken = [weight.name for weight in case.scan.weights if weight.nonfinite]
    if broken:
        text = f"{len(broken)} weights hold NaN or infinity, {broken[0]} the first of them."
        return Result(Outcome.DONE, text, {"nonfinite": broken})
    if not ratios:
        return needs("No layer with a fan-in was found.")
    off = [*case.found("INI401", at_least=Severity.WARNING), *case.found("INI402")]
    low, high = min(ratios.values()), max(ratios.values())
    text = f"{len(ratios)} layers: std {number(low)} to {number(high)} × the Xavier/He scale"
    measured: dict[str, Any] = {"ratios": ratios}
    if off:
        text += f"; off: {', '.join(sorted({finding.module or '?' for finding in off})[:5])}"
    if case.bench is None or not case.bench.batches:
        return Result(Outcome.DONE, f"{text}. A re-initialised copy was not run.", measured)
    return _with_copy(case, text, measured)


def _with_copy(case: Case, text: str, measured: dict[str, Any]) -> Result:
    bench = case.bench
    assert bench is not None  # noqa: S101 - carry_out() made sure
    copy = bench.copy()
    as_is = bench.measure(copy)
    initialise(copy, lambda name: _module_scheme(case.scan, name))
    fresh = bench.measure(copy)
    growth = [_growth(as_is), _growth(fresh)]
    spread = [item.output.between_sample_std if item.output else None for item in (as_is, fresh)]
    measured |= {"growth": growth, "output_spread": spread, "samples": bench.samples}
    text += (
        f". Rms from first to last layer × {number(growth[0])}; in a re-initialised copy × "
        f"{number(growth[1])} (spread of the output between samples {number(spread[0])} → "
        f"{number(spread[1])})."
    )
    sick = not spread[0] or any(
        case.found(code, at_least=Severity.WARNING)
        for code in ("ACT106", "ACT107", "ACT108", "OUT201")
    )
    if sick and _keeps(growth[1]) and spread[1]:
        return Result(
            Outcome.HELPS, f"{text} Initialise with nn.init.kaiming_normal_ or xavier.", measured
        )
    return Result(Outcome.DONE, text, measured)


def _keeps(growth: float | None) -> bool:
    return growth is not None and 1 / _KEEPS_SCALE < growth < _KEEPS_SCALE


def _growth(measured: Measurement) -> float | None:
    scan_sites = [site for site in measured.sites if site.stats.rms]
    main = [site for site in scan_sites if site.role in ("activation", "linear", "conv")]
    if len(main) < 2:  # noqa: PLR2004 - growth is between two
        return None
    first, last = main[0].stats.rms, main[-1].stats.rms
    return last / first if first and last else None


def _module_scheme(scan: Scan, module: str) -> str:
    weights = [weight for weight in scan.weights if weight.module == module]
    return scheme_for(scan, weights[0]) if weights else "he"


def initialise(module: nn.Module, scheme_of: Callable[[str], str], seed: int = 0) -> None:
    """Draw every linear and convolution weight afresh, He or Xavier; biases become 0."""
    import torch
    from torch import nn

    from actdiag.capture.graphs import modules_of
    from actdiag.steps.bench import seeded

    classes = {name: declared.class_name for name, declared in modules_of(module).items()}
    layers = (nn.Linear, nn.modules.conv._ConvNd)  # noqa: SLF001 - the base of all convolutions
    with seeded(seed), torch.no_grad():
        for name, layer in module.named_modules():
            kept = classes.get(name, "").startswith(("Linear", "Conv"))  # all that a graph tells
            if not isinstance(layer, layers) and not (kept and hasattr(layer, "weight")):
                continue
            if scheme_of(name) == "he":
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            else:
                nn.init.xavier_normal_(layer.weight)
            if getattr(layer, "bias", None) is not None:
                nn.init.zeros_(layer.bias)


STEP = Step(
    "check-initialisation",
    "Check weight initialisation (Xavier/He)",
    carry_out,
    works_on_copy=True,
)
