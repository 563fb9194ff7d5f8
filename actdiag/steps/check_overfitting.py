"""Debug step: check over-fitting, training against held-out data."""

from __future__ import annotations

from actdiag.records import Outcome
from actdiag.steps.base import Case, Result, Step, needs, not_applicable
from actdiag.steps.depth import number, percent

ACCURACY_GAP = 0.10  # SageMaker Debugger's overfit rule: a gap of a tenth
NLL_RATIO = 2.0  # our choice, RULES.md OUT211: the loss is twice as high on data not seen


def carry_out(case: Case) -> Result:
    """Accuracy, NLL and confidence on the training data beside those on the data."""
    held_out = case.scan.output
    if held_out is None or held_out.classes is None:
        return not_applicable("The model gives no distribution over classes.")
    if held_out.accuracy is None:
        return needs("Needs labels: give y in the data, or --labels.")
    train = case.scan.training_data
    if train is None:
        return needs("Needs the training data: --train-data FILE.")
    if train.accuracy is None or train.nll is None or held_out.nll is None:
        return needs("The training data holds no labels.")
    gap = train.accuracy - held_out.accuracy
    ratio = held_out.nll / max(train.nll, 1e-12)
    fits_too_well = gap > ACCURACY_GAP or (ratio > NLL_RATIO and gap > 0)
    measured = {
        "train_accuracy": train.accuracy,
        "accuracy": held_out.accuracy,
        "train_nll": train.nll,
        "nll": held_out.nll,
        "train_confidence": train.mean_confidence,
        "confidence": held_out.mean_confidence,
        "over_fitting": fits_too_well,
    }
    text = (
        f"Accuracy {percent(train.accuracy)} in training, {percent(held_out.accuracy)} here; NLL "
        f"{number(train.nll)} in training, {number(held_out.nll)} here; mean confidence "
        f"{percent(train.mean_confidence)} in training, {percent(held_out.mean_confidence)} here: "
        f"{'over-fitting' if fits_too_well else 'no over-fitting'}."
    )
    return Result(Outcome.DONE, text, measured)


STEP = Step("check-overfitting", "Compare training and held-out data", carry_out)
