"""Causes of being confident and wrong: over-fitting, no regularisation, logits too large."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.diagnosis.base import Judgement, Outcomes, confirmed, ruled_out, unknown
from actdiag.records import CauseVerdict, Outcome, Severity
from actdiag.steps.check_regularisation import regularisers
from actdiag.steps.depth import number
from actdiag.steps.temperature_scaling import NO_INFORMATION

if TYPE_CHECKING:
    from actdiag.steps.base import Case

_TOO_LARGE = 1.5  # our choice: Guo et al. 2017 fit 1.1 to 2.5 on over-confident image classifiers
_FITTING = 1.1  # our choice: a tenth off is within the error of a fit on a few hundred samples


_REGULARISE = "Regularise (dropout, weight decay), stop earlier, or get more data."


def over_fitting(case: Case, outcomes: Outcomes) -> Judgement:
    """Judge: is the model much better on the data it was trained on."""
    step, found = outcomes.get("check-overfitting"), case.found("OUT211", at_least=Severity.WARNING)
    if step is not None and step.outcome is Outcome.DONE:
        over = step.measured.get("over_fitting")
        return confirmed(step.result, _REGULARISE) if over else ruled_out(step.result)
    if found:
        return confirmed(found[0].message, _REGULARISE)
    return unknown("Give the training data to tell: --train-data FILE.")


def learnt_by_heart(case: Case, _outcomes: Outcomes) -> Judgement:
    """Judge: does a model that is no better than chance here do well in training."""
    found = case.found("OUT211", at_least=Severity.WARNING)
    if not found:
        return unknown("Give the training data to tell: --train-data FILE.")
    first = "Check that the labels belong to these samples and that the data is prepared as in "
    return confirmed(found[0].message, f"{first}training; if so: {_REGULARISE.lower()}")


def missing_regularisation(case: Case, outcomes: Outcomes) -> Judgement:
    """Judge: is there neither dropout nor normalisation nor weight decay, and does it over-fit."""
    found = regularisers(case.scan)
    present = [word.replace("_", " ") for word, value in found.items() if value]
    if present:
        return ruled_out(f"The model has {' and '.join(present)}.")
    note = "none in the optimizer state" if found["weight_decay"] == 0 else "unknown"
    evidence = f"No dropout, no normalisation; weight decay: {note}."
    fits = over_fitting(case, outcomes).verdict
    if fits is CauseVerdict.CONFIRMED:
        remedy = "Add dropout before the final layer and weight decay, and train again."
        return confirmed(f"{evidence} And it over-fits.", remedy)
    if fits is CauseVerdict.RULED_OUT:
        return ruled_out(f"{evidence} But it does no better on the data it was trained on.")
    return unknown(f"{evidence} Whether that matters here, the training data tells: --train-data.")


def logits_too_large(case: Case, _outcomes: Outcomes) -> Judgement:
    """Judge: does a temperature above 1 make the probabilities right."""
    output = case.scan.output
    fit = output.temperature if output else None
    if output is None or fit is None:
        return unknown("Needs labels and enough samples to fit a temperature.")
    if fit.temperature >= NO_INFORMATION:
        return unknown("No temperature fits: the answers say nothing of these labels.")
    gap = f", gap between the two largest {number(output.logit_gap)}" if output.logit_gap else ""
    evidence = f"The logits fit the labels best when divided by {number(fit.temperature)}{gap}."
    if fit.temperature >= _TOO_LARGE and fit.nll_after < fit.nll_before:
        remedy = f"Divide the logits by {number(fit.temperature)} at inference"
        return confirmed(evidence, f"{remedy}; train with label smoothing.")
    return ruled_out(evidence) if fit.temperature <= _FITTING else unknown(evidence)
