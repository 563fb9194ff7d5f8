"""Factory code for a bare state dict whose names and shapes prove a plain network.

What a state dict does not say (which activation, stride, pooling, padding) is marked as assumed in
the code that is offered; the widths, kernel sizes and the order of the layers are read off it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

INDENT = "        "
NORM_SIGNS = {"running_mean", "running_var"}
STEMS = {"nn.ReLU": "activation", "nn.Flatten": "flatten", "nn.Adaptiv": "pool"}
IDENTIFIER = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class _Layer:
    """One layer as the state dict tells it: its name, its kind and its tensors' shapes."""

    name: str
    kind: str
    shape: tuple[int, ...]
    bias: bool


def propose(state: dict[str, Tensor]) -> str:
    """Python text of a factory ``build()`` that fits ``state`` exactly, or ``""``.

    Only for linear layers, or convolutions and then linear layers, each with or without batch
    normalisation, in which every layer takes what the one before gives.
    """
    holder = _holder(state)
    layers = _layers({name.removeprefix(holder): tensor for name, tensor in state.items()})
    if len(layers) < 2 or not _chains(layers):  # noqa: PLR2004 - one layer proves no network
        return ""
    numbers = [int(layer.name) for layer in layers if layer.name.isdigit()]
    numbered = len(numbers) == len(layers) and numbers == sorted(numbers)
    if not numbered and not all(IDENTIFIER.fullmatch(layer.name) for layer in layers):
        return ""
    open_, close = ("nn.Sequential(OrderedDict([", "]))")
    body = [INDENT + line for line in _labelled(layers)]
    if holder:
        body = [f'{INDENT}("{holder[:-1]}", {open_}', *("    " + line for line in body)]
        body.append(f"{INDENT}{close}),")
    head = ["from collections import OrderedDict", "", "from torch import nn", "", ""]
    about = '    """Read off the names and shapes; what is marked (assumed) is a guess."""'
    return "\n".join(
        [*head, "def build():", about, f"    return {open_}", *body, f"    {close}", ""]
    )


def _holder(state: dict[str, Tensor]) -> str:
    """The one attribute that all names lie under, with its dot, or ``""``."""
    firsts = {name.partition(".")[0] for name in state}
    first = next(iter(firsts), "")
    deep = all(name.count(".") > 1 for name in state)
    return f"{first}." if len(firsts) == 1 and deep and IDENTIFIER.fullmatch(first) else ""


def _layers(state: dict[str, Tensor]) -> list[_Layer]:
    """The layers in the order of the state dict, empty when any of them is not plain."""
    grouped: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, tensor in state.items():
        layer, _, leaf = name.rpartition(".")
        grouped.setdefault(layer, {})[leaf] = tuple(tensor.shape)
    layers = []
    for name, leaves in grouped.items():
        kind = _kind(leaves)
        if not kind or "." in name:
            return []
        layers.append(_Layer(name, kind, leaves["weight"], "bias" in leaves))
    return layers


def _kind(leaves: dict[str, tuple[int, ...]]) -> str:
    names = set(leaves)
    rank = len(leaves.get("weight", ()))
    if names >= NORM_SIGNS | {"weight", "bias"} and rank == 1:
        return "norm" if names <= NORM_SIGNS | {"weight", "bias", "num_batches_tracked"} else ""
    if not names <= {"weight", "bias"} or "weight" not in names:
        return ""
    if "bias" in names and leaves["bias"] != leaves["weight"][:1]:
        return ""
    return {2: "linear", 3: "conv1d", 4: "conv2d", 5: "conv3d"}.get(rank, "")


def _chains(layers: list[_Layer]) -> bool:
    """Whether each layer takes what the one before gives; one flattening may lie between."""
    width, flattened = None, layers[0].kind == "linear"
    for layer in layers:
        if layer.kind == "norm":
            if width != layer.shape[0]:
                return False
            continue
        if layer.kind == "linear" and not flattened:
            if width is None or layer.shape[1] % width:
                return False
            flattened = True
        elif (layer.kind != "linear" and flattened) or width not in (None, layer.shape[1]):
            return False
        width = layer.shape[0]
    return sum(layer.kind != "norm" for layer in layers) > 1


def _entries(layers: list[_Layer]) -> list[tuple[str | None, str, str]]:
    """Name (null for layers without weights), constructor and remark of each layer."""
    entries: list[tuple[str | None, str, str]] = []
    last = max(place for place, layer in enumerate(layers) if layer.kind != "norm")
    dimensions = next((layer.kind[-2] for layer in layers if layer.kind.startswith("conv")), "1")
    flat = layers[0].kind == "linear"
    for place, layer in enumerate(layers):
        if layer.kind == "linear" and not flat:
            side = _pooled_side(layer.shape[1] // _width_before(layers, place), int(dimensions))
            if side:
                entries.append((None, f"nn.AdaptiveAvgPool{dimensions}d({side})", "assumed"))
            entries.append((None, "nn.Flatten()", "proven" if side else "assumed"))
            flat = True
        entries.append((layer.name, _constructor(layer, dimensions, flat=flat), ""))
        norm_follows = place + 1 < len(layers) and layers[place + 1].kind == "norm"
        if place < last and not norm_follows:
            entries.append((None, "nn.ReLU()", "assumed"))
    return entries


def _width_before(layers: list[_Layer], place: int) -> int:
    return next(layer.shape[0] for layer in reversed(layers[:place]) if layer.kind != "norm")


def _pooled_side(positions: int, dimensions: int) -> int:
    """The side of the feature map that is flattened, if it is a line, square or cube."""
    side = round(positions ** (1 / dimensions))
    return side if side**dimensions == positions else 0


def _constructor(layer: _Layer, dimensions: str, *, flat: bool) -> str:
    bias = "" if layer.bias else ", bias=False"
    if layer.kind == "linear":
        return f"nn.Linear({layer.shape[1]}, {layer.shape[0]}{bias})"
    if layer.kind == "norm":
        return f"nn.BatchNorm{'1' if flat else dimensions}d({layer.shape[0]})"
    kernel = layer.shape[2:]
    size = str(kernel[0]) if len(set(kernel)) == 1 else str(kernel)
    padding = ", padding='same'" if all(side % 2 for side in kernel) else ""
    return f"nn.Conv{layer.kind[-2]}d({layer.shape[1]}, {layer.shape[0]}, {size}{padding}{bias})"


def _labelled(layers: list[_Layer]) -> list[str]:
    """One line per layer. What has no weights goes into the gaps between the numbers, if any.

    Between two consecutive numbers there was nothing, so no activation is put there.
    """
    lines, following, taken = [], 0, {layer.name for layer in layers}
    numbered = all(layer.name.isdigit() for layer in layers)
    entries = _entries(layers)
    for place, (name, constructor, remark) in enumerate(entries):
        label = name
        if label is None:
            later = next(entry[0] for entry in entries[place:] if entry[0] is not None)
            if numbered and following < int(later):
                label = str(following)
            elif numbered and constructor == "nn.ReLU()":
                continue
            else:
                stem = STEMS[constructor.partition("(")[0][:10]]
                label = next(f"{stem}{i}" for i in range(1, 999) if f"{stem}{i}" not in taken)
                taken.add(label)
        if label.isdigit():
            following = int(label) + 1
        lines.append(_line(label, constructor, remark))
    return lines


def _line(name: str, constructor: str, remark: str) -> str:
    comment = "  # (assumed)" if remark == "assumed" else ""
    return f'("{name}", {constructor}),{comment}'
