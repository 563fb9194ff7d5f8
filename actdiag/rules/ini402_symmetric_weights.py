"""Units of a hidden layer that are copies of each other.

## What it sees
Weight matrices of hidden layers all of whose rows are the same, or that hold one and the same
value throughout; and those with at least half of their rows equal to an earlier one.

## Why it matters
Units with equal weights give equal outputs and get equal gradients, so they stay equal for ever:
a layer of 64 copies is a layer of one unit. A hidden layer of zeros passes nothing on at all.

## How to tell it from a healthy look-alike
The output layer may start at zero or constant, since the labels tell its units apart; so may the
last layer of a residual branch, and LoRA's second matrix: a layer is judged only where an
activation follows it. Grouped convolutions see different channels with equal kernels. Frozen
filters are fixed on purpose. Repeated rows in part of a layer may come from pruning, so they are
only worth knowing unless labels show that the model fails.

## What to do
Initialise at random: ``torch.nn.init.kaiming_normal_`` or ``xavier_normal_``, never
``zeros_`` or ``constant_`` for the weights of a hidden layer.

## Source
Unbroken symmetry: Goodfellow, Bengio and Courville 2016, section 8.4; checked for by
TheDeepChecker (Ben Braiek and Khomh 2023).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Confidence, Finding, Role, Scan, Severity, Site, WeightStats
from actdiag.rules import harm
from actdiag.rules.base import Limits, Place, Rule, Threshold
from actdiag.rules.graph import Graph, is_weight_layer
from actdiag.rules.scheme import matrices
from actdiag.rules.wording import count, number

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Initialise it at random, with torch.nn.init.kaiming_normal_ or xavier_normal_."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every symmetric weight matrix of a hidden layer."""
    graph = Graph.of(scan)
    settings = {module.name: module.settings for module in scan.modules}
    weights = list(matrices(scan))
    for weight in weights:
        if not weight.trainable or weight.shape[0] < 2:  # noqa: PLR2004 - one row has no copy
            continue
        if settings.get(weight.module, {}).get("groups", 1) > 1 or weight.nonfinite:
            continue
        sites = [site for site in scan.sites if site.module == weight.module]
        hidden = _is_hidden(graph, sites) if graph.known else weight is not weights[-1]
        copies = weight.identical_rows or 0
        if hidden and copies >= limits["share"] * weight.shape[0]:
            yield _finding(weight, scan, limits, known=graph.known)


def _is_hidden(graph: Graph, sites: list[Site]) -> bool:
    layers = [site for site in sites if is_weight_layer(site)]
    recurrent = any(site.role is Role.RECURRENT for site in sites)
    return recurrent or any(graph.activation_after(site) is not None for site in layers)


def _finding(weight: WeightStats, scan: Scan, limits: Limits, *, known: bool) -> Finding:
    rows, copies = weight.shape[0], weight.identical_rows or 0
    whole = copies == rows - 1
    if weight.min == weight.max:
        what = f"holds {number(weight.min or 0.0)} in all of its {weight.elements:,} places"
    elif whole:
        what = f"has {count(rows, 'row')} that are all the same"
    else:
        what = f"has {copies:,} of {count(rows, 'row')} that equal another one"
    severity = Severity.ERROR if whole else Severity.INFO
    if (whole and harm.works(scan)) or (not whole and harm.fails(scan)):
        severity = Severity.WARNING
    return RULE.finding(
        severity,
        Place(weight.name, weight.module, weight.source),
        f"'{weight.name}' {what}: its units are copies and training keeps them so.",
        remedy=REMEDY,
        measured={
            "identical_rows": copies,
            "rows": rows,
            "share": copies / rows,
            "min": weight.min,
            "max": weight.max,
            "elements": weight.elements,
        },
        threshold=dict(limits),
        confidence=Confidence.HIGH if known else Confidence.MEDIUM,
    )


RULE = Rule(
    code="INI402",
    name="symmetric-weights",
    needs=("weights",),
    thresholds=(
        Threshold("share", 0.5, "our choice: random rows are never equal, pruned ones are"),
    ),
    check=check,
    data_free=True,
)
