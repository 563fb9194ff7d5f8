"""Gated feed-forward networks: three matrices, recognised by their names, else by their shapes."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

from actdiag import functions
from actdiag.inspection.attention import belongs_to_attention
from actdiag.inspection.kinds import Matrix, matrix_of
from actdiag.inspection.seen import by_class_name, seen_at
from actdiag.inspection.tree import last_part
from actdiag.records import GatedFFN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.inspection.tree import Tree
    from actdiag.records import Layer

_GATES = {"gate", "g", "w1", "wi0", "fc1g", "wg"}
_UPS = {"up", "value", "val", "v", "u", "w3", "wi1", "fc1x"}
_SURE = {"gate", "wi0", "fc1g", "wg"}
_FUSED = ("gate", "w12", "glu", "wi")
_FILLERS = ("_proj", "proj_", "_projection", "_linear", "linear_", "_layer", "w_", "fc_", "_")
_THREE, _TWO = 3, 2
_FORMS = {"identity": "bilinear", "sigmoid": "glu", "relu": "reglu", "silu": "swiglu"}


def gated_networks(tree: Tree) -> tuple[GatedFFN, ...]:
    """Every gated feed-forward network, told at the innermost layer that holds its matrices."""
    found: list[GatedFFN] = []
    around: set[str] = set()
    for layer in reversed(tree.layers):  # the innermost first
        if layer.name not in around and (network := _network(tree, layer)) is not None:
            found.append(network)
            around |= tree.names_above(layer)
    return tuple(reversed(found))


def _network(tree: Tree, layer: Layer) -> GatedFFN | None:
    for matrices in _candidates(tree, layer):
        if len(matrices) == _THREE and (ordered := _ordered(matrices)):
            gate, up, down, by = ordered
            return _record(tree, layer, (gate, up, down), by)
        if len(matrices) == _TWO and (by := _fused(*matrices)):
            return _record(tree, layer, (matrices[0], matrices[0], matrices[1]), by)
    return None


def _candidates(tree: Tree, layer: Layer) -> Iterator[list[Matrix]]:
    """The matrices below the layer that serve no attention; among many, those named as gated."""
    below = tree.below(layer, leave_out=lambda part: belongs_to_attention(tree, part))
    yield [matrix for part in below if (matrix := matrix_of(part))]
    own = [matrix for part in tree.children(layer) if (matrix := matrix_of(part))]
    gates = [matrix for matrix in own if _plain(matrix) in _GATES]
    ups = [matrix for matrix in own if _plain(matrix) in _UPS]
    if len(own) > _THREE and len(gates) == len(ups) == 1:
        width, hidden = gates[0].inputs, gates[0].outputs
        back = [m for m in own if (m.inputs, m.outputs) == (hidden, width) and m not in gates + ups]
        yield from ([gates[0], ups[0], down] for down in back[:1])


def _plain(matrix: Matrix) -> str:
    name = last_part(matrix.layer).casefold()
    for filler in _FILLERS:
        name = name.replace(filler, "")
    return name


def _ordered(matrices: list[Matrix]) -> tuple[Matrix, Matrix, Matrix, str] | None:
    """Gate, up and down, and whether names or shapes told which is which."""
    fitting = [
        (gate, up, down)
        for gate, up, down in permutations(matrices)
        if (gate.inputs, gate.outputs) == (up.inputs, up.outputs)
        and (down.inputs, down.outputs) == (gate.outputs, gate.inputs)
    ]
    for gate, up, down in fitting:
        known = _plain(up) in _UPS or _plain(gate) in _SURE
        if _plain(gate) in _GATES and known and _plain(down) not in _GATES | _UPS:
            return gate, up, down, "names"
    for gate, up, down in fitting:
        if gate.outputs > gate.inputs:  # two heads of a bottleneck are no gate
            return gate, up, down, "shapes"
    return None


def _fused(first: Matrix, second: Matrix) -> str:
    """How it was told that ``first`` holds both branches; empty if it doesn't."""
    fits = first.outputs == _TWO * second.inputs and first.inputs == second.outputs
    if not fits:
        return ""
    return (
        "names" if any(mark in last_part(first.layer).casefold() for mark in _FUSED) else "shapes"
    )


def _record(tree: Tree, layer: Layer, matrices: tuple[Matrix, Matrix, Matrix], by: str) -> GatedFFN:
    gate, up, down = matrices
    function, seen_in = _function(tree, layer)
    width, hidden = gate.inputs, down.inputs
    biases = (hidden if _has_bias(gate) else 0) + (width if _has_bias(down) else 0)
    return GatedFFN(
        name=layer.name,
        form=_form(function),
        function=function,
        seen_in=seen_in,
        gate=gate.layer.name,
        up=up.layer.name,
        down=down.layer.name,
        by=by,
        width=width,
        hidden=hidden,
        parameters=gate.parameters + down.parameters + (0 if gate is up else up.parameters),
        two_matrix_parameters=_TWO * width * hidden + biases,
    )


def _has_bias(matrix: Matrix) -> bool:
    return any(tensor.name == "bias" for tensor in matrix.layer.tensors)


def _function(tree: Tree, layer: Layer) -> tuple[str | None, str]:
    """The function on the gate, and what told it; null where nothing does."""
    below = tree.below(layer, leave_out=lambda part: belongs_to_attention(tree, part))
    for part in (layer, *below):
        for seen in seen_at(tree, part):
            row = functions.get(seen.function)
            return (row.gate or row.name), seen.seen_in
    for part in (layer, *tree.children(layer)):
        row_name = by_class_name(part)
        gate = functions.get(row_name).gate if row_name else None
        if gate is not None:
            return gate, "class name"
    for name in tree.config.values():
        return name, "configuration"
    return None, ""


def _form(function: str | None) -> str | None:
    """The gated family of a function on the gate, by its name in the catalogue."""
    if function is None:
        return None
    if function.startswith("gelu") or function == "quick_gelu":
        return "geglu"
    return _FORMS.get(function)
