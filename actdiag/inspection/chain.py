"""What follows what where the order is known: in the containers that run their parts in a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.inspection.kinds import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.inspection.tree import Tree
    from actdiag.records import Layer

_WEIGHTS = {"linear", "conv"}
_LINEAR = {
    *("Flatten", "Unflatten", "Identity", "Upsample", "PixelShuffle", "PixelUnshuffle"),
    *("ZeroPad1d", "ZeroPad2d", "ZeroPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d"),
}
_HEADS = ("classifier", "lm_head", "head", "score", "qa_outputs", "logits", "output", "out", "fc")
_LINEAR_MARKS = ("Dropout", "AvgPool", "BatchNorm")


def runs(tree: Tree) -> Iterator[list[Layer]]:
    """Leaves that run one after the other, for each stretch in which that is certain."""
    inside = {
        layer.name
        for layer in tree.layers
        if (above := tree.parent(layer)) is not None and _in_a_row(above)
    }
    for layer in tree.layers:
        if _in_a_row(layer) and layer.name not in inside:
            yield from _stretches(list(_parts(tree, layer)))


def _in_a_row(layer: Layer) -> bool:
    return (layer.class_path or "") == "torch.nn.modules.container.Sequential"


def _parts(tree: Tree, layer: Layer) -> Iterator[Layer | None]:
    """Leaves in their order; null in place of a part whose inner order nobody knows."""
    for child in tree.children(layer):
        if _in_a_row(child):
            yield from _parts(tree, child)
        elif tree.children(child) or not (child.class_path or "").startswith("torch.nn."):
            yield None
        else:
            yield child


def _stretches(parts: list[Layer | None]) -> Iterator[list[Layer]]:
    stretch: list[Layer] = []
    for part in [*parts, None]:
        if part is not None:
            stretch.append(part)
        elif stretch:
            yield stretch
            stretch = []


def stacked(tree: Tree) -> Iterator[tuple[Layer, Layer]]:
    """Linear layers that follow each other with nothing but linear operations in between."""
    for run in runs(tree):
        before: Layer | None = None
        for layer in run:
            if kind_of(layer) in _WEIGHTS:
                if before is not None:
                    yield before, layer
                before = layer
            elif not _is_linear(layer):
                before = None


def _is_linear(layer: Layer) -> bool:
    name = layer.class_name or ""
    return name in _LINEAR or any(mark in name for mark in _LINEAR_MARKS)


def _named_as_head(tree: Tree, weighted: list[Layer]) -> Layer | None:
    """What its author named as the head, in a file whose order tells nothing.

    Files of safetensors sort the names.
    """
    names = [layer.name for layer in weighted]
    if names != sorted(names) or any(layer.class_path for layer in tree.layers):
        return None
    found = {layer.name.partition(".")[0]: layer for layer in weighted}
    return next((found[name] for name in _HEADS if name in found), None)


def after_last_weights(tree: Tree) -> tuple[Layer | None, list[Layer], bool]:
    """The last layer with weights, the leaves after it, and whether their order is certain."""
    leaves = [layer for layer in tree.layers if not tree.children(layer)]
    places = [place for place, leaf in enumerate(leaves) if kind_of(leaf) in _WEIGHTS]
    if not places:
        return None, [], False
    if (head := _named_as_head(tree, [leaves[place] for place in places])) is not None:
        return head, [], False
    last, after = leaves[places[-1]], leaves[places[-1] + 1 :]
    whole = [run for run in runs(tree) if run and run[-1] is leaves[-1] and last in run]
    root = tree.layers[0]
    certain = bool(whole) and _in_a_row(root)
    return last, after, certain
