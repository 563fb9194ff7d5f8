"""Telling a person why a state dict and a module don't go together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Shape = tuple[int, ...]
GROUPS_SHOWN = 6
# Endings that changed their name: of older version or library, of today's.
OTHER_NAMES = (
    ((".gamma", ".beta"), "LayerNorm's older names gamma and beta"),
    ((".weight_g", ".weight_v"), "weight_norm's older names weight_g and weight_v"),
    ((".original0", ".original1"), "today's weight_norm (parametrizations)"),
    ((".weight_orig", ".weight_mask"), "pruned layers"),
    ((".qweight", ".scales", ".qzeros", "._packed_params"), "quantised layers"),
    ((".lora_A", ".lora_B"), "LoRA adapters"),
)


@dataclass(frozen=True)
class Misfit:
    """Names that don't go together.

    Attributes:
        missing: the module has them, the file doesn't.
        unexpected: the file has them, the module doesn't.
        shapes: in both; shape in the file and shape in the module.
    """

    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    shapes: dict[str, tuple[Shape, Shape]] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether everything fits."""
        return not (self.missing or self.unexpected or self.shapes)


@dataclass(frozen=True)
class Explanation:
    """The misfit in words: a listing of lines, and the likely reason with what to do."""

    listing: str
    reason: str


def explain(misfit: Misfit, placed: Mapping[str, Any]) -> Explanation:
    """Group the names by layer and guess at the reason.

    Args:
        misfit: what doesn't fit.
        placed: what does.
    """
    lines = []
    if misfit.shapes:
        lines.append(f"  other shape ({len(misfit.shapes)}): {_shapes(misfit.shapes)}")
    if misfit.missing:
        lines.append(f"  missing in the file ({len(misfit.missing)}): {_grouped(misfit.missing)}")
    if misfit.unexpected:
        count = len(misfit.unexpected)
        lines.append(f"  in the file only ({count}): {_grouped(misfit.unexpected)}")
    advice = " Add --partial to go on with what fits." if placed else ""
    return Explanation("\n".join(lines), _reason(misfit, placed) + advice)


def _reason(misfit: Misfit, placed: Mapping[str, Any]) -> str:
    for endings, what in OTHER_NAMES:
        for names, where in ((misfit.unexpected, "file"), (misfit.missing, "model")):
            if any(name.endswith(endings) for name in names):
                return f"Likely another version: the {where} uses {what}."
    if misfit.shapes and not (misfit.missing or misfit.unexpected):
        return _width(misfit)
    if prefix := _prefix(misfit):
        return prefix
    if not placed and not misfit.shapes:
        return "Likely another model: no name is in both. Check --model."
    if misfit.shapes:
        return _width(misfit)
    if misfit.missing and not misfit.unexpected:
        return "Likely a deeper model than the one saved, or a file that holds only a part of it."
    if misfit.unexpected and not misfit.missing:
        return "Likely a smaller model than the one saved. Check the depth in --model-args."
    return "Likely another version of the model's code, with layers renamed, added or removed."


def _width(misfit: Misfit) -> str:
    if len(misfit.shapes) <= 2:  # noqa: PLR2004 - a weight and its bias
        name, (theirs, ours) = next(iter(misfit.shapes.items()))
        layer = name.rpartition(".")[0] or name
        return (
            f"Likely another width of {layer} alone (such as the number of classes): the file has "
            f"{_shape(theirs)}, the model {_shape(ours)}. Give --model-args that match the file."
        )
    return "Likely the same model with another width. Give --model-args that match the file."


def _prefix(misfit: Misfit) -> str:
    """The prefix that would make most of the names agree, as advice; else ``""``."""
    missing, votes = set(misfit.missing), Counter[tuple[str, str]]()
    for name in misfit.unexpected:
        for other in missing:
            if name.endswith("." + other):
                votes["file", name.removesuffix(other)] += 1
            elif other.endswith("." + name):
                votes["model", other.removesuffix(name)] += 1
    if not votes:
        return ""
    (where, prefix), count = votes.most_common(1)[0]
    if count < max(1, min(len(misfit.unexpected), len(missing)) // 2):
        return ""
    return (
        f"Likely a prefix: the names in the {where} begin with {prefix!r}. Give a factory that "
        "builds the part the weights belong to, or rename them before saving."
    )


def _shapes(shapes: Mapping[str, tuple[Shape, Shape]]) -> str:
    shown = [
        f"{name} {_shape(theirs)} in the file, {_shape(ours)} in the model"
        for name, (theirs, ours) in list(shapes.items())[:GROUPS_SHOWN]
    ]
    more = len(shapes) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more > 0 else "")


def _shape(shape: Shape) -> str:
    return "×".join(str(size) for size in shape) or "scalar"


def _grouped(names: Iterable[str]) -> str:
    """``fc.(weight, bias), layer4.* (12)``: names gathered by the layer they belong to."""
    names = list(names)
    depth = 1
    groups = _by_layer(names, None)
    if len(groups) > GROUPS_SHOWN:
        groups = _by_layer(names, depth)
    shown = [_group(layer, leaves) for layer, leaves in list(groups.items())[:GROUPS_SHOWN]]
    more = len(groups) - len(shown)
    return ", ".join(shown) + (f" and {more} more groups" if more > 0 else "")


def _by_layer(names: list[str], depth: int | None) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        parts = name.split(".")
        cut = len(parts) - 1 if depth is None else min(depth, len(parts) - 1)
        groups.setdefault(".".join(parts[:cut]), []).append(".".join(parts[cut:]))
    return groups


def _group(layer: str, leaves: list[str]) -> str:
    if not layer:
        return ", ".join(leaves[:4]) + (f" and {len(leaves) - 4} more" if len(leaves) > 4 else "")  # noqa: PLR2004
    if len(leaves) == 1:
        return f"{layer}.{leaves[0]}"
    if len(leaves) <= 3:  # noqa: PLR2004
        return f"{layer}.({', '.join(leaves)})"
    return f"{layer}.* ({len(leaves)})"
