"""Cause before symptom: which finding explains which."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from actdiag.records import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from actdiag.rules.base import Rule
    from actdiag.rules.graph import Graph


def linked(
    findings: Iterable[Finding], rules: Mapping[str, Rule], graph: Graph
) -> tuple[Finding, ...]:
    """The findings with ``follows_from`` filled in.

    A finding follows from another when its rule says that such findings cause it, and the other
    lies at the same place, upstream of it, or concerns the whole model.
    """
    everything = tuple(findings)
    return tuple(
        replace(
            effect,
            follows_from=tuple(
                cause.fingerprint
                for cause in everything
                if cause.code in rules[effect.code].follows
                and _matters(cause, effect, rules)
                and _lies_before(cause, effect, graph)
            ),
        )
        for effect in everything
    )


def _matters(cause: Finding, effect: Finding, rules: Mapping[str, Rule]) -> bool:
    """A little wasted capacity does not explain real harm, nor a layer itself."""
    if cause.code == effect.code:
        return cause.severity is Severity.ERROR and cause.fingerprint != effect.fingerprint
    slight = cause.severity is Severity.INFO and rules[cause.code].capacity
    return not slight or effect.severity is Severity.INFO


def _lies_before(cause: Finding, effect: Finding, graph: Graph) -> bool:
    first, second = anchor(graph, cause), anchor(graph, effect)
    if first is None or second is None:
        return True
    if first == second:
        return cause.code != effect.code
    upstream = graph.ancestors(graph.sites[second])
    return first in upstream if upstream else graph.order()[first] < graph.order()[second]


def anchor(graph: Graph, finding: Finding) -> str | None:
    """The site that a finding is about, directly or by its module; None for the whole model."""
    if finding.site in graph.sites:
        return finding.site
    if finding.module is None:
        return None
    return next((name for name, site in graph.sites.items() if site.module == finding.module), None)


def places(graph: Graph, findings: Iterable[Finding]) -> dict[str, int]:
    """Where in the forward pass each finding lies, by fingerprint; the whole model comes first."""
    order = graph.order()
    anchors = {finding.fingerprint: anchor(graph, finding) for finding in findings}
    return {print_: -1 if name is None else order[name] for print_, name in anchors.items()}
