"""What was scanned, on what data, and how much of it was seen."""

from __future__ import annotations

from dataclasses import dataclass, field

from actdiag.records.words import Measured


@dataclass(frozen=True, slots=True)
class ToolInfo:
    """Which program measured."""

    name: str = "actdiag"
    version: str = ""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The model as loaded. ``sha256`` is of the file, or null when there is none.

    ``training`` holds what the checkpoint says of its training: optimizer, learning rate, weight
    decay, step, epoch; only keys that were found. ``proposal`` is code of a factory that fits the
    weights of a file without a class, where names and shapes prove a plain network.
    """

    path: str | None
    format: str
    class_name: str
    sha256: str | None = None
    parameters: int = 0
    trainable_parameters: int = 0
    dtype: str | None = None
    training: Measured = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    proposal: str = ""


@dataclass(frozen=True, slots=True)
class Padding:
    """How much of an input of token ids is padding.

    Attributes:
        input: name of the input's site.
        share: of the positions, that lie in a run of ``token`` at that end of their sequence;
            0 where a mask said which positions are data.
        token: the id that most positions at an end hold; null where no sequence ends in a run.
        side: ``end`` or ``start``.
        mask: name of the argument that said which positions are data, or null.
        masked: share of the positions that it left out of the statistics.
    """

    input: str
    share: float
    token: int | None
    side: str
    mask: str | None = None
    masked: float = 0.0


@dataclass(frozen=True, slots=True)
class DataInfo:
    """What flowed through the model. ``labels`` counts the labelled samples."""

    source: str
    synthetic: bool = False
    samples: int = 0
    batches: int = 0
    labels: int = 0
    sample_shape: tuple[int, ...] | None = None
    notes: tuple[str, ...] = ()
    padding: Padding | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """The model's forward raised: where, what it said, and what may mend it."""

    module: str | None
    source: str | None
    exception: str
    message: str
    advice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was seen and what was not. ``modules`` counts leaf modules.

    ``interrupted``: the user stopped the scan, so it is of a part of the data, or of the work.
    ``parameters_seen`` is the share of the parameters that took part in an output that was
    measured; null for a model without parameters, and where nothing ran.
    """

    sites: int = 0
    modules: int = 0
    modules_not_called: tuple[str, ...] = ()
    functions_not_captured: tuple[str, ...] = ()
    note: str = ""
    failure: Failure | None = None
    parameters_seen: float | None = None
    interrupted: bool = False

    @property
    def broke_off(self) -> bool:
        """Whether it ended before the data did: the forward failed, or the user stopped it."""
        return self.failure is not None or self.interrupted
