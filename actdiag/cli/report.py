"""``actdiag report SCAN.json``: a saved scan rendered again, judged by the rules of today."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from actdiag import render
from actdiag.cli._failing import told_once
from actdiag.cli._options import Config, Debug, Format, Ignore, Reports, Select, words
from actdiag.cli._output import print_report
from actdiag.cli._targets import targets
from actdiag.errors import NothingCheckedError, UsageError
from actdiag.records import Report, ReportVerdict


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
        judged = _judged(_read(saved), words(select), words(ignore), config)
        for target in to_write:
            target.write(judged)
        print_report(output, judged)
        if judged.verdict is ReportVerdict.NOT_CHECKED:
            raise typer.Exit(NothingCheckedError.exit_code)


def _judged(
    saved: Report, select: tuple[str, ...], ignore: tuple[str, ...], config: Path | None
) -> Report:
    from actdiag import config as configuration
    from actdiag.diagnose.judged import judged_again

    settings = configuration.load(config)
    return judged_again(
        saved,
        select=select or settings.select,
        ignore=ignore or settings.ignore,
        settings=settings.rules,
    )


def _read(path: Path) -> Report:
    hint = "Save one with: actdiag scan MODEL DATA --report json=scan.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", hint=hint) from None
    except ValueError:
        raise UsageError(f"{path} is not JSON, so it is no saved scan", hint=hint) from None
    try:
        return Report.from_json(document)
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", hint=error.hint) from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path} is not a complete saved scan: {error}", hint=hint) from None


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(report)
