"""Nothing that holds the model back, in a model that is confident and wrong.

## What it sees
A model with neither dropout nor norms, and no weight decay as far as the file tells, whose labels
show confidence that is not deserved (OUT202) or confident mistakes (OUT203).

## Why it matters
Missing regularisation is a documented cause of being very confident but wrong: nothing stops the
weights, and the logits, from growing once the training data is fitted.

## How to tell it from a healthy look-alike
Small models on easy tasks need none of it, so it is told only beside the harm, and never as more
than worth knowing. A model that was not trained is not over-fitted. Early stopping, augmentation
and label smoothing leave no trace in the model.

## What to do
Add dropout before the final layer and weight decay (AdamW), use label smoothing, stop earlier.

## Source
"Model very confident but wrong: missing regularisation" of the project's knowledge; Guo et al.
2017 on weight decay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Confidence, Finding, Role, Scan, Severity
from actdiag.rules import out202_overconfident, out203_confident_wrong
from actdiag.rules.base import Limits, Rule
from actdiag.rules.training import Age, age

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Add dropout before the final layer and weight decay, and train again."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding, if there is harm and nothing that regularises."""
    if _is_regularised(scan) or not _is_harmed(scan) or age(scan) is Age.FRESH:
        return
    decay = scan.model.training.get("weight_decay")
    known = "weight decay is 0" if decay == 0 else "the file tells of no weight decay"
    yield RULE.finding(
        Severity.INFO,
        None,
        f"Nothing regularises this model: it has no dropout and no norm, and {known}.",
        remedy=REMEDY,
        measured={"dropout": 0, "norms": 0, "weight_decay": decay},
        confidence=Confidence.HIGH if decay == 0 else Confidence.MEDIUM,
    )


def _is_regularised(scan: Scan) -> bool:
    dropout = any("Dropout" in one.class_name and one.settings.get("p") for one in scan.modules)
    built_in = any(one.settings.get("dropout") for one in scan.modules)
    norms = any(site.role is Role.NORM for site in scan.sites)
    norms = norms or any("Norm" in one.class_name for one in scan.modules)
    return dropout or built_in or norms or bool(scan.model.training.get("weight_decay"))


def _is_harmed(scan: Scan) -> bool:
    rules = (out202_overconfident.RULE, out203_confident_wrong.RULE)
    return any(True for rule in rules for _ in rule.check(scan, rule.limits()))


RULE = Rule(
    code="ARC606",
    name="no-regularisation",
    needs=("modules", "output", "classifier", "labels"),
    thresholds=(),
    check=check,
)
