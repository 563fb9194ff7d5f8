"""Findings that somebody decided to live with, each with a reason: left out, but counted."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from actdiag.errors import UsageError
from actdiag.rules.registry import registry
from actdiag.rules.select import meant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from actdiag.records import Finding, Ignored
    from actdiag.rules.base import Rule


def exempted(
    findings: Iterable[Finding],
    exemptions: Iterable[Ignored],
    rules: Mapping[str, Rule] | None = None,
) -> tuple[tuple[Finding, ...], tuple[Ignored, ...]]:
    """The findings that no exemption covers, and the exemptions with how many each covered.

    A finding counts for the first exemption that covers it: whose rule it is of, and whose
    pattern matches its module or its site. One of the whole model has neither, and is covered by
    ``*`` alone. What followed from a finding that is left out no longer says so.

    Raises:
        UsageError: an exemption names no rule, or gives no reason.
    """
    known = registry() if rules is None else rules
    wanted = [(one, _codes(one, known)) for one in exemptions]
    kept: list[Finding] = []
    counts = [0] * len(wanted)
    gone: set[str] = set()
    for finding in findings:
        place = _covering(finding, wanted)
        if place is None:
            kept.append(finding)
        else:
            counts[place] += 1
            gone.add(finding.fingerprint)
    left = (
        replace(one, follows_from=tuple(name for name in one.follows_from if name not in gone))
        for one in kept
    )
    covered = zip(wanted, counts, strict=True)
    return tuple(left), tuple(replace(one, findings=many) for (one, _), many in covered if many)


def _codes(exemption: Ignored, rules: Mapping[str, Rule]) -> frozenset[str]:
    if not exemption.reason.strip():
        raise UsageError(
            f"{exemption.rule} is ignored in {exemption.modules!r} without a reason",
            hint='Say why, for those who read it later: reason = "..."',
        )
    return frozenset(meant(rules, exemption.rule))


def _covering(finding: Finding, wanted: list[tuple[Ignored, frozenset[str]]]) -> int | None:
    names = [name for name in (finding.module, finding.site) if name is not None] or [""]
    for place, (exemption, codes) in enumerate(wanted):
        if finding.code in codes and any(fnmatchcase(name, exemption.modules) for name in names):
            return place
    return None
