"""Running the rules on a Scan and putting what they find into order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from actdiag.records import Confidence, Finding, Scan, Severity, Site, Skip
from actdiag.rules import harm
from actdiag.rules.graph import Graph
from actdiag.rules.links import linked
from actdiag.rules.needs import missing
from actdiag.rules.registry import registry
from actdiag.rules.select import Settings, check_settings, chosen
from actdiag.rules.wording import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from actdiag.rules.base import Limits, Rule

NO_DATA = frozenset({"weights", "modules", "optimizer"})


def judge(
    scan: Scan,
    settings: Settings | None = None,
    *,
    select: Iterable[str] | None = None,
    ignore: Iterable[str] | None = None,
    rules: Mapping[str, Rule] | None = None,
) -> tuple[tuple[Finding, ...], tuple[Skip, ...]]:
    """Every rule's findings, worst first and then in execution order, and the rules not run.

    Args:
        scan: what was measured.
        settings: thresholds by code and name that replace the defaults.
        select: codes, prefixes or names of the only rules to run; all if empty.
        ignore: codes, prefixes or names of rules not to run.
        rules: the rules to choose from; those of :func:`registry` if not given.

    Raises:
        UsageError: an unknown rule or threshold.
    """
    known = registry() if rules is None else rules
    check_settings(known, settings or {})
    findings: list[Finding] = []
    skips: list[Skip] = []
    for rule in chosen(known, select or (), ignore or ()):
        outcome = run(rule, scan, rule.limits((settings or {}).get(rule.code)))
        if isinstance(outcome, Skip):
            skips.append(outcome)
        else:
            findings.extend(outcome)
    return linked(findings, known, Graph.of(scan)), tuple(skips)


def run(rule: Rule, scan: Scan, limits: Limits) -> list[Finding] | Skip:
    """One rule's findings, adjusted to what the Scan can support, or why it could not run."""
    lacking = missing(rule, scan, limits)
    if lacking is not None:
        return Skip(rule.code, *lacking)
    try:
        found = list(rule.check(scan, limits))
    except Exception as error:  # noqa: BLE001 - one broken rule must not cost the user the report
        reason = f"internal error in this rule, please report it: {type(error).__name__}: {error}"
        return Skip(rule.code, "", reason)
    sites = {site.name: site for site in scan.sites}
    grounds = (_grounds(finding, rule, scan, sites) for finding in found)
    grounded = [
        replace(finding, measured={**finding.measured, **rests_on})
        for finding, rests_on in zip(found, grounds, strict=True)
    ]
    return [_adjusted(finding, rule, scan) for finding in grounded]


def _grounds(finding: Finding, rule: Rule, scan: Scan, sites: Mapping[str, Site]) -> dict[str, int]:
    """On how much a finding rests, where its rule doesn't say: samples, values of each unit."""
    told: dict[str, int] = {}
    if not set(rule.needs) <= NO_DATA:
        backward = scan.gradients if "gradients" in rule.needs else None
        told["samples"] = scan.data.samples if backward is None else backward.samples
    site = sites.get(finding.site or "")
    if site is not None and site.stats.observations:
        told["observations"] = site.stats.observations
    return {name: value for name, value in told.items() if name not in finding.measured}


def _excuse(scan: Scan) -> str:
    """Why idle units need not be harm, or nothing."""
    if harm.works(scan):
        return (
            f"The labels show that the model works ({harm.score_text(scan)}), so this is waste "
            "rather than harm."
        )
    output = scan.output
    if output is not None and harm.few_classes(scan):
        seen = count(output.label_classes or 0, "class")
        return (
            f"The scanned data holds {seen} of {output.classes:,} only: units that work for the "
            "others look idle on it."
        )
    return ""


def _later(remedy: str) -> str:
    """The remedy of what does no harm now."""
    return f"Nothing, while it works. When training again: {remedy[:1].lower()}{remedy[1:]}"


def _adjusted(finding: Finding, rule: Rule, scan: Scan) -> Finding:
    excuse = _excuse(scan) if rule.capacity else ""
    if excuse and finding.severity is not Severity.INFO:
        severity = Severity.INFO if harm.perfect(scan) else finding.severity.lowered()
        finding = replace(finding, severity=severity, message=f"{finding.message} {excuse}")
        if severity is Severity.INFO and harm.works(scan):
            finding = replace(finding, remedy=_later(finding.remedy))
    if scan.data.synthetic and not rule.data_free:
        severity = Severity.WARNING if finding.severity is Severity.ERROR else finding.severity
        finding = replace(finding, severity=severity, confidence=Confidence.LOW)
    return finding
