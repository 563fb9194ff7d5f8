"""Factory code for a bare state dict whose names and shapes prove a plain network.

What a state dict does not say (which activation, stride, pooling, padding) is marked as assumed in
the code that is offered; the widths, kernel sizes and the order of the layers are read off it.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

from actdiag.load.plaincode import Layer, write

if TYPE_CHECKING:
    from torch import Tensor

Shape = tuple[int, ...]
NORM_SIGNS = {"running_mean", "running_var"}
NAME = re.compile(r"[^\W\d]\w*|\d+")
LEVELS = 3  # holder.layer.weight


def propose(state: dict[str, Tensor]) -> str:
    """Python text of a factory ``build()`` that fits ``state`` exactly, or ``""``.

    Only for linear layers, or convolutions and then linear layers, each with or without batch
    normalisation, in which every layer takes what the one before gives. They may lie in
    ``nn.Sequential`` parts, as in ``features.0.weight`` and ``classifier.0.weight``.
    """
    layers = _layers(state)
    if not _chains(layers) or not _in_order(layers):
        return ""
    return write(layers)


def _layers(state: dict[str, Tensor]) -> list[Layer]:
    """The layers in the order of the state dict, empty when any of them is not plain."""
    grouped: dict[str, dict[str, Shape]] = {}
    for name, tensor in state.items():
        path, _, leaf = name.rpartition(".")
        grouped.setdefault(path, {})[leaf] = tuple(tensor.shape)
    layers = []
    for path, leaves in grouped.items():
        kind, parts = _kind(leaves), path.split(".")
        if not kind or len(parts) >= LEVELS or not all(map(NAME.fullmatch, parts)):
            return []
        holder, _, name = path.rpartition(".")
        layers.append(Layer(holder, name, kind, leaves["weight"], "bias" in leaves))
    return layers


def _kind(leaves: dict[str, Shape]) -> str:
    names = set(leaves)
    rank = len(leaves.get("weight", ()))
    if names >= NORM_SIGNS | {"weight", "bias"} and rank == 1:
        return "norm" if names <= NORM_SIGNS | {"weight", "bias", "num_batches_tracked"} else ""
    if not names <= {"weight", "bias"} or "weight" not in names:
        return ""
    if "bias" in names and leaves["bias"] != leaves["weight"][:1]:
        return ""
    return {2: "linear", 3: "conv1d", 4: "conv2d", 5: "conv3d"}.get(rank, "")


def _chains(layers: list[Layer]) -> bool:
    """Whether each layer takes what the one before gives; one flattening may lie between."""
    width, flattened = None, bool(layers) and layers[0].kind == "linear"
    for layer in layers:
        if layer.kind == "norm":
            if width != layer.shape[0]:
                return False
            continue
        if layer.kind == "linear" and not flattened:
            if not width or not layer.shape[1] or layer.shape[1] % width:
                return False
            flattened = True
        elif (layer.kind != "linear" and flattened) or width not in (None, layer.shape[1]):
            return False
        width = layer.shape[0]
    return sum(layer.kind != "norm" for layer in layers) > 1  # one layer proves no network


def _in_order(layers: list[Layer]) -> bool:
    """Whether each part is in one piece, and its numbers, if it has any, rise."""
    runs = [(holder, list(run)) for holder, run in groupby(layers, lambda layer: layer.holder)]
    holders = [holder for holder, _ in runs if holder]
    if len(set(holders)) < len(holders):
        return False
    for _, run in runs:
        numbers = [int(layer.name) for layer in run if layer.name.isdigit()]
        if numbers and (len(numbers) < len(run) or numbers != sorted(numbers)):
            return False
    return True
