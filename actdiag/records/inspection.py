"""What a model file is, told without running it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from actdiag.records.about import ToolInfo
from actdiag.records.document import to_json
from actdiag.records.words import SCHEMA_VERSION, Measured


@dataclass(frozen=True, slots=True)
class TensorFacts:
    """One parameter or buffer of a layer, by what the file declares; no value of it is read.

    ``shape`` and ``dtype`` are null where the file doesn't declare them. ``shared`` says that an
    earlier layer holds the same tensor, so that it is not counted again.
    """

    name: str
    shape: tuple[int, ...] | None
    dtype: str | None
    trainable: bool = True
    buffer: bool = False
    shared: bool = False

    @property
    def elements(self) -> int:
        """Number of values; 0 where the shape is not known."""
        return math.prod(self.shape) if self.shape is not None else 0


@dataclass(frozen=True, slots=True)
class Layer:
    """One node of the tree of layers, in the order of the file.

    Attributes:
        name: qualified name, ``""`` for the root.
        depth: how far below the root.
        class_path: qualified name of its class; null where only the names of weights are known.
        tensors: its own parameters and buffers.
        parameters: number of parameters in it and below.
        function: activation function that its class is, by its name in the catalogue.
        functions: activation functions that it keeps as attributes or calls, by attribute or call.
        settings: scalar settings of the layer.
    """

    name: str
    depth: int
    class_path: str | None = None
    tensors: tuple[TensorFacts, ...] = ()
    parameters: int = 0
    function: str | None = None
    functions: dict[str, str] = field(default_factory=dict)
    settings: Measured = field(default_factory=dict)

    @property
    def class_name(self) -> str | None:
        """The class without its package."""
        return None if self.class_path is None else self.class_path.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class KindCount:
    """Layers of one kind (linear, conv, norm, embedding, ...) and their own parameters."""

    kind: str
    layers: int
    parameters: int


class Fit(StrEnum):
    """Whether what stands at a place is what is expected there."""

    FITS = "fits"
    DIFFERS = "differs"
    DEPENDS = "depends"
    NOT_SEEN = "not-seen"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Found:
    """One activation function at a place.

    ``function`` is its name in the catalogue, or null: none at all where the verdict says
    anything, or one that can't be seen. ``layers`` are where it stands, ``seen_in`` is what told:
    module, attribute, code, class name, configuration, or built-in.
    """

    function: str | None
    layers: tuple[str, ...]
    seen_in: str
    fit: Fit
    note: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """One row of the table of what belongs where, filled in for a model."""

    place: str
    expected: str
    reason: str
    fit: Fit
    found: tuple[Found, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class GatedFFN:
    """A gated feed-forward network: ``(act(x W_gate) * (x W_up)) W_down``.

    Attributes:
        name: the module that holds its matrices.
        form: swiglu, geglu, ... in the catalogue; null where the gate's function can't be seen.
        function: the function on the gate, by its name in the catalogue.
        seen_in: what told the function.
        gate: name of the gate's matrix; of both branches where they are fused in one.
        up: name of the other branch's matrix; the same where they are fused.
        down: name of the matrix back to the width of the stream.
        by: ``names``, or ``shapes`` where the names don't tell (gate and up may be swapped).
        width: of the stream.
        hidden: of each branch.
        parameters: of all three matrices with their biases.
        two_matrix_parameters: of a plain network of the same width and hidden size.
    """

    name: str
    form: str | None
    function: str | None
    seen_in: str
    gate: str
    up: str
    down: str
    by: str
    width: int
    hidden: int
    parameters: int
    two_matrix_parameters: int


@dataclass(frozen=True, slots=True)
class TrustVerdict:
    """What loading a file would take. ``wants`` are names as ``--allow`` takes them."""

    safe: bool
    wants: tuple[str, ...] = ()
    why: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a model file is, told without running it.

    Attributes:
        title: what a person calls the format.
        size: bytes, null for a model built by code.
        opened: whether its content was loaded, or, where that would need trust, only outlined.
        dtypes: number of parameters by dtype.
        buffers: values in buffers.
        sees_functions: whether functions called in the forward would be seen too.
        proposal: code of a factory, where names and shapes prove a plain network.
    """

    tool: ToolInfo
    path: str
    format: str
    title: str
    trust: TrustVerdict
    size: int | None = None
    sha256: str | None = None
    opened: bool = True
    class_name: str = ""
    parameters: int = 0
    trainable_parameters: int = 0
    buffers: int = 0
    dtypes: dict[str, int] = field(default_factory=dict)
    kinds: tuple[KindCount, ...] = ()
    training: Measured = field(default_factory=dict)
    places: tuple[Place, ...] = ()
    gated: tuple[GatedFFN, ...] = ()
    sees_functions: bool = False
    layers: tuple[Layer, ...] = ()
    proposal: str = ""
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The inspection as JSON values, under the schema version of reports."""
        return {"schema_version": SCHEMA_VERSION, **to_json(self)}
