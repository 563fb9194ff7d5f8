"""A page for every problem card: what is seen, the documented causes, the debug steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from actdiag import steps
from actdiag.diagnosis import CARDS
from actdiag.topics.base import SYMPTOM, Part, Topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.diagnosis.base import Card


class Words(NamedTuple):
    """What a card looks like from outside, other names for it, and what to check in which order.

    ``options`` are what the command needs to see it at all.
    """

    signs: str
    aliases: tuple[str, ...]
    order: str = ""
    options: str = ""


WORDS = {
    "loss-nan": Words(
        "The loss is NaN or infinite, and so is every answer from some step on.",
        ("nan", "loss became nan", "the loss is nan", "nan loss", "loss is nan"),
    ),
    "outputs-all-same": Words(
        "All predictions are identical whatever the input; the loss does not decrease.",
        (
            "all outputs are the same",
            "outputs are all the same",
            "all outputs the same",
            "same output",
            "constant outputs",
            "the model outputs all the same value",
        ),
    ),
    "not-learning": Words(
        "The loss stays where it began; accuracy is no better than always answering the most "
        "frequent class.",
        (
            "the model isn't learning",
            "the model is not learning",
            "model does not learn",
            "loss does not decrease",
            "not training",
        ),
        "Dead ReLUs first: count the units that never fire over the whole data. Then vanishing "
        "gradients, which is what sigmoids stacked deep make. Then saturation.",
    ),
    "gradients-vanish": Words(
        "The first layers stay as they were initialised while the last ones move; the loss "
        "decreases slowly or not at all.",
        ("the gradient vanishes", "no gradient reaches the first layer"),
        options=" --gradients",
    ),
    "confident-but-wrong": Words(
        "Softmax outputs near 0 or 1; high confidence on wrong predictions.",
        ("overconfidence", "over-confidence", "very confident but wrong", "miscalibrated"),
    ),
}

CAUSES = {
    "dead-relus": "Dead ReLUs: every unit is stuck at 0, where its gradient is 0 too.",
    "bad-initialisation": "Bad initialisation: weights too small or too large for the activation.",
    "saturated-activations": (
        "All activations saturated: sigmoid or tanh at an extreme, where the slope is about 0."
    ),
    "vanishing-gradients": (
        "Vanishing gradients: slopes below 1 multiply over depth; four sigmoids leave at best "
        "0.25⁴ ≈ 0.004."
    ),
    "exploding-activations": "Exploding activations: values grow from layer to layer.",
    "learning-rate-too-high": (
        "A learning rate too high: training has driven the weights far beyond any initialisation."
    ),
    "unnormalised-input": (
        "Unnormalised input: features in the hundreds beside features below 1 decide the sign of "
        "every unit."
    ),
    "non-finite-weights": "Non-finite weights: training diverged, and the file keeps its NaN.",
    "invalid-operation": (
        "An invalid operation: the logarithm of 0, a root of a negative number, 0 divided by 0."
    ),
    "labels-numbered-otherwise": (
        "Labels numbered otherwise: read as other classes, they make the answers right."
    ),
    "targets-scaled-otherwise": (
        "Targets scaled otherwise: a regression's answers go with them in another unit, as where "
        "the training standardised them."
    ),
    "labels-of-other-samples": (
        "Labels of other samples: a sound model is sure of itself and says nothing of them, as "
        "after a shuffle that moved labels and samples apart."
    ),
    "wrong-output-activation": (
        "A wrong output activation: one that cannot reach the targets, or that cuts or squeezes "
        "the logits."
    ),
    "unfit-norm-statistics": (
        "Unfit norm statistics: in eval mode the norms normalise by what they remember, and that "
        "is not this data; in train mode the same weights do better."
    ),
    "over-fitting": "Over-fitting: right on the training data, wrong on held-out data.",
    "missing-regularisation": "Missing regularisation: no dropout, no norm, no weight decay.",
    "logits-too-large": (
        "Logits too large going into softmax: it puts nearly everything on one class."
    ),
}


def topics() -> Iterator[Topic]:
    """The pages of all problem cards."""
    for card in CARDS:
        words = WORDS[card.symptom]
        aliases = (card.title, *words.aliases)
        yield Topic(SYMPTOM, card.symptom, card.title, tuple(_parts(card, words)), aliases)


def _parts(card: Card, words: Words) -> Iterator[Part]:
    yield Part("Symptoms", words.signs)
    if words.order:
        yield Part("Check in this order", words.order)
    causes = [cause for cause in card.causes if not cause.extra]
    behind = [cause for cause in card.causes if cause.extra]
    yield Part("Causes", rows=tuple(("-", CAUSES[cause.name]) for cause in causes))
    if behind:
        yield Part(
            "What often lies behind them", rows=tuple(("-", CAUSES[one.name]) for one in behind)
        )
    registry = steps.registry()
    told = enumerate((registry[step].text for step in card.steps), 1)
    yield Part("Debug steps", rows=tuple((f"{place}", f"{text}.") for place, text in told))
    yield Part("Carried out by", f"actdiag scan MODEL DATA --labels NAME{words.options}")
    yield Part("Rules", ", ".join(dict.fromkeys(card.codes)))
