"""``actdiag merge SCAN.json...``: scans of parts of the data, made by separate jobs, into one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actdiag import render
from actdiag.cli._failing import told_once
from actdiag.cli._options import Config, Debug, Format, Ignore, Reports, Select, words
from actdiag.cli._saved import read
from actdiag.cli._targets import deliver, targets
from actdiag.errors import NothingCheckedError, UsageError
from actdiag.records import Ignored, Report, ReportVerdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actdiag.records import Scan
    from actdiag.shards.piece import Piece

EPILOG = """Examples

actdiag scan model.pt data.npz --shard 1/3 --report json=part1.json (2/3 and 3/3 in other jobs)

actdiag merge part1.json part2.json part3.json --report json=scan.json

actdiag scan model.pt monday.npz --mergeable --report json=monday.json (a file for each day)"""


def merge(
    saved: Annotated[
        list[Path], typer.Argument(metavar="SCAN.json...", help="Scans of all parts, in any order.")
    ],
    *,
    output: Format = "text",
    reports: Reports = None,
    select: Select = None,
    ignore: Ignore = None,
    config: Config = None,
    debug: Debug = False,
) -> None:
    """Merge scans of parts of the data, made by separate jobs, into that of the whole."""
    with told_once(debug=debug):
        render.require(output)
        to_write = targets(reports, inputs=map(str, saved))
        scan = _merged(saved)
        report = _judged(scan, words(select), words(ignore), config)
        deliver(output, to_write, report)
        if report.verdict is ReportVerdict.NOT_CHECKED:
            raise typer.Exit(NothingCheckedError.exit_code)


def _merged(saved: Sequence[Path]) -> Scan:
    from actdiag.shards.merging import merged

    return merged([piece for path in _once(saved) for piece in _pieces(path)])


def _once(saved: Sequence[Path]) -> Sequence[Path]:
    """The paths; raises UsageError where two lead to one file."""
    seen: dict[Path, Path] = {}
    for path in saved:
        if (before := seen.setdefault(path.resolve(), path)) is not path:
            raise UsageError(
                f"{path} is given twice" if before == path else f"{path} is the file {before}, too",
                hint="Give every part once: its samples would count twice.",
            )
    return saved


def _pieces(path: Path) -> list[Piece]:
    from actdiag.shards.piece import Piece

    return [Piece.read(str(path), report) for report in read(path)]


def _judged(
    scan: Scan, select: tuple[str, ...], ignore: tuple[str, ...], config: Path | None
) -> Report:
    from actdiag import config as configuration
    from actdiag.diagnosis.judged import diagnosed, judged
    from actdiag.diagnosis.reports import diagnose
    from actdiag.rules.registry import registry
    from actdiag.rules.select import chosen
    from actdiag.shards.merging import not_merged

    settings = configuration.load(config)
    unwanted: tuple[str | Ignored, ...] = (*ignore, *settings.exempt())
    report = judged(scan, select=select, ignore=unwanted, settings=settings.rules)
    running = {rule.code for rule in chosen(registry(), select, ignore)}
    told = {skip.code for skip in report.skipped}
    skips = [one for one in not_merged(scan) if one.code in running - told]
    report = replace(report, skipped=(*report.skipped, *skips))
    return diagnosed(report, diagnose(report))


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(epilog=EPILOG)(merge)
