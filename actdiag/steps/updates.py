"""How far a training step moves the weights, and the learning rate at which it is a thousandth."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from actdiag.rules.gradients import is_layer, rms
from actdiag.steps.depth import number

if TYPE_CHECKING:
    from actdiag.records import Scan, WeightStats

GOOD = 1e-3  # of a weight's size: Karpathy's practice (CS231n, Stanford)

_BEYOND = 1e-4  # our choice: nobody's rate is ten thousand times too high


@dataclass(frozen=True, slots=True)
class Steps:
    """Norm of the step over norm of the weight, by the name of the weight matrix.

    ``rule`` is whose step it is: adam or sgd as the checkpoint tells, ``plain sgd`` where the rate
    was given and the gradient measured.
    """

    ratios: dict[str, float]
    rule: str
    lr: float

    @property
    def usual(self) -> float:
        """The median over the weight matrices."""
        return median(self.ratios.values())

    @property
    def factor(self) -> float:
        """What the learning rate is to be multiplied by, so that the median is a thousandth."""
        return GOOD / self.usual

    def told(self) -> str:
        """The ratios and the factor in a sentence or two."""
        worst = max(self.ratios, key=lambda name: self.ratios[name])
        many = len(self.ratios)
        most = f" (median of {many}; at most {number(self.ratios[worst])}, {worst})"
        text = (
            f"At a learning rate of {number(self.lr)}, {self.rule} moves the weights by "
            f"{number(self.usual)} of their size per step{most if many > 1 else ''}"
        )
        if self.factor >= 1:
            return f"{text}, no more than the usual 0.001: the rate is not too high for them."
        if self.factor < _BEYOND:
            return f"{text}: no matter of the rate. Mend what makes the gradients so large first."
        return (
            f"{text}. Multiply the rate by {number(self.factor)}, to "
            f"{number(self.lr * self.factor)}, for the usual 0.001."
        )


def steps_of(scan: Scan) -> Steps | None:
    """The steps that the optimizer's state or the gradients and ``--lr`` tell; None where neither.

    A rate that was given stands in place of the checkpoint's. Without one, a schedule that has run
    down is judged by the rate that it began with.
    """
    matrices = [weight for weight in scan.weights if is_layer(weight)]
    stored = [weight for weight in matrices if weight.update is not None and weight.update.ratio]
    if stored:
        return _stored(stored, scan.lr)
    if scan.lr is None:
        return None
    ratios = {
        weight.name: scan.lr * rms(weight) / weight.rms
        for weight in matrices
        if weight.gradient is not None and weight.rms and rms(weight)
    }
    return Steps(ratios, "plain sgd", scan.lr) if ratios else None


def _stored(weights: list[WeightStats], given: float | None) -> Steps | None:
    ratios, rates = {}, []
    for weight in weights:
        update = weight.update
        if update is None or not update.lr:
            continue
        rate = given or max(abs(update.lr), abs(update.initial_lr or 0.0))
        ratios[weight.name] = update.ratio * rate / abs(update.lr)
        rates.append(rate)
    rule = weights[0].update.rule if weights[0].update else ""
    return Steps(ratios, rule, max(rates)) if ratios else None
