"""An output whose activation does not fit the task.

## What it sees
What the labels say of the task, beside the last operation: a yes-or-no answer that ends in an
activation other than sigmoid, and a regression that ends in one that clips, levels off or makes
shares. (A ReLU, tanh or sigmoid on the logits of several classes is ARC605's.)

## Why it matters
A yes-or-no answer behind ReLU or tanh is no probability, and the loss that expects one is wrong. A
regression behind ReLU can die at its only unit, one behind a bounded function stops learning at
its ends.

## How to tell it from a healthy look-alike
No activation at the end is right for logits and for regressions. A clipping or bounded function
whose range holds all targets of a regression may be there on purpose: only worth knowing, and not
even that where they fill it, as an autoencoder's pixels do a sigmoid's. Where targets lie outside,
OUT210 says so instead. A multiple of the function is not judged.

## What to do
Sigmoid for a yes-or-no answer (none in training, with BCEWithLogitsLoss), softmax for classes
(none in training, with CrossEntropyLoss), none for a regression; softplus if it must be positive.

## Source
"Where to use what" of the project's knowledge: binary sigmoid, classes softmax, regression none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, OutputStats, Role, Scan, Severity, Site
from actdiag.rules import harm
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import SOFTMAXES, final_site, gives_the_answer, row_of
from actdiag.rules.out210_output_range import unreachable
from actdiag.rules.wording import named

if TYPE_CHECKING:
    from collections.abc import Iterator

TO_BINARY = "End in a sigmoid, or in nothing with BCEWithLogitsLoss."
TO_VALUES = "Leave the output without an activation, or use softplus if it must be positive."
FOR_BINARY = frozenset({"sigmoid", "hardsigmoid", "identity", *SOFTMAXES})


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding, if the labels show a task that the last function is not made for."""
    site, output = final_site(scan), scan.output
    if site is None or output is None or output.assumed or site.role is not Role.ACTIVATION:
        return
    row = row_of(site)
    if row is None or row.gate is not None:
        return
    if output.kind.startswith("binary") and row.name not in FOR_BINARY:
        text = f"The labels ask for yes or no, and the model ends in {named(site)}"
        severity = Severity.INFO if harm.works(scan) else Severity.WARNING
        text += ": its values are no probabilities."
        yield _finding(severity, site, text, TO_BINARY, output, limits)
    limited = row.clips_at_zero or row.bounded or row.name in SOFTMAXES
    if output.kind == "values" and limited and gives_the_answer(site, output):
        if unreachable(scan, limits["tolerance"]) or _filled(row.output_range, output, limits):
            return
        text = f"The labels ask for a number, and the model ends in {named(site)}"
        flat = "makes shares of it" if row.name in SOFTMAXES else "is flat in places"
        severity = Severity.WARNING if harm.fails(scan) else Severity.INFO
        yield _finding(severity, site, f"{text}, which {flat}.", TO_VALUES, output, limits)


def _filled(bounds: tuple[float, float], output: OutputStats, limits: Limits) -> bool:
    span = (output.label_max or 0.0) - (output.label_min or 0.0)
    return span >= limits["filled"] * (bounds[1] - bounds[0])


def _finding(
    severity: Severity, site: Site, text: str, remedy: str, output: OutputStats, limits: Limits
) -> Finding:
    return RULE.finding(
        severity,
        site,
        text,
        remedy=remedy,
        measured={"task": output.kind, "function": site.function},
        threshold=dict(limits),
    )


RULE = Rule(
    code="ARC604",
    name="output-activation",
    needs=("forward", "output", "labels"),
    thresholds=(
        Threshold("tolerance", 0.01, "our choice: as OUT210, which tells what is beyond"),
        Threshold("filled", 0.5, "our choice: pixels of 0 to 1 fill a sigmoid's range"),
    ),
    check=check,
    data_free=True,
)
