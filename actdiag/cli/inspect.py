"""``actdiag inspect MODEL``: what a model file is, without running anything from it."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actdiag import render
from actdiag.cli._failing import told_once
from actdiag.cli._options import OUTPUT, Debug, json_object, option
from actdiag.cli._output import display, write_out

if TYPE_CHECKING:
    from actdiag.records import Inspection

MODEL = "Model"

EPILOG = """Examples

actdiag inspect downloaded.ckpt

actdiag inspect weights.pth --model net.py:Net --format json"""


def inspect(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="The model file, FILE:KEY for weights in it, or FILE.py:NAME that builds one.",
        ),
    ],
    *,
    factory: Annotated[
        str | None,
        option("--model", metavar="FILE.py:NAME", panel=MODEL, help="Builds a state dict's model."),
    ] = None,
    factory_args: Annotated[
        str | None,
        option("--model-args", metavar="JSON", panel=MODEL, help="Its keyword arguments."),
    ] = None,
    partial: Annotated[
        bool, option("--partial", panel=MODEL, help="Go on if a state dict fits in part.")
    ] = False,
    output: Annotated[
        str, option("--format", metavar="json|text", panel=OUTPUT, help="Of stdout (text).")
    ] = "text",
    debug: Debug = False,
) -> None:
    """Say what a model file is, without running it: trust, parameters, layers, activations."""
    with told_once(debug=debug):
        arguments = json_object("--model-args", factory_args)
        render.require_inspection(output)
        found = _inspected(model, factory=factory, factory_args=arguments, partial=partial)
        write_out(render.render_inspection(output, found, display()))


def _inspected(model: str, **options: Any) -> Inspection:
    """Look at the file; what the user's own code prints meanwhile goes to stderr."""
    with redirect_stdout(sys.stderr):
        from actdiag import inspection

        return inspection.inspect(model, **options)


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(epilog=EPILOG)(inspect)
