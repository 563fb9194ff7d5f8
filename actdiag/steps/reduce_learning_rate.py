"""Debug step: reduce the learning rate if activations are exploding."""

from __future__ import annotations

from typing import Any

from actdiag.records import Outcome, Severity
from actdiag.steps.base import Case, Result, Step, needs, not_applicable
from actdiag.steps.depth import label, number, signal_sites
from actdiag.steps.updates import Steps, steps_of

_FAR_TOO_LARGE = 1e-2  # our choice: ten times the usual step


def carry_out(case: Case) -> Result:
    """Say whether activations explode over depth, and how far a training step moves the weights.

    The steps are those of the optimizer's state in the checkpoint, or the measured gradients at the
    learning rate that was given.
    """
    sites = [site for site in signal_sites(case.scan) if site.stats.rms is not None]
    steps = steps_of(case.scan)
    measured: dict[str, Any] = {"lr": _rate(case)}
    if steps is not None:
        measured |= {"ratios": steps.ratios, "ratio": steps.usual, "factor": steps.factor}
    if not sites:
        return _without_numbers(case, measured)
    first, peak = sites[0], max(sites, key=lambda site: site.stats.rms or 0.0)
    measured |= {"first_rms": first.stats.rms, "largest_rms": peak.stats.rms}
    growth = f"rms {number(first.stats.rms)} at {label(first)}, the largest"
    if peak is not first:
        growth = (
            f"rms {number(first.stats.rms)} at {label(first)}, at most {number(peak.stats.rms)} at "
            f"{label(peak)}"
        )
    if case.found("ACT107", at_least=Severity.WARNING):
        return Result(
            Outcome.DONE, f"Activations explode: {growth}. {_advice(case, steps)}", measured
        )
    calm = f"Activations are not exploding: {growth}."
    if _driven(case):
        text = f"{calm} But training drove the weights far beyond any initialisation."
        return Result(Outcome.DONE, f"{text} {_advice(case, steps)}", measured)
    if steps is None:
        return not_applicable(f"{calm}{_lacking(case)}", **measured)
    if steps.usual > _FAR_TOO_LARGE:
        return Result(Outcome.DONE, f"{calm} But the steps are too large: {steps.told()}", measured)
    return not_applicable(f"{calm} {steps.told()}", **measured)


def _rate(case: Case) -> float | None:
    rate = case.scan.lr if case.scan.lr is not None else case.scan.model.training.get("lr")
    return None if rate is None else float(rate)


def _driven(case: Case) -> bool:
    """Whether trained weights are far too large, which a high rate does as well."""
    return any(
        finding.measured.get("trained") == "trained" and finding.measured.get("ratio", 0) > 1
        for finding in case.found("INI401", at_least=Severity.WARNING)
    )


def _lacking(case: Case) -> str:
    """What would tell more, where a rate was given and says nothing yet."""
    if case.scan.lr is None:
        return ""
    return f" Add --gradients to see how far --lr {number(case.scan.lr)} moves the weights."


def _advice(case: Case, steps: Steps | None) -> str:
    if steps is not None:
        return steps.told()
    rate = _rate(case)
    if rate is None:
        return (
            "The checkpoint holds no optimizer state: train again with a tenth of your rate, or "
            "give it (--lr RATE --gradients) to see how far it moves the weights."
        )
    return f"It was trained at {number(rate)}: try {number(rate / 10)}.{_lacking(case)}"


def _without_numbers(case: Case, measured: dict[str, Any]) -> Result:
    if not case.scan.sites:
        return needs("No activation was measured: the model was not run.")
    rate = _rate(case)
    known = f"from {number(rate)}" if rate is not None else "by a factor of ten"
    text = f"No finite activation is left to measure: lower the rate {known}, and clip gradients."
    return Result(Outcome.DONE, text, measured)


STEP = Step(
    "reduce-learning-rate", "Reduce the learning rate if activations are exploding", carry_out
)
