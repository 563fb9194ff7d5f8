"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from actdiag import render
from actdiag.errors import UsageError


def option(flag: str, *, panel: str, **details: Any) -> Any:
    """Declare an option, shown in the help under the heading ``panel``."""
    return typer.Option(flag, rich_help_panel=panel, show_default=False, **details)


OUTPUT, RULES, SETTINGS = "Output", "Rules", "Settings"
_FORMATS = ", ".join(render.names())


def formats_beginning(incomplete: str) -> list[str]:
    """Complete the name of a format in the shell."""
    return [name for name in render.names() if name.startswith(incomplete)]


def rules_beginning(incomplete: str) -> list[tuple[str, str]]:
    """Complete the code of a rule in the shell, which shows the name beside it."""
    from actdiag.rules import registry

    start = incomplete.upper()
    return [(code, one.name) for code, one in registry().items() if code.startswith(start)]


Format = Annotated[
    str,
    option(
        "--format",
        metavar="NAME",
        panel=OUTPUT,
        help=f"Of stdout: {_FORMATS} (text).",
        autocompletion=formats_beginning,
    ),
]
Reports = Annotated[
    list[str] | None,
    option(
        "--report",
        metavar="FORMAT=PATH",
        panel=OUTPUT,
        help="Also write a report to a file, or figures to a folder (png=DIR); repeatable.",
    ),
]
Select = Annotated[
    list[str] | None,
    option(
        "--select",
        metavar="CODES",
        panel=RULES,
        help="Run only these: codes, their beginnings or names, comma-separated.",
        autocompletion=rules_beginning,
    ),
]
Ignore = Annotated[
    list[str] | None,
    option(
        "--ignore",
        metavar="CODES",
        panel=RULES,
        help="Leave these out.",
        autocompletion=rules_beginning,
    ),
]
Config = Annotated[
    Path | None,
    option(
        "--config",
        metavar="FILE",
        panel=SETTINGS,
        help="In place of the nearest actdiag.toml or pyproject.toml.",
    ),
]
ShowConfig = Annotated[
    bool,
    option("--show-config", panel=SETTINGS, help="Print all settings and where they are from."),
]
Debug = Annotated[
    bool, option("--debug", panel="Running", help="Show the traceback when something fails.")
]


def words(options: list[str] | None) -> tuple[str, ...]:
    """Return the words of a repeatable option that may also hold commas."""
    return tuple(
        word.strip() for option in options or () for word in option.split(",") if word.strip()
    )


def json_object(flag: str, text: str | None) -> dict[str, Any] | None:
    """Read the value of an option that takes a JSON object.

    Raises:
        UsageError: it is none.
    """
    if text is None:
        return None
    hint = f"""For example: {flag} '{{"hidden": 64}}'"""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{flag} is not JSON: {error}", hint=hint) from None
    if not isinstance(value, dict):
        raise UsageError(f"{flag} is not a JSON object: {text}", hint=hint)
    return value
