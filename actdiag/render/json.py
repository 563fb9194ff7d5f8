"""The contract's JSON: one document, in the order of the schema, ending in a newline."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from actdiag.records import SCHEMA_VERSION

if TYPE_CHECKING:
    from actdiag.records import Report

# Legal inside a JSON string, but they move the cursor, hide text or cannot be encoded in UTF-8:
# DEL and C1 controls, invisible and direction-changing characters, lone surrogates.
_HAZARDS = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb]"
)


def render(report: Report, *more: Report) -> str:
    r"""Return the report as JSON; every record of a list on a line of its own.

    Several reports stand in the list ``reports`` of one document, each on a line.
    The same report gives the same text, byte for byte. Characters that could harm a terminal are
    written as ``\uXXXX``, which reads back as the same character.
    """
    if more:
        documents = [each.to_json() for each in (report, *more)]
        return written({"schema_version": SCHEMA_VERSION, "reports": documents})
    return written(report.to_json())


def written(document: dict[str, Any]) -> str:
    """Return a document as JSON text, in the same manner."""
    members = (f"{_compact(key)}: {_member(value)}" for key, value in document.items())
    text = "{\n" + ",\n".join(members) + "\n}\n"
    return _HAZARDS.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _member(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return _compact(value)
    return "[\n  " + ",\n  ".join(map(_compact, value)) + "\n]"


def _compact(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False)
