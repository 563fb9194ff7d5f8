"""``actdiag rules``: the catalogue of rules, one line each."""

from __future__ import annotations

from typing import Annotated

import typer

from actdiag.cli._failing import told_once
from actdiag.cli._output import wrapped, write_out


def rules(
    wanted: Annotated[
        list[str] | None,
        typer.Argument(metavar="RULE", help="Codes, beginnings of them such as ACT, or names."),
    ] = None,
) -> None:
    """List the rules, all or those named: code, name, what it sees."""
    with told_once():
        from actdiag.rules import registry
        from actdiag.rules.select import chosen

        known = chosen(registry(), wanted or (), ())
        widest = max(len(rule.name) for rule in known)
        for rule in known:
            start = f"{rule.code}  {rule.name:{widest}}  "
            write_out(wrapped(rule.summary, start) + "\n")


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(rules)
