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


OUTPUT, RULES = "Output", "Rules"
_FORMATS = ", ".join(render.names())

Format = Annotated[
    str,
    option("--format", metavar="NAME", panel=OUTPUT, help=f"Of stdout: {_FORMATS} (text)."),
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
    ),
]
Ignore = Annotated[
    list[str] | None,
    option(
        "--ignore",
        metavar="CODES",
        panel=RULES,
        help="Leave these out.",
    ),
]
Config = Annotated[
    Path | None,
    option(
        "--config",
        metavar="FILE",
        panel=RULES,
        help="Settings; else the nearest actdiag.toml or pyproject.toml.",
    ),
]
ShowConfig = Annotated[
    bool,
    option("--show-config", panel=RULES, help="Print all settings and where they are from."),
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
