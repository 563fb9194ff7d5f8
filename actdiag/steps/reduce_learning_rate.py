"""Debug step: reduce the learning rate if activations are exploding."""

from __future__ import annotations

from actdiag.records import Outcome, Severity
from actdiag.steps.base import Case, Result, Step, needs, not_applicable
from actdiag.steps.depth import label, number, signal_sites


def carry_out(case: Case) -> Result:
    """Say whether activations explode over depth, and what the checkpoint says of its training."""
    sites = [site for site in signal_sites(case.scan) if site.stats.rms is not None]
    if not sites:
        return _without_numbers(case)
    first, peak = sites[0], max(sites, key=lambda site: site.stats.rms or 0.0)
    rate = case.scan.model.training.get("lr")
    measured = {"first_rms": first.stats.rms, "largest_rms": peak.stats.rms, "lr": rate}
    growth = (
        f"rms {number(first.stats.rms)} at {label(first)}, at most {number(peak.stats.rms)} at "
        f"{label(peak)}"
    )
    if not case.found("ACT107", at_least=Severity.WARNING):
        return not_applicable(f"Activations are not exploding: {growth}.", **measured)
    if rate is None:
        advice = "The checkpoint holds no optimizer state: train again with a tenth of your rate."
    else:
        advice = f"The checkpoint was trained at {number(rate)}: try {number(rate / 10)}."
    return Result(Outcome.DONE, f"Activations explode: {growth}. {advice}", measured)


def _without_numbers(case: Case) -> Result:
    if not case.scan.sites:
        return needs("No activation was measured: the model was not run.")
    rate = case.scan.model.training.get("lr")
    known = f"from {number(rate)}" if rate is not None else "by a factor of ten"
    text = f"No finite activation is left to measure: lower the rate {known}, and clip gradients."
    return Result(Outcome.DONE, text, {"lr": rate})


STEP = Step(
    "reduce-learning-rate", "Reduce the learning rate if activations are exploding", carry_out
)
