"""``actdiag scan MODEL [DATA]``: load, run, measure, diagnose, report."""

from __future__ import annotations

import sys
from contextlib import nullcontext, redirect_stdout
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actdiag import render
from actdiag.cli._failing import INTERRUPTED, told_once
from actdiag.cli._options import (
    Config,
    Debug,
    Format,
    Ignore,
    Reports,
    Select,
    json_object,
    option,
    words,
)
from actdiag.cli._progress import progress_bar
from actdiag.cli._sharing import shared
from actdiag.cli._stopping import stoppable
from actdiag.cli._targets import deliver, targets
from actdiag.errors import NothingCheckedError, UsageError
from actdiag.records import ReportVerdict

if TYPE_CHECKING:
    from actdiag.records import Report

MODEL, DATA, RUN = "Model", "Data", "Running"

EPILOG = """Examples

actdiag scan model.pt data.npz

actdiag scan net.pth data.npz --model net.py:Net --model-args '{"width": 64}'

actdiag scan model.pt --input-shape 3,32,32 --select ACT,INI

actdiag scan model.pt data.csv --labels species --format json > scan.json

torchrun --nproc-per-node 4 -m actdiag scan model.pt data.npz"""


class Steps(StrEnum):
    """Which debug steps are carried out."""

    NONE = "none"
    CHEAP = "cheap"
    ALL = "all"


def scan(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="The model file, FILE:KEY for weights in it, or FILE.py:NAME that builds one.",
        ),
    ],
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA", help="Data file, FILE:ARRAY or FILE.py:NAME; else random input."
        ),
    ] = None,
    *,
    data_option: Annotated[
        str | None,
        option(
            "--data",
            metavar="PATH",
            panel=DATA,
            help="Data file, FILE:ARRAY or FILE.py:NAME; else random input.",
        ),
    ] = None,
    labels: Annotated[
        str | None,
        option("--labels", metavar="NAME|PATH", panel=DATA, help="A column, key or file."),
    ] = None,
    input_shape: Annotated[
        str | None,
        option("--input-shape", metavar="3,32,32", panel=DATA, help="Of one random sample."),
    ] = None,
    batch_size: Annotated[
        int | None,
        option("--batch-size", metavar="N", panel=DATA, min=1, help="Samples per forward pass."),
    ] = None,
    max_samples: Annotated[
        int | None,
        option(
            "--max-samples",
            metavar="N",
            panel=DATA,
            min=1,
            help="Random sample of at most N; how many to make without data (256).",
        ),
    ] = None,
    train_data: Annotated[
        str | None,
        option("--train-data", metavar="PATH", panel=DATA, help="What the model was trained on."),
    ] = None,
    transform: Annotated[
        str | None,
        option(
            "--transform",
            metavar="NAME",
            panel=DATA,
            help="standardize or scale01 (by the training data, if given), or FILE.py:FUNCTION.",
        ),
    ] = None,
    fix_input: Annotated[
        bool, option("--fix-input", panel=DATA, help="Mend layout and dtype of the input.")
    ] = False,
    mask: Annotated[
        str | None,
        option("--mask", metavar="NAME", panel=DATA, help="Input that says what is padding."),
    ] = None,
    factory: Annotated[
        str | None,
        option(
            "--model",
            metavar="FILE.py:NAME",
            panel=MODEL,
            help="Builds the model of a state dict; or PKG.MOD:NAME.",
        ),
    ] = None,
    factory_args: Annotated[
        str | None,
        option("--model-args", metavar="JSON", panel=MODEL, help="Its keyword arguments."),
    ] = None,
    call: Annotated[
        str | None,
        option("--call", metavar="METHOD", panel=MODEL, help="Called in place of forward."),
    ] = None,
    partial: Annotated[
        bool, option("--partial", panel=MODEL, help="Go on if a state dict fits in part.")
    ] = False,
    trust: Annotated[
        bool, option("--trust", panel=MODEL, help="Let the file run any code it holds.")
    ] = False,
    allow: Annotated[
        list[str] | None,
        option(
            "--allow",
            metavar="PKG.MOD.CLASS",
            panel=MODEL,
            help="Let the file use this class; repeatable.",
        ),
    ] = None,
    device: Annotated[
        str,
        option("--device", metavar="NAME", panel=RUN, help="auto, cpu, cuda, cuda:1 or mps (cpu)."),
    ] = "cpu",
    dtype: Annotated[
        str | None,
        option(
            "--dtype",
            metavar="NAME",
            panel=RUN,
            help="float32, float16, bfloat16 or float64 (the model's own).",
        ),
    ] = None,
    gradients: Annotated[
        bool,
        option("--gradients", panel=RUN, help="Run backward too, on a copy; needs labels."),
    ] = False,
    loss: Annotated[
        str | None,
        option(
            "--loss",
            metavar="NAME",
            panel=RUN,
            help="Of the gradients: cross-entropy, mse, bce, or FILE.py:FUNCTION (by the labels).",
        ),
    ] = None,
    lr: Annotated[
        float | None,
        option(
            "--lr",
            metavar="RATE",
            panel=RUN,
            help="The learning rate: with --gradients, how far it moves the weights "
            "(the checkpoint's).",
        ),
    ] = None,
    shard: Annotated[
        str | None,
        option(
            "--shard",
            metavar="N/PARTS",
            panel=RUN,
            help="Only this part of the batches, for actdiag merge; see docs/distributed.md.",
        ),
    ] = None,
    mergeable: Annotated[
        bool,
        option("--mergeable", panel=RUN, help="Keep in the JSON what actdiag merge needs."),
    ] = False,
    patience: Annotated[
        float,
        option(
            "--patience",
            metavar="SECONDS",
            panel=RUN,
            min=1,
            help="Under torchrun: how long a process may be silent (600).",
        ),
    ] = 600.0,
    steps: Annotated[
        Steps, option("--steps", panel=RUN, help="Debug steps to carry out (cheap).")
    ] = Steps.CHEAP,
    seed: Annotated[
        int,
        option("--seed", metavar="N", panel=RUN, min=0, help="Of random input and samples (0)."),
    ] = 0,
    debug: Debug = False,
    output: Format = "text",
    reports: Reports = None,
    select: Select = None,
    ignore: Ignore = None,
    config: Config = None,
) -> None:
    """Say what is wrong with a model, where, why, and what to do first."""
    with told_once(debug=debug):
        if data is not None and data_option is not None:
            raise UsageError("DATA was given twice, as an argument and as --data")
        data = data if data is not None else data_option
        render.require(output)
        to_write = targets(reports, inputs=(model, data, labels, train_data))
        report = _scanned(
            model,
            data,
            config=config,
            trust=(trust, allow or []),
            select=words(select),
            ignore=words(ignore),
            batch_size=batch_size,
            max_samples=max_samples,
            steps=steps.value,
            seed=seed,
            factory=factory,
            factory_args=json_object("--model-args", factory_args),
            labels=labels,
            train_data=train_data,
            input_shape=input_shape,
            transform=transform,
            fix_input=fix_input,
            mask=mask,
            call=call,
            partial=partial,
            device=device,
            dtype=dtype,
            gradients=gradients,
            loss=loss,
            lr=lr,
            shard=shard,
            mergeable=mergeable,
            patience=patience,
        )
        if report is None:
            return
        deliver(output, to_write, report)
        if report.scan.coverage.interrupted:
            typer.echo("actdiag: interrupted: the report tells what was found so far", err=True)
            raise typer.Exit(INTERRUPTED)
        if report.verdict is ReportVerdict.NOT_CHECKED or not report.scan.data.samples:
            raise typer.Exit(NothingCheckedError.exit_code)


def _scanned(
    model: str,
    data: str | None,
    *,
    config: Config,
    trust: tuple[bool, list[str]],
    ignore: tuple[str, ...],
    patience: float,
    **options: Any,
) -> Report | None:
    """Run the pipeline; what is printed meanwhile, by the user's own code too, goes to stderr.

    Gives null where torchrun started several processes and another one tells of the scan.
    """
    from actdiag import config as configuration

    settings = configuration.load(config)
    with (
        redirect_stdout(sys.stderr),
        shared(options, patience) as team,
        progress_bar() as bar,
        stoppable(bar) if team is None else nullcontext(team.progress(bar)) as shown,
    ):
        from actdiag import pipeline
        from actdiag.load import Trust

        if team is not None:
            options["team"] = team
        report = pipeline.scan(
            model,
            data,
            trust=Trust(everything=trust[0], names=frozenset(trust[1])),
            ignore=(*ignore, *settings.exempt()),
            settings=settings.rules,
            progress=shown,
            **options,
        )
    return report if team is None or team.rank == 0 else None


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(epilog=EPILOG)(scan)
