"""``actdiag diff A B``: two saved scans or models side by side."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated, Any

import typer

from actdiag import render
from actdiag.cli._asked import asked, shared_with_scan
from actdiag.cli._failing import told_once
from actdiag.cli._options import OUTPUT, option
from actdiag.cli._output import display, write_out
from actdiag.cli._progress import progress_bar
from actdiag.cli._saved import read
from actdiag.cli._targets import put, targets
from actdiag.comparison import compare
from actdiag.errors import NothingCheckedError, UsageError
from actdiag.records import Report, ReportVerdict

_LEFT_OUT = ("output", "reports")
_HEAD = 4096
_FORMATS = ", ".join(render.COMPARISON_FORMATS)

EPILOG = """Examples

actdiag diff before.json after.json

actdiag diff epoch1.pt epoch9.pt --data val.npz --format markdown --report html=diff.html"""


def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A saved scan, or a model.")],
    after: Annotated[str, typer.Argument(metavar="B", help="What it is compared with.")],
    *,
    output: Annotated[
        str, option("--format", metavar="NAME", panel=OUTPUT, help=f"Of stdout: {_FORMATS} (text).")
    ] = "text",
    reports: Annotated[
        list[str] | None,
        option(
            "--report",
            metavar="FORMAT=PATH",
            panel=OUTPUT,
            help="Also write the comparison to a file; repeatable.",
        ),
    ] = None,
    **options: Any,
) -> None:
    """Say what changed from A to B: findings new and fixed, layers, weights, the output."""
    with told_once(debug=options.pop("debug")):
        render.require_comparison(output)
        to_write = targets(reports, inputs=(before, after), formats=render.COMPARISON_FORMATS)
        wanted = asked(options)
        both = [_report(path, wanted) for path in (before, after)]
        found = compare(*both)
        for target in to_write:
            put(target.path, render.render_comparison(target.name, found).encode())
        write_out(render.render_comparison(output, found, display()))
        if any(each.verdict is ReportVerdict.NOT_CHECKED for each in both):
            raise typer.Exit(NothingCheckedError.exit_code)


def _report(path: str, wanted: dict[str, Any]) -> Report:
    """A saved scan judged by the rules of today, or the scan of a model."""
    if _is_saved(Path(path)):
        from actdiag.diagnosis.judged import judged_again

        reports = read(Path(path))
        if len(reports) > 1:
            message = f"{path} holds the scans of {len(reports)} models"
            raise UsageError(message, hint="Compare scans of one model each.")
        rules = {name: wanted[name] for name in ("select", "ignore", "settings")}
        return judged_again(reports[0], **rules)
    from actdiag.cli._many import piped

    with progress_bar() as progress:
        return piped(path, {**wanted, "progress": progress})


def _is_saved(path: Path) -> bool:
    """Whether the file begins as a report does; a model file never does."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(_HEAD).replace(b"\0", b"")  # of UTF-16, too
    return b'"schema_version"' in head.partition(b":")[0]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    vars(diff)["__signature__"] = shared_with_scan(
        inspect.signature(diff, eval_str=True), _LEFT_OUT
    )
    app.command(epilog=EPILOG)(diff)
