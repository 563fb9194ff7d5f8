"""Debug step: use label smoothing.

Smoothing of ε over K classes is best met by logits whose gap between the right class and the
others is log((K − 1)(1 − ε)/ε + 1) (Szegedy et al. 2016; Müller et al. 2019): beside it stands
the gap that the model has.
"""

from __future__ import annotations

import math

from actdiag.records import Outcome
from actdiag.steps.base import Case, Result, Step, not_applicable
from actdiag.steps.depth import number

SMOOTHING = 0.1


def ideal_gap(classes: int, smoothing: float = SMOOTHING) -> float:
    """The logit gap that label smoothing aims for, in nats."""
    return math.log((classes - 1) * (1 - smoothing) / smoothing + 1)


def carry_out(case: Case) -> Result:
    """Compare the logit gap found with the one that smoothing of 0.1 would aim for."""
    output = case.scan.output
    if output is None or output.classes is None or output.logit_gap is None:
        return not_applicable("The model gives no logits over classes.")
    ideal = ideal_gap(max(output.classes, 2))
    measured = {"logit_gap": output.logit_gap, "ideal_gap": ideal, "smoothing": SMOOTHING}
    gap = f"the logits' gap is {number(output.logit_gap)}, smoothing of {SMOOTHING} aims for "
    if output.logit_gap <= ideal:
        text = f"Would change little: {gap}{number(ideal)}."
        return Result(Outcome.NO_EFFECT, text, measured)
    text = (
        f"Would hold the logits back: {gap}{number(ideal)}. Train with "
        f"CrossEntropyLoss(label_smoothing={SMOOTHING}). Not tried: that takes training."
    )
    return Result(Outcome.DONE, text, measured)


STEP = Step("label-smoothing", "Use label smoothing", carry_out)
