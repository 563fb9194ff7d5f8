"""Markdown as GitHub and GitLab show it: for a job's summary or a comment, details folded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import CauseVerdict, Outcome
from actdiag.render._cost import cost
from actdiag.render._documentation import command, documented
from actdiag.render._facts import SYNTHETIC, facts, mark
from actdiag.render._findings import location
from actdiag.render._layers import dead_share, marked, most_telling
from actdiag.render._markdown import cell_code, code, folded, table, text
from actdiag.render._story import by_diagnosis, exemptions, headline, skips_by_reason
from actdiag.render._words import cause_name, count, number, percent, source_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.records import Diagnosis, Finding, Report
    from actdiag.render._story import Chain

_FINDINGS = 50  # rows; our choice, as are the others: a summary is read, the JSON has all
_LAYERS = 50
_NAMES = 8
_ROOM = 900_000  # bytes; a job's summary on GitHub may have 1 MiB
_CAUSES = {CauseVerdict.CONFIRMED: "✓ confirmed", CauseVerdict.RULED_OUT: "✗ ruled out"}
_OUTCOMES = {Outcome.NEEDS_INPUT: "not done"}


def render(report: Report, *more: Report) -> str:
    """Return the document; models beyond a megabyte are told by their verdicts alone."""
    written, room = [], _ROOM
    for each in (report, *more):
        page = "\n".join(_page(each))
        room -= len(page.encode())
        written.append(page if room > 0 else _verdict(each))
    return "\n".join(written)


def _page(report: Report) -> Iterator[str]:
    yield _verdict(report)
    if report.scan.data.synthetic:
        yield f"> **Synthetic input.** {text(SYNTHETIC)}\n"
    if failure := report.scan.coverage.failure:
        at = f" in {code(failure.module)}" if failure.module else ""
        line = f", {code(source_line(failure.source))}" if failure.source else ""
        yield f"**The forward pass failed**{at}{line}: {text(failure.exception)}\n"
    told, left = by_diagnosis(report)
    for diagnosis, chains in told:
        yield from _diagnosis(diagnosis, chains, report)
    if left:
        yield f"## {'Other findings' if told else 'Findings'}\n"
        yield _findings(left, report)
    if pages := documented(report.findings).values():
        lines = [
            f"- **{page.code} {page.name}**: {text(page.summary)} {code(command(page.code))}\n"
            for page in pages
        ]
        yield folded("Documentation of these rules", "".join(lines))
    yield folded("What was measured", table(("", ""), [(w, text(t)) for w, t in facts(report)]))
    if report.scan.sites:
        yield folded("Layers", _layers(report))
    yield folded(f"{count(len(report.skipped), 'rule')} skipped", _coverage(report))


def _verdict(report: Report) -> str:
    verdict, why = headline(report)
    return f"# {mark(report)} {text(verdict)}\n\n{text(why)}\n"


def _diagnosis(diagnosis: Diagnosis, chains: list[Chain], report: Report) -> Iterator[str]:
    yield f"## {text(diagnosis.title)}\n"
    yield f"{text(diagnosis.statement)}\n"
    if diagnosis.where:
        line = f" ({code(source_line(diagnosis.source))})" if diagnosis.source else ""
        yield f"**Where:** layer {code(diagnosis.where)}{line}\n"
    if diagnosis.advice:
        yield f"**Do first:** {text(diagnosis.advice)}\n"
    if chains:
        yield _findings(chains, report)
    causes = [
        (
            _CAUSES.get(cause.verdict, "? unknown"),
            text(cause_name(cause.name)),
            text(cause.evidence),
        )
        for cause in diagnosis.causes
    ]
    steps = [
        (
            text(step.text),
            _OUTCOMES.get(step.outcome, step.outcome.replace("-", " ")) + cost(report, step),
            text(step.result),
        )
        for step in diagnosis.steps
    ]
    if causes:
        yield folded("Causes", table(("verdict", "cause", "evidence"), causes))
    if steps:
        yield folded("Debug steps", table(("step", "outcome", "result"), steps))


def _findings(chains: list[Chain], report: Report) -> str:
    found = [finding for chain in chains for finding in (chain.root, *chain.followers)]
    rows = [_finding(finding, report) for finding in found[:_FINDINGS]]
    if len(found) > _FINDINGS:
        rows.append(("", f"+{len(found) - _FINDINGS:,} more", "", "", ""))
    return table(("", "rule", "where", "measured", "what to do"), rows)


def _finding(finding: Finding, report: Report) -> tuple[str, ...]:
    name = finding.site or finding.module
    at = location(source_line(finding.source))
    where = [
        cell_code(name) if name else "the model",
        *([cell_code(f"{at.path}:{at.line}")] if at else []),
    ]
    known = " (known)" if finding.fingerprint in report.known else ""
    follows = "↳ " if finding.follows_from else ""
    return (
        f"{follows}**{finding.severity}**{known}",
        f"{finding.code} {finding.name}",
        "<br>".join(where),
        text(finding.message),
        text(finding.remedy),
    )


def _layers(report: Report) -> str:
    sites, found = report.scan.sites, marked(report.findings)
    shown = most_telling(sites, found, _LAYERS)
    rows = [
        (
            str(found.get(site.name, "")),
            cell_code(site.name),
            text(site.function or site.role),
            number(site.stats.mean),
            number(site.stats.std),
            percent(site.stats.zero_fraction),
            percent(dead_share(site)),
            percent(site.stats.saturated_fraction),
        )
        for site in shown
    ]
    more = f"\n+{len(sites) - len(shown):,} more layers\n" if len(shown) < len(sites) else ""
    titles = ("", "layer", "what", "mean", "std", "zeros", "dead", "saturated")
    return table(titles, rows) + more


def _coverage(report: Report) -> str:
    seen = report.scan.coverage
    named = {"not called": seen.modules_not_called, "not captured": seen.functions_not_captured}
    lines = []
    for word, names in named.items():
        more = f" (+{len(names) - _NAMES:,} more)" if len(names) > _NAMES else ""
        if names:
            lines.append(f"- {word}: {', '.join(map(code, names[:_NAMES]))}{more}")
    if seen.note:
        lines.append(f"- {text(seen.note)}")
    lines += [f"- {text(line)}" for line in exemptions(report)]
    skipped = skips_by_reason(report.skipped).items()
    lines += [f"- {text(reason)}: {text(', '.join(codes))}" for reason, codes in skipped]
    return "\n".join(lines or ["- nothing was left out"]) + "\n"
