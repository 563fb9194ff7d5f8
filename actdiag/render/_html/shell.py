"""The page around what a report or a comparison says: its style, its one script, its policy."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from actdiag.render._findings import line_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from actdiag.records import ToolInfo
    from actdiag.render._documentation import Documentation


def document(
    template: str, title: str, tool: ToolInfo, rules: Iterable[Documentation], **told: Any
) -> str:
    """Return the page that a template makes of what is told; everything in it is escaped.

    ``rules`` are documented at its end, where findings link to. The page's own policy lets no
    script run but the one that sorts tables.
    """
    script = _file("sort.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        _environment()
        .get_template(template)
        .render(
            title=line_of(f"{title} - {tool.name}"),
            style=_file("style.css"),
            script=script,
            script_hash=f"sha256-{digest}",
            tool=line_of(f"{tool.name} {tool.version}"),
            rules=[_rule(page) for page in rules],
            **told,
        )
    )


def _rule(page: Documentation) -> dict[str, Any]:
    return {
        "code": page.code,
        "title": f"{page.code} {page.name}",
        "summary": page.summary,
        "sections": {title: text.split("`") for title, text in page.sections.items()},
    }


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("actdiag.render", "_html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _file(name: str) -> str:
    source, _, _ = _environment().loader.get_source(_environment(), name)  # type: ignore[union-attr]
    return source
