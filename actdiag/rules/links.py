"""Cause before symptom: which finding explains which."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from actdiag.records import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from actdiag.rules.base import Rule
    from actdiag.rules.graph import Graph


def linked(
    findings: Iterable[Finding], rules: Mapping[str, Rule], graph: Graph
) -> tuple[Finding, ...]:
    """The findings with ``follows_from`` filled in, worst first and then in execution order.

    A finding follows from another when its rule says that such findings cause it, and the other
    lies at the same place, upstream of it, or concerns the whole model. Only direct causes are
    named, not the causes of causes, and first the one whose own roots come first. What causes a
    warning is no less than a warning itself.
    """
    everything = list(findings)
    order = places(graph, everything)
    links = _Links.between(everything, rules, graph)
    told = []
    for finding in everything:
        causes = sorted(links.direct(finding), key=lambda cause: links.first_place(cause, order))
        severity = finding.severity
        if severity is Severity.INFO and not rules[finding.code].capacity and links.harms(finding):
            severity = Severity.WARNING
        told.append(replace(finding, follows_from=tuple(causes), severity=severity))
    told.sort(key=lambda one: (one.severity.rank, order[one.fingerprint], one.code))
    return tuple(told)


@dataclass(frozen=True)
class _Links:
    """All causes of each finding, near and far, by fingerprint."""

    known: dict[str, Finding]
    causes: dict[str, frozenset[str]]

    @classmethod
    def between(
        cls, findings: Sequence[Finding], rules: Mapping[str, Rule], graph: Graph
    ) -> _Links:
        lies_before = _Order(graph, findings)
        causes = {
            effect.fingerprint: {
                cause.fingerprint
                for cause in findings
                if cause.code in rules[effect.code].follows
                and _matters(cause, effect, rules)
                and lies_before(cause, effect)
            }
            for effect in findings
        }
        closed = {name: _closure(name, causes) for name in causes}
        return cls({finding.fingerprint: finding for finding in findings}, closed)

    def direct(self, finding: Finding) -> set[str]:
        """The causes that are no cause of another cause."""
        near = self.causes[finding.fingerprint]
        return {name for name in near if not any(name in self.causes[other] for other in near)}

    def first_place(self, name: str, order: dict[str, int]) -> tuple[int, int, str]:
        """Sorts a cause by where its earliest root lies, then by where it lies itself."""
        return min(order[one] for one in (name, *self.causes[name])), order[name], name

    def harms(self, finding: Finding) -> bool:
        """Whether a warning or an error follows from it."""
        return any(
            finding.fingerprint in causes and self.known[name].severity is not Severity.INFO
            for name, causes in self.causes.items()
        )


def _closure(name: str, causes: Mapping[str, Iterable[str]]) -> frozenset[str]:
    seen: set[str] = set()
    waiting = list(causes[name])
    while waiting:
        cause = waiting.pop()
        if cause not in seen:
            seen.add(cause)
            waiting.extend(causes[cause])
    return frozenset(seen)


def _matters(cause: Finding, effect: Finding, rules: Mapping[str, Rule]) -> bool:
    """A little wasted capacity does not explain real harm, nor a layer itself."""
    if cause.code == effect.code:
        return cause.severity is Severity.ERROR and cause.fingerprint != effect.fingerprint
    slight = cause.severity is Severity.INFO and rules[cause.code].capacity
    return not slight or effect.severity is Severity.INFO


class _Order:
    """Whether one finding lies upstream of another, or at its place."""

    def __init__(self, graph: Graph, findings: Iterable[Finding]) -> None:
        self.anchors = {finding.fingerprint: anchor(graph, finding) for finding in findings}
        named = {name for name in self.anchors.values() if name is not None}
        self.upstream = {name: graph.ancestors(graph.sites[name]) for name in named}
        self.place = graph.order()
        self.sites = graph.sites.values()

    def __call__(self, cause: Finding, effect: Finding) -> bool:
        first, second = self.anchors[cause.fingerprint], self.anchors[effect.fingerprint]
        if second is None:
            return True
        if first is None:
            return self._begins_before(cause.measured.get("modules"), second)
        if first == second:
            return cause.code != effect.code
        upstream = self.upstream[second]
        return first in upstream if upstream else self.place[first] < self.place[second]

    def _begins_before(self, modules: object, name: str) -> bool:
        """Whether one of the modules, if any are named, has a part in a site or was not seen."""
        if not isinstance(modules, (list, tuple)):
            return True
        owned = [{site.name for site in self.sites if site.module == one} for one in modules]
        before = {name, *self.upstream[name]}
        return not all(own and before.isdisjoint(own) for own in owned)


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
    return {mark: -1 if name is None else order[name] for mark, name in anchors.items()}
