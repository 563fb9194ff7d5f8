"""``actdiag check MODELS...``: a gate for CI over one or many checkpoints."""

from __future__ import annotations

import inspect
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from actdiag import render
from actdiag.cli._asked import asked, shared_with_scan
from actdiag.cli._failing import INTERRUPTED, told_once
from actdiag.cli._gating import Gate
from actdiag.cli._gating import baseline as read_baseline
from actdiag.cli._many import scanned
from actdiag.cli._models import models
from actdiag.cli._options import option
from actdiag.cli._output import print_report, write_out
from actdiag.cli._targets import Target, targets, write_all
from actdiag.cli._verdicts import verdicts
from actdiag.diagnosis import gate
from actdiag.errors import UsageError
from actdiag.records import Severity
from actdiag.render._gate import Judged, lines

GATE = "Gate"

EPILOG = """Examples

actdiag check checkpoints/ --data val.npz

actdiag check 'runs/*/best.pt' --data val.npz --fail-on warning --format github

actdiag check model.pt --data val.npz --baseline scan.json --report sarif=actdiag.sarif

Leaves with 0 where nothing is at or above --fail-on, 1 where something is, 2 where a file or an
option can't be used, 3 where something was not checked, 4 where loading would run code."""


class FailOn(StrEnum):
    """The least severity that fails a model."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


def check(
    wanted: Annotated[
        list[str],
        typer.Argument(metavar="MODELS...", help="Model files, folders or quoted patterns."),
    ],
    *,
    fail_on: Annotated[
        FailOn, option("--fail-on", panel=GATE, help="Least severity that fails (error).")
    ] = FailOn.ERROR,
    baseline: Annotated[
        Path | None,
        option(
            "--baseline",
            metavar="SCAN.json",
            panel=GATE,
            help="A saved scan: only what is new or worse than there fails.",
        ),
    ] = None,
    update_baseline: Annotated[
        bool, option("--update-baseline", panel=GATE, help="Write this run to --baseline.")
    ] = False,
    strict_skips: Annotated[
        bool,
        option("--strict-skips", panel=GATE, help="Fail where a rule lacked data or labels."),
    ] = False,
    jobs: Annotated[
        int, option("--jobs", metavar="N", panel=GATE, min=1, help="Models at a time (1).")
    ] = 1,
    **options: Any,
) -> None:
    """Check models and fail where something is wrong: one line for each, an exit code for CI."""
    debug = options.pop("debug")
    with told_once(debug=debug):
        output, reports = render.require(options.pop("output")), options.pop("reports")
        inputs = [options["data_option"], options["labels"], options["train_data"]]
        meant = models(wanted, data=inputs)
        to_write = targets(reports, inputs=(*meant, *inputs, str(baseline or "")))
        if update_baseline and baseline is None:
            raise UsageError("--update-baseline needs --baseline SCAN.json, the file to write")
        wanted_of_each = asked(options)
        before = read_baseline(baseline, wanted_of_each, update=update_baseline)
        at = Gate(before, meant, Severity(fail_on.value), strict_skips)
        judged: list[Judged] = []
        interrupted = False
        try:
            for one in scanned(meant, jobs, wanted_of_each, debug=debug):
                judged += [at.judged(one)]
        except KeyboardInterrupt:
            interrupted = True
        if update_baseline and baseline and not interrupted:
            judged = at.updated(baseline, judged)
        _tell(output, judged, to_write)
        if interrupted:
            typer.echo(f"actdiag: interrupted after {len(judged)} of {len(meant)} models", err=True)
            raise typer.Exit(INTERRUPTED)
        raise typer.Exit(gate.worst_code(one.code for one in judged))


def _tell(output: str, judged: list[Judged], to_write: list[Target]) -> None:
    """Write the reports; the verdicts go to stdout, or beside another format to stderr."""
    found = [one.report for one in judged]
    text = verdicts(lines(judged))
    problem = write_all(to_write, *found) if found else None
    if output == "text":
        write_out(text)
    elif found:
        typer.echo(text, err=True, nl=False)
        print_report(output, *found)
    if problem is not None:
        raise problem


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    vars(check)["__signature__"] = shared_with_scan(inspect.signature(check, eval_str=True))
    app.command(epilog=EPILOG)(check)
