"""Writing a plain network down as Python code."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = """from collections import OrderedDict

from torch import nn


def build():
    \"\"\"Read off the names and shapes; what is marked (assumed) is a guess.\"\"\"
    return nn.Sequential(OrderedDict([
"""
TAIL = "    ]))\n"
FREE = 2  # numbers left free between two convolutions: an activation, then most likely a pooling


@dataclass(frozen=True)
class Layer:
    """One layer as a state dict tells it.

    Attributes:
        holder: the ``nn.Sequential`` that it lies in, or ``""``.
        name: its name in there.
        kind: linear, norm, conv1d, conv2d or conv3d.
        shape: shape of its weight.
        bias: whether it has one.
    """

    holder: str
    name: str
    kind: str
    shape: tuple[int, ...]
    bias: bool


@dataclass(frozen=True)
class _Entry:
    """One line of code; ``name`` is null for layers without weights."""

    holder: str
    name: str | None
    stem: str
    code: str
    assumed: bool = False


def write(layers: list[Layer]) -> str:
    """Code of a factory ``build()`` with these layers in a row."""
    lines = []
    for holder, run in groupby(_entries(layers), lambda entry: entry.holder):
        labelled = list(_labelled(list(run)))
        if holder:
            lines.append(f'        ("{holder}", nn.Sequential(OrderedDict([')
            lines += [f"            {line}" for line in labelled]
            lines.append("        ]))),")
        else:
            lines += [f"        {line}" for line in labelled]
    return HEAD + "\n".join(lines) + "\n" + TAIL


def _entries(layers: list[Layer]) -> Iterator[_Entry]:
    dimensions = next((layer.kind[-2] for layer in layers if layer.kind.startswith("conv")), "1")
    flat, width, before = layers[0].kind == "linear", 0, layers[0]
    following = [*layers[1:], None]
    for layer, after in zip(layers, following, strict=True):
        if layer.kind == "linear" and not flat:
            holder = layer.holder if before.holder == layer.holder else ""
            if side := _side(layer.shape[1] // width, int(dimensions)):
                pool = f"nn.AdaptiveAvgPool{dimensions}d({side})"
                yield _Entry(holder, None, "pool", pool, assumed=True)
            yield _Entry(holder, None, "flatten", "nn.Flatten()")
            flat = True
        yield _Entry(layer.holder, layer.name, "", _code(layer, dimensions, flat=flat))
        if after is not None and after.kind != "norm":
            yield _Entry(layer.holder, None, "activation", "nn.ReLU()", assumed=True)
            if after.kind.startswith("conv") and _room(layer, after) >= FREE:
                yield _Entry(
                    layer.holder, None, "pool", f"nn.MaxPool{dimensions}d(2)", assumed=True
                )
        width = width if layer.kind == "norm" else layer.shape[0]
        before = layer


def _labelled(entries: list[_Entry]) -> Iterator[str]:
    """The lines of one part. What has no weights goes into the gaps between the numbers.

    Between two consecutive numbers there was nothing, so no activation is put there.
    """
    numbered = any(entry.name is not None and entry.name.isdigit() for entry in entries)
    taken = {entry.name for entry in entries}
    free = 0
    for place, entry in enumerate(entries):
        later = next((int(e.name) for e in entries[place:] if numbered and e.name), None)
        label = entry.name
        if label is None and numbered and (later is None or free < later):
            label = str(free)
        elif label is None and numbered and entry.stem == "activation":
            continue
        elif label is None:
            label = next(name for i in range(1, 9999) if (name := f"{entry.stem}{i}") not in taken)
        taken.add(label)
        free = int(label) + 1 if label.isdigit() else free
        yield f'("{label}", {entry.code}),' + ("  # (assumed)" if entry.assumed else "")


def _room(layer: Layer, after: Layer) -> int:
    """Numbers left free between two layers of one part."""
    if layer.holder != after.holder or not (layer.name.isdigit() and after.name.isdigit()):
        return 0
    return int(after.name) - int(layer.name) - 1


def _side(positions: int, dimensions: int) -> int:
    """The side of the feature map that is flattened, if it is a line, square or cube."""
    side = round(positions ** (1 / dimensions))
    return side if side**dimensions == positions else 0


def _code(layer: Layer, dimensions: str, *, flat: bool) -> str:
    bias = "" if layer.bias else ", bias=False"
    if layer.kind == "linear":
        return f"nn.Linear({layer.shape[1]}, {layer.shape[0]}{bias})"
    if layer.kind == "norm":
        return f"nn.BatchNorm{'1' if flat else dimensions}d({layer.shape[0]})"
    kernel = layer.shape[2:]
    size = str(kernel[0]) if len(set(kernel)) == 1 else str(kernel)
    padding = ", padding='same'" if all(side % 2 for side in kernel) else ""
    return f"nn.Conv{layer.kind[-2]}d({layer.shape[1]}, {layer.shape[0]}, {size}{padding}{bias})"
