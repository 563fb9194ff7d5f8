"""The command line: one file per command, each of them only reads options and calls the rooms.

Starting it imports neither torch nor pandas nor matplotlib; a command imports what it needs.
"""

from __future__ import annotations

from typing import Annotated

import typer

from actdiag._version import __version__
from actdiag.cli import check, diff, explain, inspect, merge, report, rules, scan, try_
from actdiag.cli._configured import ConfiguredCommand, configured
from actdiag.cli._failing import told_once

app = typer.Typer(
    name="actdiag",
    help="Find out why a PyTorch model's activations are sick, from its file and your data.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (scan, try_, check, diff, merge, inspect, report):
    command.add_to(app)
for registered in app.registered_commands:
    if registered.callback is not None:
        registered.callback = configured(registered.callback)
        registered.cls = ConfiguredCommand
for command in (rules, explain):
    command.add_to(app)


def _version(wanted: bool) -> None:
    if wanted:
        from actdiag.stats.library import backend

        typer.echo(f"actdiag {__version__}")
        with told_once():
            typer.echo(f"backend: {backend().name} ({backend().detail})")
        raise typer.Exit


@app.callback()
def actdiag(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and the backend."
        ),
    ] = False,
) -> None:
    """Find out why a PyTorch model's activations are sick, from its file and your data."""


def main() -> None:
    """Run the command line of this process and leave with its exit code."""
    app(prog_name="actdiag")
