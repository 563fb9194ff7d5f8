"""A softmax over the samples, or over another axis than the classes.

## What it sees
The mean of a softmax over an axis of length L is 1/L exactly, whatever goes in. So the mean tells
the axis: that of the batch, or, at the output, one that is not the classes'. Where a module says
``dim=0`` that tells it too.

## Why it matters
A softmax over the batch makes each answer depend on which samples happen to lie beside it, and the
answers of one sample no longer sum to 1: neither confidence nor loss means anything.

## How to tell it from a healthy look-alike
Segmentation takes its softmax over axis 1 of (n, classes, height, width), and attention over keys
or steps: only the batch axis is wrong anywhere, other axes only at the output. Where two axes are
equally long the mean can't tell them apart and nothing is said.

## What to do
Name the axis: ``softmax(x, dim=-1)``, or ``dim=1`` for (n, classes, height, width).

## Source
Arithmetic: the values sum to 1 over each slice. The axis that ``torch.softmax`` once chose by
itself was deprecated for this mistake (PyTorch 0.3, 2017).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Role, Scan, Severity, Site
from actdiag.rules import harm
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import SHARES, SOFTMAXES, Graph
from actdiag.rules.wording import named, number

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Take the softmax over the classes: dim=-1, or dim=1 for (n, classes, height, width)."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every softmax over the batch, and an output's over an axis that holds no classes."""
    graph = Graph.of(scan)
    settings = {module.name: module.settings for module in scan.modules}
    for site in scan.sites:
        if site.function not in SOFTMAXES or site.role is Role.ATTENTION or len(site.shape) < 2:  # noqa: PLR2004
            continue
        given = settings.get(site.module, {}).get("dim")
        lengths = _lengths(site, scan, limits["relative"])
        over_batch = (given == 0 and len(site.shape) != 3) or lengths == [0]  # noqa: PLR2004
        wrong = not graph.is_hidden(site) and _classes(site, scan) not in (
            None,
            *_sizes(site, lengths),
        )
        if over_batch or (wrong and lengths):
            axis = 0 if over_batch else lengths[0]
            yield _finding(site, axis, scan, limits)


def _lengths(site: Site, scan: Scan, relative: float) -> list[int]:
    """The axes that the softmax may have been taken over, by its mean; empty where it can't tell.

    The batch axis is as long as a batch is on average: its slices are as many as the batches.
    """
    mean, data = site.stats.mean, scan.data
    if site.function not in SHARES or not mean or site.stats.nonfinite:
        return []
    batch = data.samples / data.batches if data.batches else 0.0
    sizes = [batch, *map(float, site.shape[1:])]
    return [axis for axis, size in enumerate(sizes) if size > 1 and abs(mean * size - 1) < relative]


def _sizes(site: Site, axes: list[int]) -> list[int]:
    return [site.shape[axis] for axis in axes if axis]


def _classes(site: Site, scan: Scan) -> int | None:
    """How many classes the answer has, where labels told."""
    output = scan.output
    known = output is not None and not output.assumed and output.accuracy is not None
    return output.classes if known and output is not None else None


def _finding(site: Site, axis: int, scan: Scan, limits: Limits) -> Finding:
    if axis == 0:
        what = "over the samples of a batch: each answer depends on the samples beside it"
    else:
        what = f"over axis {axis} of {tuple(site.shape)}, which does not hold the classes"
    return RULE.finding(
        Severity.WARNING if harm.works(scan) else Severity.ERROR,
        site,
        f"{named(site)} is taken {what} (the mean of its values is "
        f"{number(site.stats.mean or 0.0)}).",
        remedy=REMEDY,
        measured={"axis": axis, "shape": list(site.shape), "mean": site.stats.mean},
        threshold=dict(limits),
    )


RULE = Rule(
    code="OUT208",
    name="softmax-axis",
    needs=("forward",),
    thresholds=(
        Threshold("relative", 1e-3, "our choice: float16 rounds the shares to a thousandth"),
    ),
    check=check,
)
