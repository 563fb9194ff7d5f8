"""``--show-config``: every setting of a command as it is in effect, and where it comes from."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actdiag import render
from actdiag.cli._output import display, write_out
from actdiag.config import Settings, validated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from actdiag.cli._settings import Setting
    from actdiag.config import Configuration

_DEFAULT, COMMAND_LINE = "default", "command line"


def show(
    ctx: Any,
    command: str,
    settings: Mapping[str, Setting],
    found: Configuration,
    origins: Mapping[str, str],
) -> None:
    """Print the settings, as text or with ``--format json`` as one document.

    ``origins`` says by the command's parameters where those are from that have not their default.
    """
    values = {
        key: {
            "value": _plain(ctx.params.get(one.parameter)),
            "source": origins.get(one.parameter, _DEFAULT),
        }
        for key, one in settings.items()
    }
    judging = validated(Settings, found.table, found.file)
    document = {
        "command": command,
        "file": str(found.file) if found.file else None,
        "settings": values,
        "rules": judging.rules,
        "exemptions": [
            {"rule": each.rule, "modules": each.modules, "reason": each.reason}
            for each in judging.exempt()
        ],
    }
    if ctx.params.get("output") == "json":
        write_out(json.dumps(document, indent=1) + "\n")
        return
    unicode = display().unicode
    for line in _lines(document):
        write_out(render.clean(line, unicode=unicode) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Path) else value


def _lines(document: dict[str, Any]) -> Iterator[str]:
    yield f"actdiag {document['command']}"
    yield f"configuration: {document['file'] or 'no file'}"
    rows = [
        (key, _said(each["value"]), each["source"]) for key, each in document["settings"].items()
    ]
    keys, values = (max(len(row[at]) for row in rows) for at in (0, 1))
    for key, value, source in sorted(rows, key=lambda row: row[2] == _DEFAULT):
        shown = Path(source).name if source == document["file"] else source
        yield f"  {key:{keys}}  {value:{values}}  {shown}".rstrip()
    for code, thresholds in document["rules"].items():
        for name, value in thresholds.items():
            yield f"  rules.{code}.{name} = {value:g}"
    for each in document["exemptions"]:
        yield f"  ignored: {each['rule']} in {each['modules']} ({each['reason']})"


def _said(value: Any) -> str:
    if value in (None, [], ()):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
