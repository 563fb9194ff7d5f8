"""``actdiag try MODEL DATA``: documented remedies trained on a copy, beside a control."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actdiag import remedies as room
from actdiag import render
from actdiag.cli._failing import INTERRUPTED, told_once
from actdiag.cli._options import OUTPUT, Debug, json_object, option, words
from actdiag.cli._output import display, write_out
from actdiag.cli._progress import progress_bar
from actdiag.cli._stopping import stoppable
from actdiag.cli._targets import check_writable, put
from actdiag.errors import UsageError

if TYPE_CHECKING:
    from actdiag.records import Trial

MODEL, DATA, TRAINING = "Model", "Data", "Training"

EPILOG = """Examples

actdiag try model.pt data.npz

actdiag try model.pt val.npz --train-data train.npz --remedy dropout --remedy label-smoothing

actdiag try net.pth data.npz --model net.py:Net --lr 0.1 --optimizer sgd --save better.pt"""


def try_(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="The model file, FILE:KEY for weights in it, or FILE.py:NAME that builds one.",
        ),
    ],
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="Labelled: data file, FILE:ARRAY or FILE.py:NAME.")
    ],
    *,
    remedy: Annotated[
        list[str] | None,
        option(
            "--remedy",
            metavar="NAME",
            panel=TRAINING,
            help=f"Repeatable: {', '.join(room.names())} (what the diagnosis suggests, then the "
            "cheap ones).",
        ),
    ] = None,
    optimizer: Annotated[
        str | None,
        option(
            "--optimizer",
            metavar="NAME",
            panel=TRAINING,
            help="adam, adamw, sgd, rmsprop, adagrad, adamax or adadelta (the checkpoint's, else "
            "adam).",
        ),
    ] = None,
    lr: Annotated[
        float | None,
        option(
            "--lr", metavar="RATE", panel=TRAINING, help="Learning rate (checkpoint's or 1e-3)."
        ),
    ] = None,
    steps: Annotated[
        int | None,
        option("--steps", metavar="N", panel=TRAINING, min=1, help="Of each arm (300)."),
    ] = None,
    epochs: Annotated[
        int | None,
        option("--epochs", metavar="N", panel=TRAINING, min=1, help="Instead of --steps."),
    ] = None,
    batch_size: Annotated[
        int | None,
        option("--batch-size", metavar="N", panel=TRAINING, min=1, help="Of a step (64)."),
    ] = None,
    seeds: Annotated[
        int,
        option("--seeds", metavar="N", panel=TRAINING, min=1, max=10, help="Trainings each (3)."),
    ] = 3,
    seed: Annotated[
        int, option("--seed", metavar="N", panel=TRAINING, min=0, help="The first of them (0).")
    ] = 0,
    time_budget: Annotated[
        float,
        option(
            "--time-budget",
            metavar="S",
            panel=TRAINING,
            min=1,
            help="Seconds; what is not done by then is not tried (60).",
        ),
    ] = 60.0,
    labels: Annotated[
        str | None,
        option("--labels", metavar="NAME|PATH", panel=DATA, help="A column, key or file."),
    ] = None,
    train_data: Annotated[
        str | None,
        option(
            "--train-data",
            metavar="PATH",
            panel=DATA,
            help="Trains, and DATA judges; without it half of DATA does.",
        ),
    ] = None,
    max_samples: Annotated[
        int | None,
        option("--max-samples", metavar="N", panel=DATA, min=1, help="Of each, at random (4096)."),
    ] = None,
    transform: Annotated[
        str | None,
        option("--transform", metavar="NAME", panel=DATA, help="As in scan."),
    ] = None,
    fix_input: Annotated[
        bool, option("--fix-input", panel=DATA, help="Mend layout and dtype of the input.")
    ] = False,
    mask: Annotated[
        str | None,
        option("--mask", metavar="NAME", panel=DATA, help="The input that says what is padding."),
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
    device: Annotated[
        str | None,
        option(
            "--device",
            metavar="NAME",
            panel=TRAINING,
            help="auto, cpu, cuda, cuda:1 or mps (where the model is: the CPU for a file).",
        ),
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
    save: Annotated[
        Path | None,
        option(
            "--save",
            metavar="PATH",
            panel=OUTPUT,
            help="Write the copy that the best remedy treated, if one helps.",
        ),
    ] = None,
    output: Annotated[
        str, option("--format", metavar="json|text", panel=OUTPUT, help="Of stdout (text).")
    ] = "text",
    debug: Debug = False,
) -> None:
    """Train documented remedies on copies of a model and say which helps first."""
    with told_once(debug=debug):
        render.require_trial(output)
        names = tuple(room.require(name) for name in words(remedy))
        if steps is not None and epochs is not None:
            raise UsageError("--steps and --epochs were both given", hint="Leave one out.")
        if lr is not None and not 0 < lr < float("inf"):
            raise UsageError(f"--lr {lr:g} is no learning rate", hint="For example: --lr 0.001")
        if save is not None:
            _check_place(save, model, data, labels, train_data)
        trial, interrupted = _tried(
            model,
            data,
            save=save,
            trust=(trust, allow or []),
            remedies=names,
            optimizer=optimizer,
            lr=lr,
            steps=steps,
            epochs=epochs,
            batch_size=batch_size,
            seeds=seeds,
            seed=seed,
            time_budget=time_budget,
            labels=labels,
            train_data=train_data,
            max_samples=max_samples,
            transform=transform,
            fix_input=fix_input,
            mask=mask,
            call=call,
            device=device,
            factory=factory,
            factory_args=json_object("--model-args", factory_args),
            partial=partial,
        )
        write_out(render.render_trial(output, trial, display()))
        if interrupted:
            typer.echo("actdiag: interrupted: only what was tried until then is told", err=True)
            raise typer.Exit(INTERRUPTED)


def _check_place(save: Path, *inputs: str | None) -> None:
    """Make sure that the treated model can be written there and overwrites nothing that is read."""
    for path in filter(None, inputs):
        if save.resolve() == Path(path).resolve():
            raise UsageError(f"--save {save}: that is an input", hint="Choose another file name.")
    check_writable(save, f"--save {save}")


def _tried(
    model: str, data: str, *, save: Path | None, trust: tuple[bool, list[str]], **options: Any
) -> tuple[Trial, bool]:
    """Try the remedies and save, until the user has enough; tells which of both it was.

    What the user's own code prints meanwhile goes to stderr.
    """
    with redirect_stdout(sys.stderr), progress_bar() as bar, stoppable(bar) as progress:
        from actdiag.load import Trust
        from actdiag.trial import try_remedies

        tried = try_remedies(
            model,
            data,
            trust=Trust(everything=trust[0], names=frozenset(trust[1])),
            keep=save is not None,
            progress=progress,
            **options,
        )
        content = tried.content() if save is not None else None
    if save is None:
        return tried.trial, progress.asked
    if content is None:
        note = "Nothing was saved: no remedy helps whose model a file can hold."
        return replace(tried.trial, notes=(*tried.trial.notes, note)), progress.asked
    put(save, content[1])
    trial = replace(tried.trial, saved=str(save), saved_remedy=content[0])
    return trial, progress.asked


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("try", epilog=EPILOG)(try_)
