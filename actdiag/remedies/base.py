"""What a remedy is, the model it is for, and the arm of a trial that it changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from actdiag import functions
from actdiag.records import CauseVerdict, Diagnosis, Finding, Role, Scan, Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from actdiag.feed import Batch

_FAILING = ("loss-nan", "outputs-all-same", "not-learning")
_WEIGHTS = ("bad-initialisation", "dead-relus", "learning-rate-too-high", "non-finite-weights")
_WEIGHT_CODES = ("INI401", "INI402", "INI403")


class NotApplicableError(Exception):
    """The remedy has nothing to act on in this model; the message says what is missing."""


class Start(StrEnum):
    """Where the two arms of a trial start, the same for both unless the start is the remedy.

    ``kept``: from the file's weights, trained on. ``fresh``: every layer drawn anew, with the same
    numbers in both arms, then trained. ``as-is``: the file's weights, not trained.
    """

    KEPT = "kept"
    FRESH = "fresh"
    AS_IS = "as-is"


@dataclass(frozen=True)
class Settings:
    """How an arm is trained: optimizer, learning rate, and what else the optimizer takes."""

    optimizer: str
    lr: float
    weight_decay: float = 0.0
    momentum: float = 0.0
    batch_size: int = 64
    steps: int = 300


@dataclass(frozen=True)
class Subject:
    """The scanned model that remedies are tried on. ``kind`` is that of its output."""

    scan: Scan
    findings: tuple[Finding, ...]
    diagnoses: tuple[Diagnosis, ...]
    kind: str

    @property
    def causes(self) -> tuple[str, ...]:
        """The confirmed causes, in the order of the diagnoses."""
        told = (cause for diagnosis in self.diagnoses for cause in diagnosis.causes)
        return tuple(dict.fromkeys(c.name for c in told if c.verdict is CauseVerdict.CONFIRMED))

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of the findings that are more than a note."""
        loud = (item for item in self.findings if item.severity is not Severity.INFO)
        return tuple(dict.fromkeys(item.code for item in loud))

    @property
    def schemes(self) -> set[str]:
        """What initialisation the hidden activations want: ``he``, ``xavier``, or both."""
        sites = (site for site in self.scan.sites if site.role is Role.ACTIVATION)
        rows = (functions.find(site.function or "") for site in sites if not site.is_final)
        return {row.initialisation for row in rows if row is not None and row.elementwise}

    @property
    def learned(self) -> bool:
        """Whether the weights are worth keeping: no symptom says that the model does not work."""
        return not any(diagnosis.symptom in _FAILING for diagnosis in self.diagnoses)

    @property
    def weights_at_fault(self) -> bool:
        """Whether the weights themselves are sick, so that training on from them is hopeless."""
        return bool({*self.causes} & {*_WEIGHTS} or {*self.codes} & {*_WEIGHT_CODES})


def kept(_subject: Subject) -> Start:
    """Both arms train on from the file's weights."""
    return Start.KEPT


def fresh(_subject: Subject) -> Start:
    """Both arms start from the same fresh weights: the old ones fit another network."""
    return Start.FRESH


def kept_if_learned(subject: Subject) -> Start:
    """Train on what has learned something; dead units have no gradient, so start the rest anew."""
    return Start.KEPT if subject.learned and not subject.weights_at_fault else Start.FRESH


def anything(_subject: Subject) -> bool:
    """Any network will do."""
    return True


@dataclass
class Arm:
    """One training of a copy of the model; a remedy changes it before it starts.

    Attributes:
        module: the copy, to be changed freely.
        settings: of the training.
        samples: the training samples, unprepared.
        seed: of everything random in this arm.
        forward: called in place of the module.
        prepare: done to every batch, in training and in judging.
        smoothing: of the labels, in the training loss alone.
        decay: decoupled weight decay on top of the settings'.
        temperature: what logits are divided by when the arm is judged.
        fits_temperature: the temperature is fitted on ``samples`` before judging.
        trained: whether there is any training.
        temporary: hooks that a saved model does without.
        beside: tensors that a saved state dict needs beside it.
        unsaveable: why the treated model cannot be written.
    """

    module: nn.Module
    settings: Settings
    samples: Batch
    seed: int
    forward: Callable[..., Any] | None = None
    prepare: Callable[[Batch], Batch] | None = None
    smoothing: float = 0.0
    decay: float = 0.0
    temperature: float = 1.0
    fits_temperature: bool = False
    trained: bool = True
    temporary: list[Any] = field(default_factory=list)
    beside: dict[str, Tensor] = field(default_factory=dict)
    unsaveable: str = ""

    def prepared(self, batch: Batch) -> Batch:
        """The batch as this arm's model gets it."""
        return self.prepare(batch) if self.prepare else batch

    def __call__(self, batch: Batch) -> Any:
        """What the arm's model answers to a prepared batch."""
        return (self.forward or self.module)(*batch.inputs, **batch.kwargs)


@dataclass(frozen=True, slots=True)
class Remedy:
    """A documented remedy.

    Attributes:
        name: as ``--remedy`` takes it.
        title: what to do, as an order, which the answer repeats.
        apply: changes an arm and says what was changed; raises NotApplicableError.
        start: where treated arm and control start.
        control_start: where the control starts, if elsewhere.
        causes: confirmed causes that call for it, as the diagnoses name them.
        codes: rules whose findings call for it.
        cheap: whether it is tried without being called for.
        suits: whether it can be called for in such a network at all.
    """

    name: str
    title: str
    apply: Callable[[Arm, Subject], str]
    start: Callable[[Subject], Start]
    control_start: Callable[[Subject], Start] | None = None
    causes: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    cheap: bool = False
    suits: Callable[[Subject], bool] = anything

    def control(self, subject: Subject) -> Start:
        """Where the control starts."""
        return (self.control_start or self.start)(subject)

    def called_for_by(self, subject: Subject) -> tuple[str, ...]:
        """The confirmed causes and rule codes that call for it."""
        if not self.suits(subject):
            return ()
        causes = (cause for cause in subject.causes if cause in self.causes)
        return (*causes, *(code for code in subject.codes if code in self.codes))
