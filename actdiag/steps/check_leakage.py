"""Debug step: check for data leakage."""

from __future__ import annotations

from actdiag.records import Outcome
from actdiag.steps.base import Case, Result, Step, needs, not_applicable
from actdiag.steps.depth import percent

_HARMFUL = 0.01  # our choice: one shared sample in a hundred already moves an accuracy


def carry_out(case: Case) -> Result:
    """Look for samples of the data that stand, value for value, in the training data."""
    if case.scan.data.synthetic:
        return not_applicable("The input is synthetic.")
    train = case.scan.training_data
    if train is None:
        return needs("Needs the training data: --train-data FILE.")
    measured = {
        "samples": train.judged,
        "training_samples": train.samples,
        "shared": train.shared,
        "label_conflicts": train.label_conflicts,
        "repeated": train.repeated,
    }
    if not train.shared:
        text = f"None of {train.judged:,} samples is among the {train.samples:,} training samples."
        return Result(Outcome.NO_EFFECT, text, measured)
    share = train.shared / train.judged
    text = (
        f"{train.shared:,} of {train.judged:,} samples ({percent(share)}) are training samples, "
        f"{train.label_conflicts:,} of them under another label. Take them out and judge again."
    )
    return Result(Outcome.DONE if share >= _HARMFUL else Outcome.NO_EFFECT, text, measured)


STEP = Step("check-leakage", "Check for data leakage", carry_out)
