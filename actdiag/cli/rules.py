"""``actdiag rules``: the catalogue of rules, one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.cli._failing import told_once
from actdiag.cli._output import wrapped, write_out

if TYPE_CHECKING:
    import typer


def rules() -> None:
    """List the rules: code, name, what it sees."""
    with told_once():
        from actdiag.rules import registry

        known = registry().values()
        widest = max(len(rule.name) for rule in known)
        for rule in known:
            start = f"{rule.code}  {rule.name:{widest}}  "
            write_out(wrapped(rule.summary, start) + "\n")


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(rules)
