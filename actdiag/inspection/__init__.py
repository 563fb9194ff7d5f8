"""What a model file is, told without running anything from it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from actdiag._version import __version__
from actdiag.inspection.feedforward import plain_networks
from actdiag.inspection.gated import gated_networks
from actdiag.inspection.kinds import counted
from actdiag.inspection.places import places
from actdiag.inspection.tree import Tree
from actdiag.load.anatomy import anatomy
from actdiag.records import Inspection, Layer, ToolInfo

if TYPE_CHECKING:
    from actdiag.load.anatomy import Anatomy

_UNSEEN = (
    "Activation functions called in the forward, such as F.relu(x), can't be seen without running: "
    "actdiag scan sees them."
)


def inspect(
    path: str,
    *,
    factory: str | None = None,
    factory_args: dict[str, Any] | None = None,
    partial: bool = False,
) -> Inspection:
    """Say what a model file is: format, trust, parameters, layers, and what stands where.

    Args:
        path: a model file, a Hugging Face folder, or a factory ``FILE.py:NAME``.
        factory: the user's own code that builds the module of a state dict.
        factory_args: keyword arguments for it.
        partial: go on when a state dict does not fit it entirely.

    Raises:
        ActdiagError: it is no model file, is damaged, or doesn't fit the factory.
    """
    return of_anatomy(anatomy(path, factory=factory, factory_args=factory_args, partial=partial))


def of_anatomy(body: Anatomy) -> Inspection:
    """Everything that can be told of a file's layers."""
    tree = Tree(body.layers, sees_functions=body.sees_functions, config=body.config)
    tensors = [tensor for layer in body.layers for tensor in layer.tensors if not tensor.shared]
    weights = [tensor for tensor in tensors if not tensor.buffer]
    dtypes: Counter[str] = Counter()
    for tensor in weights:
        dtypes[tensor.dtype or "unknown"] += tensor.elements
    gated = gated_networks(tree)
    filled = places(tree, gated, plain_networks(tree, gated)) if body.layers else ()
    unseen = (_UNSEEN,) if body.layers and tree.opaque else ()
    return Inspection(
        tool=ToolInfo(version=__version__),
        path=body.path,
        format=body.format,
        title=body.title,
        trust=body.trust,
        size=body.size,
        sha256=body.sha256,
        opened=body.opened,
        class_name=body.class_name,
        parameters=sum(tensor.elements for tensor in weights),
        trainable_parameters=sum(tensor.elements for tensor in weights if tensor.trainable),
        buffers=sum(tensor.elements for tensor in tensors if tensor.buffer),
        dtypes=dict(dtypes.most_common()),
        kinds=counted(tree),
        training=body.training,
        places=filled,
        gated=gated,
        sees_functions=not tree.opaque,
        layers=_with_totals(tree),
        proposal=body.proposal,
        notes=(*body.notes, *unseen),
    )


def _with_totals(tree: Tree) -> tuple[Layer, ...]:
    """The layers with the number of parameters in each and below."""
    totals: Counter[str] = Counter()
    for layer in tree.layers:
        own = sum(t.elements for t in layer.tensors if not (t.buffer or t.shared))
        above: Layer | None = layer
        while above is not None:
            totals[above.name] += own
            above = tree.parent(above)
    return tuple(replace(layer, parameters=totals[layer.name]) for layer in tree.layers)
