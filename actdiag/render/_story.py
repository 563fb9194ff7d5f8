"""What is told of a report, and in which order, whatever the format.

Orders and groups only; whether something is sick was decided by the rules.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actdiag.records import CauseVerdict, ReportVerdict, Severity
from actdiag.render._words import cause_name, count

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actdiag.records import Diagnosis, Finding, Ignored, Report, Skip

_MORE_SAMPLES = frozenset({"observations", "samples"})  # what rules need that more of them give
INTERRUPTED = "this is what was found until then"
_END = re.compile(r"(?<=\.) (?=[A-Z'])")  # between two sentences, not within "3. of"
_NOUNS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


@dataclass(frozen=True, slots=True)
class Chain:
    """A finding and those that follow from it, directly or through others."""

    root: Finding
    followers: tuple[Finding, ...] = ()

    @property
    def fingerprints(self) -> set[str]:
        """Fingerprints of all of them."""
        return {self.root.fingerprint, *(finding.fingerprint for finding in self.followers)}

    @property
    def severity(self) -> Severity:
        """The worst of all of them: a mild cause of great harm is told first."""
        return min((f.severity for f in (self.root, *self.followers)), key=lambda s: s.rank)


def worst_severity(report: Report) -> Severity | None:
    """Return the severity of the worst finding, or null without any."""
    return min((f.severity for f in report.findings), key=lambda s: s.rank, default=None)


def tally(findings: Iterable[Finding]) -> str:
    """Return ``2 errors, 1 warning``, worst first, leaving out what there is none of."""
    amounts = Counter(finding.severity for finding in findings)
    return ", ".join(
        count(amounts[severity], noun) for severity, noun in _NOUNS.items() if amounts[severity]
    )


def headline(report: Report) -> tuple[str, str]:
    """Return the verdict with the model's name, and the first thing to know of it."""
    name, found = model_name(report), tally(report.findings)
    if report.verdict is ReportVerdict.NOT_CHECKED:
        return f"{name} was not checked", _why_not(report)
    if not_run(report):
        failed = report.scan.coverage.failure is not None
        name += ", whose forward pass failed" if failed else ", which was not run"
    if report.diagnoses:
        if worst_severity(report) in (None, Severity.INFO):
            found = ", ".join(filter(None, [count(len(report.diagnoses), "problem"), found]))
        return f"{found} in {name}", _in_one_line(report.diagnoses[0])
    if few := waiting(report):
        why = f"{count(few, 'rule')} would need more than {samples(report)}"
        return f"{f'only {found}' if found else 'nothing found'} in {name}", why + scope(report)
    if report.verdict is ReportVerdict.HEALTHY:
        told = f"only {found}" if found else "no rule fired"
        return f"{name} is healthy", told + scope(report)
    return f"{found or 'no finding'} in {name}", _worst(report)


def not_run(report: Report) -> tuple[str, str] | None:
    """Return that the model was not run, or not to its end, and why; null where it was.

    What the user stopped is told otherwise: see :data:`INTERRUPTED`.
    """
    if report.verdict is ReportVerdict.NOT_CHECKED:
        return headline(report)
    failed = report.scan.coverage.failure is not None
    if not failed and report.scan.data.samples:
        return None
    how = "was not run to its end" if failed else "was not run"
    return f"{model_name(report)} {how}", _why_not(report)


def _why_not(report: Report) -> str:
    failure, note = report.scan.coverage.failure, report.scan.coverage.note
    said = f"{failure.exception}: {failure.message}" if failure else note
    return said or "nothing was captured"


def waiting(report: Report) -> int:
    """Return how many rules need more samples before a model without findings is called healthy."""
    if report.verdict is not ReportVerdict.HEALTHY:
        return 0
    return sum(skip.needs in _MORE_SAMPLES for skip in report.skipped)


def samples(report: Report) -> str:
    """Return ``1 sample``, ``256 synthetic samples``."""
    data = report.scan.data
    return count(data.samples, "synthetic sample" if data.synthetic else "sample")


def _worst(report: Report) -> str:
    for chain in chains(report.findings):
        worst = min((chain.root, *chain.followers), key=lambda finding: finding.severity.rank)
        cause = f" It follows from {chain.root.code} {chain.root.name}."
        return first_sentence(worst.message) + cause * (worst is not chain.root)
    return "see what was captured"


def first_sentence(message: str) -> str:
    """Return what a message says first: the rest stands with the finding."""
    return _END.split(message, maxsplit=1)[0]


def _in_one_line(diagnosis: Diagnosis) -> str:
    """Return the symptom, what it was traced to and where."""
    known = (each.name for each in diagnosis.causes if each.verdict is CauseVerdict.CONFIRMED)
    cause = diagnosis.cause or next(known, "")
    title = diagnosis.title[:1].lower() + diagnosis.title[1:]
    because = f" because of {cause_name(cause)}" if cause else ""
    return f"{title}{because}" + (f", at layer {diagnosis.where}" if diagnosis.where else "")


def scope(report: Report) -> str:
    """Return on how much a claim about the whole model rests, for the end of a sentence."""
    scan = report.scan
    data = f", {samples(report)}" if scan.data.samples else ""
    skipped = f"; {count(len(report.skipped), 'rule')} skipped" if report.skipped else ""
    return f" ({count(len(scan.sites), 'site')}{data}{skipped})"


def model_name(report: Report) -> str:
    """Return the file's own name, or the class when there is no file."""
    path = report.scan.model.path
    return path.replace("\\", "/").rpartition("/")[2] if path else report.scan.model.class_name


def chains(findings: Iterable[Finding]) -> list[Chain]:
    """Fold each finding under the one it follows from; worst first, then as reported."""
    all_findings = list(findings)
    known = {finding.fingerprint: finding for finding in all_findings if finding.fingerprint}
    followers: dict[int, list[Finding]] = {}
    roots = []
    for finding in all_findings:
        root = _root(finding, known)
        if root is finding:
            roots.append(finding)
        else:
            followers.setdefault(id(root), []).append(finding)
    told = [Chain(root, tuple(followers.get(id(root), ()))) for root in roots]
    return sorted(told, key=lambda chain: chain.severity.rank)


def _root(finding: Finding, known: dict[str, Finding]) -> Finding:
    root, seen = finding, {finding.fingerprint}
    while cause := next((known[f] for f in root.follows_from if f in known), None):
        if cause.fingerprint in seen:  # a circle: nobody is first, so each stands for itself
            return finding
        seen.add(cause.fingerprint)
        root = cause
    return root


def by_diagnosis(report: Report) -> tuple[list[tuple[Diagnosis, list[Chain]]], list[Chain]]:
    """Return each diagnosis with the findings it rests on, and the findings that are left over.

    A finding behind several diagnoses is told with the first of them.
    """
    left = chains(report.findings)
    told = []
    for diagnosis in report.diagnoses:
        wanted = set(diagnosis.findings)
        parts: tuple[list[Chain], list[Chain]] = [], []
        for chain in left:
            parts[wanted.isdisjoint(chain.fingerprints)].append(chain)
        behind, left = parts
        told.append((diagnosis, behind))
    return told, left


def exemptions(report: Report) -> list[str]:
    """Return what is left out: ``2 findings ignored: the reason (ACT101 in head.*)``, the like."""
    stopped = [f"interrupted: {INTERRUPTED}"] if report.scan.coverage.interrupted else []
    return stopped + list(map(exemption, report.ignored))


def exemption(one: Ignored) -> str:
    """Return one of them in the same words."""
    return f"{count(one.findings, 'finding')} ignored: {one.reason} ({one.rule} in {one.modules})"


def skips_by_reason(skipped: Iterable[Skip]) -> dict[str, list[str]]:
    """Return the codes of the rules that could not run, by what was missing, in that order."""
    grouped: dict[str, list[str]] = {}
    for skip in skipped:
        grouped.setdefault(skip.reason or f"needs {skip.needs}", []).append(skip.code)
    return grouped
