"""What passes of their own measured: gradients, updates, train mode, training data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UpdateStats:
    """The step that a checkpoint's own optimizer state makes of a parameter.

    ``ratio`` is the norm of the step over the norm of the weight, ``rule`` adam or sgd, ``lr`` the
    learning rate of the step; ``initial_lr`` that which its schedule began with, where one did.
    """

    ratio: float
    rule: str
    lr: float
    initial_lr: float | None = None


@dataclass(frozen=True, slots=True)
class Gradients:
    """The backward pass: what was differentiated, and over how much data.

    ``loss`` names it, ``assumed`` says that nobody did, so that it was read off the labels and the
    output. ``value`` is its mean. ``thawed`` says that every parameter was frozen and that they
    were measured as if they were not.
    """

    loss: str
    assumed: bool
    samples: int
    batches: int
    value: float | None = None
    thawed: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class TrainEval:
    """The model's answers to one batch with batch statistics and with running statistics.

    ``correlation`` is Pearson's, over all values of the answer; null where one does not vary.
    ``layers`` counts the layers that keep running statistics. ``score_in_train`` and
    ``score_in_eval`` are the accuracy, or R² of a regression, of both answers; null without labels.
    """

    samples: int
    layers: int
    correlation: float | None
    score_in_train: float | None = None
    score_in_eval: float | None = None


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What is known of the data the model was trained on, beside the data of the scan.

    Attributes:
        samples: number of its samples.
        accuracy: of the model on it; null without labels.
        nll: mean negative log-likelihood of its labels; null without.
        mean_confidence: of the model on it.
        judged: samples of the data that were looked up in it.
        shared: how many of them stand in it, value for value.
        label_conflicts: how many of those stand there under another label.
        repeated: how many of the judged ones repeat an earlier one of them.
        near: how many of ``near_judged`` other samples lie closer to one of ``near_known``
            training samples than a fifth of the distance usual between those; null where
            distances mean nothing, as between token ids.
        near_conflicts: how many of those lie there under another label.
        near_judged: samples that were searched, at most 4,096.
        near_known: training samples that they were compared with, at most 20,000.
        near_natural: share of the training samples that lie as close to another one.
        unseen: answers on samples that are neither shared nor near.
        unseen_accuracy: the accuracy on them; null where nothing is shared, or without labels.
        r2: coefficient of determination on it, for regression; null otherwise.
    """

    samples: int
    accuracy: float | None = None
    nll: float | None = None
    mean_confidence: float | None = None
    judged: int = 0
    shared: int = 0
    label_conflicts: int = 0
    repeated: int = 0
    near: int | None = None
    near_conflicts: int = 0
    near_judged: int = 0
    near_known: int = 0
    near_natural: float = 0.0
    unseen: int = 0
    unseen_accuracy: float | None = None
    r2: float | None = None
