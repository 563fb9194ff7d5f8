"""``actdiag explain TOPIC``: a rule or an activation function, in full."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from actdiag.cli._failing import told_once
from actdiag.cli._output import wrapped, write_out
from actdiag.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.functions import ActivationFunction
    from actdiag.rules import Rule


def explain(
    topic: Annotated[
        str, typer.Argument(metavar="TOPIC", help="A rule's code or name, or a function.")
    ],
) -> None:
    """Explain a rule (dead-relu, ACT101) or an activation function (relu, SwiGLU)."""
    with told_once():
        from actdiag import functions
        from actdiag.rules import registry

        known = registry()
        named = {rule.name: rule for rule in known.values()}
        rule = known.get(topic.upper()) or named.get(topic.lower())
        row = functions.find(topic)
        if rule is not None:
            lines = _rule(rule)
        elif row is not None:
            lines = _function(row)
        else:
            topics = [*known, *named, *(entry.name for entry in functions.ALL)]
            hint = did_you_mean(topic, topics)
            if not hint.startswith("Did"):
                hint = "actdiag rules lists the rules; functions are named as in torch.nn."
            raise UsageError(f"nothing is known about '{topic}'", hint=hint)
        for line in lines:
            write_out(line + "\n")


def _rule(rule: Rule) -> Iterator[str]:
    yield wrapped(f"{rule.code} {rule.name}: {rule.summary}")
    for title, text in rule.sections.items():
        yield from ("", wrapped(title.upper()), wrapped(text))
    if rule.needs:
        yield from ("", "NEEDS", wrapped(", ".join(rule.needs)))
    if rule.thresholds:
        yield from ("", f"THRESHOLDS, set in [tool.actdiag.rules.{rule.code}]")
        yield from (
            wrapped(item.source, f"{item.name} = {item.default:g}  ") for item in rule.thresholds
        )


def _function(row: ActivationFunction) -> Iterator[str]:
    low, high = (_number(end) for end in row.output_range)
    yield wrapped(f"{row.title}: {row.formula}")
    facts = {
        "range": f"{low} to {high}",
        "largest slope": None if row.max_slope is None else _number(row.max_slope),
        "saturated": " and ".join(_saturated(row)),
        "initialise": f"{row.initialisation}, gain {row.gain:.4g}" if row.gain else "",
    }
    yield from (wrapped(value, f"  {name:13}  ") for name, value in facts.items() if value)
    parts = {
        "USED FOR": row.used_for,
        "WHAT GOES WRONG": row.goes_wrong,
        "WHAT TO DO": row.advice,
        "SOURCE": row.source,
    }
    for title, text in parts.items():
        if text:
            yield from ("", title, wrapped(text))


def _saturated(row: ActivationFunction) -> Iterator[str]:
    if row.saturated_below is not None:
        yield f"below {_number(row.saturated_below)}"
    if row.saturated_above is not None:
        yield f"above {_number(row.saturated_above)}"


def _number(value: float) -> str:
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.4g}"


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(explain)
