"""The function on the model's output: what it answers with, and what that fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.inspection.chain import after_last_weights
from actdiag.inspection.kinds import outputs_of
from actdiag.records import Fit, Found

if TYPE_CHECKING:
    from actdiag.inspection.tree import Tree
    from actdiag.records import Layer

Answer = tuple[tuple[Found, ...], str]

_ANSWERS = {"softmax", "log_softmax", "sigmoid", "logsigmoid", "softmin"}
_LAST_KEPT = "kept last in the model; whether it is applied last can't be seen without running"
_LOGIT = "right where the loss applies the sigmoid (BCEWithLogitsLoss)"
_LOGITS = "right where the loss applies the softmax (CrossEntropyLoss)"
_ONE = "softmax over a single output is always 1: use a sigmoid"
_SEVERAL = "right for labels that don't exclude each other; else softmax"
_VALUES = "if what it predicts are values"
_LIMITS = "limits the range of what can be predicted"


def output_layers(tree: Tree) -> set[str]:
    """Names of the activation layers that stand on the output."""
    _, after, certain = after_last_weights(tree)
    return {layer.name for layer in after if _on_output(layer, certain=certain)}


def _on_output(layer: Layer, *, certain: bool) -> bool:
    return layer.function is not None and (certain or layer.function in _ANSWERS)


def found(tree: Tree) -> dict[str, Answer]:
    """What stands on the output, as seen from each of the three documented kinds of output."""
    last, after, certain = after_last_weights(tree)
    outputs = outputs_of(last) if last is not None else None
    if last is None or outputs is None:
        nothing: Answer = (), "no layer tells what the model answers with"
        return dict.fromkeys(("binary", "classes", "values"), nothing)
    on_it = [layer for layer in after if _on_output(layer, certain=certain)]
    name = on_it[-1].function if on_it else None
    place = (on_it[-1].name if on_it else last.name,)
    sure = certain or (tree.sees_functions and not on_it)
    kept = _LAST_KEPT if on_it and not sure else ""
    width = f"{outputs:,} output{'s' * (outputs > 1)} ({last.name or 'the model'})"

    def judged(fit: Fit, note: str) -> Answer:
        if not sure and not on_it:
            return (Found(None, place, "", Fit.NOT_SEEN),), width
        said = "; ".join(part for part in (note, kept) if part)
        return (Found(name, place, "module" if on_it else "order", fit, said),), width

    other: Answer = (), width
    if outputs == 1 and name == "softmax":
        return {"binary": other, "classes": judged(Fit.DIFFERS, _ONE), "values": other}
    return {
        "binary": judged(*_binary(name)) if outputs == 1 else other,
        "classes": judged(*_classes(name)) if outputs > 1 else other,
        "values": judged(*_values(name)) if name not in _ANSWERS else other,
    }


def _binary(name: str | None) -> tuple[Fit, str]:
    if name is None:
        return Fit.DEPENDS, _LOGIT
    if name in {"sigmoid", "logsigmoid"}:
        return Fit.FITS, ""
    return Fit.DIFFERS, "not a probability"


def _classes(name: str | None) -> tuple[Fit, str]:
    if name is None:
        return Fit.DEPENDS, _LOGITS
    if name in {"softmax", "log_softmax"}:
        return Fit.FITS, ""
    if name == "sigmoid":
        return Fit.DEPENDS, _SEVERAL
    return Fit.DIFFERS, "not a distribution over classes"


def _values(name: str | None) -> tuple[Fit, str]:
    return (Fit.FITS, _VALUES) if name is None else (Fit.DIFFERS, _LIMITS)
