"""Answers that are no better than a guess.

## What it sees
A mean entropy of the predictions of at least 99 % of log K: every class about equally likely,
whatever the input.

## Why it matters
This is chance level: the model has not begun to learn, or the signal does not reach the output.

## How to tell it from a healthy look-alike
Logits divided by a large temperature, or strong label smoothing, leave flat probabilities that
still pick the right class: where labels show that the model works this is only worth knowing. So
it is where weights are as an initialiser left them and no labels were given: every model begins so.

## What to do
See whether the layers before fade, saturate or are dead; check the learning rate, and that the
optimiser holds the model's parameters.

## Source
Entropy of chance level: log K. 99 % of it: our choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Scan, Severity
from actdiag.rules import harm
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import final_site
from actdiag.rules.training import Age, age
from actdiag.rules.wording import count, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Find out why nothing is learned: fading or dead layers, learning rate, optimiser."

UNTRAINED = "Train it, or scan the trained checkpoint."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding, if the answers are uniform."""
    output = scan.output
    if output is None or output.entropy_fraction is None:
        return
    if output.entropy_fraction < limits["entropy_fraction"]:
        return
    begins = output.accuracy is None and age(scan) is Age.FRESH
    untrained = " The weights look as an initialiser left them: so it begins." if begins else ""
    yield RULE.finding(
        Severity.INFO if harm.works(scan) or begins else Severity.WARNING,
        final_site(scan),
        f"The probabilities are uniform: over {count(output.predictions, 'answer')} their mean "
        f"entropy is {percent(output.entropy_fraction)} of what a blind guess among "
        f"{count(output.classes or 0, 'class')} has.{untrained}",
        remedy=UNTRAINED if begins else REMEDY,
        measured={
            "entropy_fraction": output.entropy_fraction,
            "classes": output.classes,
            "predictions": output.predictions,
            "accuracy": output.accuracy,
        },
        threshold=dict(limits),
    )


RULE = Rule(
    code="OUT206",
    name="uniform-output",
    needs=("output", "classifier"),
    thresholds=(
        Threshold("entropy_fraction", 0.99, "our choice: trained classifiers stay below 0.9"),
    ),
    check=check,
    follows=("ACT106", "ACT108", "ACT104", "ACT101", "ACT103", "INI401", "DAT701"),
)
