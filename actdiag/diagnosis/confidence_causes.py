"""Causes of being confident and wrong: over-fitting, no regularisation, logits too large."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.diagnosis.base import Judgement, Outcomes, confirmed, ruled_out, unknown, works_inside
from actdiag.records import CauseVerdict, Outcome, Severity
from actdiag.rules.harm import fails
from actdiag.rules.labels import scaled_otherwise as targets_scaled
from actdiag.rules.labels import unrelated, unrelated_targets
from actdiag.steps.check_regularisation import regularisers
from actdiag.steps.depth import number, percent
from actdiag.steps.temperature_scaling import NO_INFORMATION

if TYPE_CHECKING:
    from actdiag.records import Agreement, Finding
    from actdiag.steps.base import Case

_TOO_LARGE = 1.5  # our choice: Guo et al. 2017 fit 1.1 to 2.5 on over-confident image classifiers
_FITTING = 1.1  # our choice: a tenth off is within the error of a fit on a few hundred samples


_REGULARISE = "Regularise (dropout, weight decay), stop earlier, or get more data."
_OTHER_LABELS = (
    "Check that the labels belong to these samples: shuffled apart from them, shifted by a row, or "
    "another file's. If they do, the model has learnt something else: compare with its training "
    "data (--train-data)."
)

_AS_IN_TRAINING = (
    "Give the targets as the training had them (standardised, in the same unit), or undo on the "
    "answers what the training did to the targets."
)


def numbered_otherwise(case: Case, _outcomes: Outcomes) -> Judgement:
    """Judge: do the labels stand for other classes than the outputs do."""
    found = [
        one for one in case.found("DAT707") if "accuracy_after" in one.measured or _from_1(one)
    ]
    if not found:
        return ruled_out("No other numbering of the classes makes the answers right.")
    return confirmed(found[0].message, found[0].remedy)


def _from_1(finding: Finding) -> bool:
    """Whether labels run from 1 to the number of classes."""
    lowest, classes = finding.measured.get("label_min") or 0, finding.measured.get("classes")
    return lowest >= 1 and finding.measured.get("label_max") == classes


def scaled_otherwise(case: Case, _outcomes: Outcomes) -> Judgement:
    """Judge: do a regression's answers go with the targets, in another unit."""
    output = case.scan.output
    found, factor = output.agreement if output else None, targets_scaled(case.scan)
    if found is None or factor is None:
        return ruled_out("No scaling of the answers makes them right.")
    evidence = (
        f"The answers go with the targets (correlation {number(found.correlation)}) in another "
        f"unit: multiplied by {number(factor)} and shifted, they would explain "
        f"{percent(found.correlation**2)} of the variance."
    )
    return confirmed(evidence, _AS_IN_TRAINING)


def labels_of_others(case: Case, _outcomes: Outcomes) -> Judgement:
    """Judge: does a sound model, sure of itself, say nothing of labels spread as its answers are.

    A model that does well on its training data may have learnt that by heart instead.
    """
    output = case.scan.output
    if output is not None and output.agreement is not None:
        return _targets_of_others(case, output.agreement)
    found = output.pairing if output else None
    if found is None or not unrelated(case.scan):
        return ruled_out("The answers say something of the labels, or nothing of the input.")
    if not _nothing_else(case):
        return unknown("The answers say nothing of the labels, but there is more that is wrong.")
    mean = percent(output.mean_confidence if output else None)
    evidence = (
        f"The answers follow the input, {mean} sure on average, and say nothing of these labels, "
        f"however the classes are numbered (at best {percent(found.accuracy_after)} right). Yet "
        f"each class is answered about as often as it is given ({percent(found.distance)} differ), "
        "and nothing inside the model is sick."
    )
    return confirmed(evidence, _OTHER_LABELS)


def _targets_of_others(case: Case, found: Agreement) -> Judgement:
    """The same of a regression."""
    if not unrelated_targets(case.scan):
        return ruled_out("The answers say something of the targets, or are spread otherwise.")
    if not _nothing_else(case):
        return unknown("The answers say nothing of the targets, but there is more that is wrong.")
    evidence = (
        f"The answers are spread much as the targets are ({number(found.spread)} × their standard "
        f"deviation, the mean {number(found.offset)} of it off), and do not go with them "
        f"(correlation {number(found.correlation)}). What has learnt nothing answers near the mean."
    )
    return confirmed(evidence, _OTHER_LABELS)


def _nothing_else(case: Case) -> bool:
    """Whether neither the inside of the model nor its training explains what is wrong."""
    return works_inside(case.findings) and not case.found("OUT211", at_least=Severity.WARNING)


def over_fitting(case: Case, outcomes: Outcomes) -> Judgement:
    """Judge: is the model much better on the data it was trained on."""
    step, found = outcomes.get("check-overfitting"), case.found("OUT211", at_least=Severity.WARNING)
    if step is not None and step.outcome is Outcome.DONE:
        over = step.measured.get("over_fitting")
        return confirmed(step.result, _what_first(case)) if over else ruled_out(step.result)
    if found:
        return confirmed(found[0].message, _what_first(case))
    return unknown("Give the training data to tell: --train-data FILE.")


def learnt_by_heart(case: Case, _outcomes: Outcomes) -> Judgement:
    """Judge: does a model that is no better than chance here do well in training."""
    found = case.found("OUT211", at_least=Severity.WARNING)
    if not found:
        return unknown("Give the training data to tell: --train-data FILE.")
    return confirmed(found[0].message, _what_first(case))


def _what_first(case: Case) -> str:
    """Against over-fitting; at chance the labels are doubted before."""
    if not fails(case.scan):
        return _REGULARISE
    first = "Check that the labels belong to these samples and that the data is prepared as in "
    return f"{first}training; if so: {_REGULARISE.lower()}"


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
    if fails(case.scan) and works_inside(case.findings):
        return unknown(f"{evidence} But the answers are hardly above chance, at any size of them.")
    if fit.temperature >= _TOO_LARGE and fit.nll_after < fit.nll_before:
        remedy = f"Divide the logits by {number(fit.temperature)} at inference"
        return confirmed(evidence, f"{remedy}; train with label smoothing.")
    return ruled_out(evidence) if fit.temperature <= _FITTING else unknown(evidence)
