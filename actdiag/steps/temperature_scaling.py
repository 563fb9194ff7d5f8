"""Debug step: add temperature scaling at inference."""

from __future__ import annotations

from actdiag.records import Outcome, to_json
from actdiag.steps.base import Case, Result, Step, needs, not_applicable
from actdiag.steps.depth import number

NO_INFORMATION = 1e6  # the fit ran to where every softmax is uniform
_CLEAR = 0.02  # our choice: a change of NLL under 2 % is within the noise of a few hundred samples


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
    if fit.temperature >= NO_INFORMATION:
        text = (
            "No temperature helps: the labels are fitted best when all answers are made alike. The "
            "answers say nothing of these labels; do they belong to these samples?"
        )
        return Result(Outcome.NO_EFFECT, text, to_json(fit))
    saved = 1 - fit.nll_after / fit.nll_before if fit.nll_before else 0.0
    what = (
        f"T = {number(fit.temperature)}, fitted on {fit.samples_fitted} samples; on the other "
        f"{fit.samples_judged}: NLL {number(fit.nll_before)} → {number(fit.nll_after)}, ECE "
        f"{number(fit.ece_before)} → {number(fit.ece_after)}."
    )
    if saved > _CLEAR and fit.ece_after >= fit.ece_before:
        text = f"{what} The calibration error stays: it is not the logits' size that is wrong."
        return Result(Outcome.NO_EFFECT, text, to_json(fit))
    if saved > _CLEAR:
        text = f"{what} Divide the logits by {number(fit.temperature)}; predictions stay the same."
        return Result(Outcome.HELPS, text, to_json(fit))
    verdict = "It makes things worse" if saved < -_CLEAR else "No effect"
    return Result(Outcome.NO_EFFECT, f"{verdict}: {what}", to_json(fit))


STEP = Step("temperature-scaling", "Add temperature scaling at inference", carry_out)
