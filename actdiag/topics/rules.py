"""A page for every rule: its docstring, what it needs, its thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.rules import registry
from actdiag.topics.base import RULE, Part, Topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.rules import Rule


def topics() -> Iterator[Topic]:
    """The pages of all rules, plugins' too, in the order of their codes."""
    for rule in registry().values():
        yield Topic(
            kind=RULE,
            name=rule.code,
            title=f"{rule.code} {rule.name}: {rule.summary}",
            parts=tuple(_parts(rule)),
            aliases=(rule.name,),
        )


def _parts(rule: Rule) -> Iterator[Part]:
    yield from (Part(title, text) for title, text in rule.sections.items())
    if rule.needs:
        yield Part("Needs", ", ".join(rule.needs))
    if rule.thresholds:
        rows = tuple((f"{item.name} = {item.default:g}", item.source) for item in rule.thresholds)
        yield Part(f"Thresholds, set in [tool.actdiag.rules.{rule.code}]", rows=rows)
