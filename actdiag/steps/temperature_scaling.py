"""Debug step: add temperature scaling at inference.

The temperature is fitted by NLL on one half of the answers and judged on the other (Guo et al.
2017). It helps where a bootstrap interval of the change of NLL lies below zero, and that of the
calibration error too; it never changes which class comes first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Outcome, to_json
from actdiag.rules.harm import fails
from actdiag.steps.base import Case, Result, Step, needs, not_applicable
from actdiag.steps.depth import number, percent

if TYPE_CHECKING:
    from actdiag.records import TemperatureFit

NO_INFORMATION = 1e6  # the fit ran to where every softmax is uniform
_CLEAR = 0.02  # our choice: a smaller share of the NLL is not worth a number more to keep
_WORTH = 0.005  # nats, our choice: a model that is nearly always right has less than that to save


def carry_out(case: Case) -> Result:
    """Fit the temperature on one half of the data and judge it on the other."""
    output = case.scan.output
    if output is None or output.classes is None:
        return not_applicable("The model gives no distribution over classes.")
    if output.accuracy is None:
        return needs("Needs labels: give y in the data, or --labels.")
    fit = output.temperature
    if fit is None:
        return needs(f"{output.predictions} labelled samples are too few to fit and to judge.")
    measured = to_json(fit)
    if fit.temperature >= NO_INFORMATION:
        text = (
            "No temperature helps: the labels are fitted best when all answers are made alike. The "
            "answers say nothing of these labels; do they belong to these samples?"
        )
        return Result(Outcome.NO_EFFECT, text, measured)
    what = _what(fit)
    if _rises(fit.nll_change, fit.nll_after - fit.nll_before):
        return Result(Outcome.NO_EFFECT, f"It makes things worse: {what}", measured)
    saved = fit.nll_before - fit.nll_after
    if saved <= max(_WORTH, _CLEAR * fit.nll_before) or not _falls(
        fit.nll_change, fit.nll_after - fit.nll_before
    ):
        return Result(Outcome.NO_EFFECT, f"No effect: {what}", measured)
    if not _falls(fit.ece_change, fit.ece_after - fit.ece_before):
        text = f"{what} The calibration error stays: it is not the logits' size that is wrong."
        return Result(Outcome.NO_EFFECT, text, measured)
    if fails(case.scan):
        text = f"{what} They become less sure, not better: they are hardly above chance."
        return Result(Outcome.NO_EFFECT, text, measured)
    text = f"{what} Divide the logits by {number(fit.temperature)}; predictions stay the same."
    return Result(Outcome.HELPS, text, measured)


def _what(fit: TemperatureFit) -> str:
    told = [
        f"NLL {number(fit.nll_before)} → {number(fit.nll_after)}{_sure(fit.nll_change)}",
        f"ECE {number(fit.ece_before)} → {number(fit.ece_after)}{_sure(fit.ece_change)}",
    ]
    if fit.brier_before is not None:
        told.append(f"Brier {number(fit.brier_before)} → {number(fit.brier_after)}")
    if fit.accuracy_before is not None:
        told.append(f"accuracy {percent(fit.accuracy_before)} → {percent(fit.accuracy_after)}")
    return (
        f"T = {number(fit.temperature)}, fitted on {fit.samples_fitted} samples; on the other "
        f"{fit.samples_judged}: {', '.join(told)}."
    )


def _sure(change: tuple[float, float] | None) -> str:
    return "" if change is None else f" (95 %: {change[0]:+.2g} to {change[1]:+.2g})"


def _falls(change: tuple[float, float] | None, measured: float) -> bool:
    return change[1] < 0 if change else measured < 0


def _rises(change: tuple[float, float] | None, measured: float) -> bool:
    return change[0] > 0 if change else measured > 0


STEP = Step("temperature-scaling", "Add temperature scaling at inference", carry_out)
