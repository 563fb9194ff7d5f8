"""``actdiag report SCAN.json``: a saved scan rendered again, judged by the rules of today."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from actdiag import render
from actdiag.cli._failing import told_once
from actdiag.cli._options import Config, Debug, Format, Ignore, Reports, Select, words
from actdiag.cli._saved import read
from actdiag.cli._targets import deliver, targets
from actdiag.errors import NothingCheckedError
from actdiag.records import Report, ReportVerdict

EPILOG = """Examples

actdiag report scan.json

actdiag report scan.json --format html > page.html

actdiag report scan.json --select OUT --report sarif=actdiag.sarif"""


def report(
    saved: Annotated[Path, typer.Argument(metavar="SCAN.json", help="A saved scan.")],
    *,
    output: Format = "text",
    reports: Reports = None,
    select: Select = None,
    ignore: Ignore = None,
    config: Config = None,
    debug: Debug = False,
) -> None:
    """Show a saved scan again, its numbers judged with the present rules and settings."""
    with told_once(debug=debug):
        render.require(output)
        to_write = targets(reports, inputs=(str(saved),))
        chosen = words(select), words(ignore), config
        judged = [_judged(each, *chosen) for each in read(saved)]
        deliver(output, to_write, *judged)
        if all(each.verdict is ReportVerdict.NOT_CHECKED for each in judged):
            raise typer.Exit(NothingCheckedError.exit_code)


def _judged(
    saved: Report, select: tuple[str, ...], ignore: tuple[str, ...], config: Path | None
) -> Report:
    from actdiag import config as configuration
    from actdiag.diagnosis.judged import judged_again

    settings = configuration.load(config)
    return judged_again(
        saved,
        select=select,
        ignore=(*ignore, *settings.exempt()),
        settings=settings.rules,
    )


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(epilog=EPILOG)(report)
