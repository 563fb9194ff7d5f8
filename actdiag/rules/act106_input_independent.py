"""A hidden layer that answers the same whatever the sample.

## What it sees
An activation or recurrent layer whose between-sample variance is less than a millionth of its
total variance, while an input that it depends on differs from sample to sample. The first such
layer on each path is named, not those after it.

## Why it matters
From there on the model knows nothing of its input: every prediction is the same, and no gradient
says anything about the samples. It is where "all outputs the same" begins.

## How to tell it from a healthy look-alike
The same sample in every row makes every layer constant, so the input is compared first; layers
that don't depend on the input (position tables, relative-bias networks) are left out, and so are
norms, softmax and attention, which take means away on purpose. Per-sample means of a layer with
very many positions vary little by nature: the limit shrinks with the number of positions.

## What to do
Look at the layers before this one: dead or saturated units, weights near 0. Initialise again by
the scheme that the activation wants, and train on normalised inputs.

## Source
The symptom "outputs all the same value" of the project's knowledge. A millionth: our choice, a
few roundings of float32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Role, Scan, Severity, Site
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import Graph, input_sites, row_of
from actdiag.rules.units import firing_bound
from actdiag.rules.wording import confidence_in, count, named, number

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Repair the layers that feed it, then train again from a fresh initialisation."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """The first input-independent layer on every path."""
    graph = Graph.of(scan)
    varying = {
        site.name
        for site in input_sites(scan)
        if (site.stats.between_sample or 0) >= limits["input_varies"]
    }
    reported: set[str] = set()
    for site in scan.sites:
        if not varying or not _is_candidate(site, scan, limits):
            continue
        upstream = graph.ancestors(site)
        if not upstream & varying:
            continue
        if not upstream & reported:
            yield _finding(site, graph, scan, limits)
        reported.add(site.name)


def _is_candidate(site: Site, scan: Scan, limits: Limits) -> bool:
    row = row_of(site)
    elementwise = site.role is Role.ACTIVATION and row is not None and row.elementwise
    between, positions = site.stats.between_sample, site.stats.observations / scan.data.samples
    if not (elementwise or site.role is Role.RECURRENT) or site.is_final or between is None:
        return False
    return between < min(limits["between_sample"], 0.01 / max(positions, 1))


def _finding(site: Site, graph: Graph, scan: Scan, limits: Limits) -> Finding:
    output = scan.output
    everything = (
        output is not None
        and output.scale is not None
        and output.between_sample_std is not None
        and output.between_sample_std <= limits["output_follows"] * output.scale
    )
    consequence = (
        "and so is the model's answer" if everything else "other paths still carry the input"
    )
    return RULE.finding(
        Severity.ERROR if everything else Severity.WARNING,
        site,
        f"{named(site)} is the same for all of {count(scan.data.samples, 'sample')} "
        f"(between-sample share of its variance {number(site.stats.between_sample or 0.0)}): "
        f"{consequence}.",
        remedy=REMEDY,
        measured={
            "between_sample": site.stats.between_sample,
            "samples": scan.data.samples,
            "other_values_below": firing_bound(scan.data.samples),
            "output_between_sample_std": output.between_sample_std if output else None,
        },
        threshold={"between_sample": limits["between_sample"]},
        confidence=confidence_in(site.stats.observations),
    )


RULE = Rule(
    code="ACT106",
    name="input-independent",
    needs=("forward", "samples", "input"),
    thresholds=(
        Threshold("between_sample", 1e-6, "our choice: a few roundings of float32, which are 6e-8"),
        Threshold("input_varies", 1e-4, "our choice: a hundred times the limit of the layer"),
        Threshold("output_follows", 1e-3, "our choice: the answer still moves by a thousandth"),
    ),
    check=check,
    capacity=True,
    follows=("DAT701", "INI401", "INI402", "INI404", "ACT101", "ACT103"),
)
