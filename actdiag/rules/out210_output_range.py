"""An output activation that cannot reach the targets.

## What it sees
A regression whose last operation is an activation with a limited range (ReLU from 0, sigmoid 0 to
1, tanh −1 to 1), while some targets lie outside it. Likewise a score against labels −1 and 1 that
an activation keeps from being negative.

## Why it matters
What the function cannot give the model can never answer, however long it trains; and the attempt
drives its last layer to where the function is flat, so that nothing else is learned either.

## How to tell it from a healthy look-alike
A ReLU or softplus on positive targets, a sigmoid on targets scaled to [0, 1], a tanh that is
multiplied by the targets' scale afterwards: what the model gives is compared with what the
activation gives, and targets may miss the range by a hundredth of their own.

## What to do
Leave the output without an activation, or scale the targets into its range.

## Source
DeepDiagnosis (Wardat et al. 2022) looks for it; "regression: none" of the project's knowledge. The
hundredth: our choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Role, Scan, Severity
from actdiag.rules import harm
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import final_site, gives_the_answer, row_of
from actdiag.rules.needs import MARGIN
from actdiag.rules.wording import named, number

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Leave the output without an activation, or scale the targets into its range."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding, if targets lie outside the range of the last function."""
    outside = unreachable(scan, limits["tolerance"])
    site, output = final_site(scan), scan.output
    row = None if site is None else row_of(site)
    if not outside or site is None or row is None or output is None:
        return
    severity = Severity.ERROR if harm.fails(scan) else Severity.WARNING
    low, high = row.output_range
    yield RULE.finding(
        Severity.INFO if harm.works(scan) else severity,
        site,
        f"The targets run from {number(output.label_min or 0.0)} to "
        f"{number(output.label_max or 0.0)}, and {named(site)} gives values between {number(low)} "
        f"and {number(high)} only.",
        remedy=REMEDY,
        measured={
            "label_min": output.label_min,
            "label_max": output.label_max,
            "output_range": [low, high],
            "r2": output.r2,
        },
        threshold=dict(limits),
    )


def unreachable(scan: Scan, tolerance: float) -> bool:
    """Whether targets of a regression, or a score's sign, are out of its activation's reach."""
    site, output = final_site(scan), scan.output
    if (
        site is None
        or output is None
        or output.kind not in ("values", MARGIN)
        or site.role is not Role.ACTIVATION
    ):
        return False
    row, low, high = row_of(site), output.label_min, output.label_max
    if row is None or low is None or high is None or not gives_the_answer(site, output):
        return False
    if output.kind == MARGIN:
        return bool(row.output_range[0] >= 0 and row.output_range[1] > 1)
    slack = tolerance * (high - low)
    return low < row.output_range[0] - slack or high > row.output_range[1] + slack


RULE = Rule(
    code="OUT210",
    name="output-range",
    needs=("forward", "output", "labels"),
    thresholds=(Threshold("tolerance", 0.01, "our choice: rounded or noisy targets miss by less"),),
    check=check,
)
