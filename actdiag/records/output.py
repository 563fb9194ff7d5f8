"""What the model answered."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """One confidence bin of the reliability diagram."""

    low: float
    high: float
    samples: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class Mistake:
    """One wrong prediction; ``sample`` is its index in the data as it was fed."""

    sample: int
    label: int
    predicted: int
    confidence: float


@dataclass(frozen=True, slots=True)
class TemperatureFit:
    """A temperature fitted by NLL on one half of the data, judged on the other half.

    ``nll_change`` and ``ece_change`` are 95 % bootstrap intervals of after minus before.
    """

    temperature: float
    samples_fitted: int
    samples_judged: int
    nll_before: float
    nll_after: float
    ece_before: float
    ece_after: float
    brier_before: float | None = None
    brier_after: float | None = None
    accuracy_before: float | None = None
    accuracy_after: float | None = None
    nll_change: tuple[float, float] | None = None
    ece_change: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Pairing:
    """The labels read as other classes, paired on one half of the answers, judged on the other.

    ``pairs`` are the first of the ``moved`` labels that another class is paired with: (label,
    class answered). ``distance`` is the total variation distance between how often each label
    is given and how often it is answered: 0 alike, 1 disjoint.
    """

    samples_judged: int
    accuracy_before: float
    accuracy_after: float
    distance: float
    moved: int
    pairs: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a regression's answers lie to the targets, all outputs together.

    Attributes:
        correlation: Pearson's.
        spread: standard deviation of the answers over that of the targets.
        offset: rms difference of their means over the standard deviation of the targets.
    """

    correlation: float
    spread: float
    offset: float


@dataclass(frozen=True, slots=True)
class OutputStats:
    """What the model answered.

    ``kind`` is one of logits, probabilities, log-probabilities, binary-logit,
    binary-probability, margin (a score against labels −1 and 1), values (regression) and unknown.
    ``assumed`` says that no labels and no final activation told, so the kind was read off the
    shape. ``classes`` is K.

    Attributes:
        predictions: number of answers judged (samples, or positions of sequences).
        accuracy: share of correct predictions; null without labels.
        majority: share of the most frequent label: what always answering it would reach.
        confident_wrong: share of predictions that are wrong with confidence at least 0.9.
        ece: expected calibration error, 15 equal-width bins (Guo et al. 2017).
        nll: mean negative log-likelihood of the labels, in nats.
        brier: mean squared distance between probabilities and one-hot labels.
        extreme: share of predictions with a largest probability of at least 0.999.
        entropy_fraction: mean entropy of the predictions over log K.
        logit_gap: mean difference between the largest and the second largest logit.
        between_sample_std: rms over outputs of the std between samples.
        scale: rms of the outputs.
        r2: coefficient of determination for regression; null otherwise.
        agreement: of a regression with its targets; null otherwise.
        label_min: least label given, -100 left out; of a regression the least target.
        label_max: greatest one.
        label_shape: of the first batch of labels.
        labels_misfit: answers whose labels do not fit the output in number or kind.
        labels_foreign: labels that are no class of the output.
    """

    kind: str
    classes: int | None = None
    assumed: bool = False
    shape: tuple[int, ...] | None = None
    predictions: int = 0
    accuracy: float | None = None
    majority: float | None = None
    predicted_classes: int | None = None
    label_classes: int | None = None
    mean_confidence: float | None = None
    confident_wrong: float | None = None
    ece: float | None = None
    nll: float | None = None
    brier: float | None = None
    extreme: float | None = None
    entropy_fraction: float | None = None
    logit_min: float | None = None
    logit_max: float | None = None
    logit_gap: float | None = None
    between_sample_std: float | None = None
    scale: float | None = None
    r2: float | None = None
    agreement: Agreement | None = None
    label_min: float | None = None
    label_max: float | None = None
    label_shape: tuple[int, ...] | None = None
    labels_misfit: int = 0
    labels_foreign: int = 0
    temperature: TemperatureFit | None = None
    pairing: Pairing | None = None
    reliability: tuple[ReliabilityBin, ...] = ()
    worst: tuple[Mistake, ...] = ()
    notes: tuple[str, ...] = ()
