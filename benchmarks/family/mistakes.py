"""What people do wrong, each as a change to a case, with the rules that name it or its effect.

The mistakes with a half of their own are drawn there only: thresholds never saw the reporting ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmarks.family.case import REPORTING, Case

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

DEEP = ("mlp",)
PLAIN = ("mlp", "mlp", "cnn", "residual")
ALL = ("mlp", "mlp", "cnn", "residual", "transformer", "decoder", "lstm")
SIGNAL = ("ACT101", "ACT103", "ACT104", "ACT105", "ACT106", "ACT107", "ACT108", "ACT109")
WEIGHTS = ("INI401", "INI402", "INI403", "INI404")
ATTENTION = ("ATT301", "ATT302", "ATT303")
GRADIENTS = ("GRD501", "GRD502", "GRD503")
BROKEN = (*SIGNAL, *WEIGHTS, *ATTENTION, *GRADIENTS, "ACT112", "ACT114", "ACT116")
UNTRAINED = ("OUT205", "OUT206", "OUT212", "INI401", *GRADIENTS)
NORMED = ("mlp", "cnn")
UNRELATED = ("OUT212",)
TABLES = ("cancer", "wine", "diabetes")


@dataclass(frozen=True)
class Mistake:
    """``make`` changes a healthy case; ``names`` are the codes that name what it does."""

    name: str
    networks: tuple[str, ...]
    names: tuple[str, ...]
    make: Callable[[Case, random.Random], Case]
    half: str = ""


def _on_table(case: Case, draw: random.Random) -> Case:
    """A table in its own units; convolutions and attention keep their images."""
    if case.network in ("mlp", "residual"):
        return replace(case, data=draw.choice(TABLES), norm="none", dropout=0.0)
    return case


def _raw_inputs(case: Case, draw: random.Random) -> Case:
    return replace(_on_table(case, draw), scaling="raw", norm="none", rate=case.rate * 10)


def _high_rate(case: Case, draw: random.Random) -> Case:
    if case.network in ("transformer", "decoder", "lstm") or draw.random() < 0.5:  # noqa: PLR2004
        return replace(case, optimizer="adam", rate=draw.choice((0.1, 0.3, 1.0)))
    return replace(case, optimizer="sgd", rate=draw.choice((1.0, 3.0, 10.0)))


def _sigmoid_depth(case: Case, draw: random.Random) -> Case:
    activation, initialise = draw.choice((("sigmoid", "default"), ("sigmoid", "xavier")))
    return replace(
        case,
        activation=activation,
        initialise=initialise,
        depth=draw.randint(6, 12),
        norm="none",
        optimizer=draw.choice(("sgd", "adam")),
        rate=0.01 if case.data == "diabetes" else case.rate,
    )


def _large_init(case: Case, draw: random.Random) -> Case:
    depth = draw.randint(3, 6) if case.network == "mlp" else case.depth
    scale = draw.choice((2.0, 5.0, 20.0))
    return replace(case, depth=depth, initialise="normal", init_scale=scale, norm=_kept(case))


def _small_init(case: Case, draw: random.Random) -> Case:
    return replace(
        case,
        depth=draw.randint(4, 8),
        initialise="normal",
        init_scale=draw.choice((1e-4, 1e-3, 1e-2)),
        norm="none",
        optimizer=draw.choice(("sgd", "adam")) if case.data != "diabetes" else "adam",
    )


def _kept(case: Case) -> str:
    return case.norm if case.network in ("transformer", "decoder") else "none"


def _constant_init(case: Case, draw: random.Random) -> Case:
    """Weights and biases alike: nothing tells the units of a layer apart."""
    scale = draw.choice((0.0, 0.01, 0.05, 0.5))
    return replace(case, initialise="constant", init_scale=scale, bias=0.0, dropout=0.0)


def _no_activation(case: Case, draw: random.Random) -> Case:
    return replace(case, activation="identity", depth=draw.randint(3, 6))


def _noisy_labels(case: Case, draw: random.Random) -> Case:
    noise = draw.choice((0.8, 0.9, 1.0))
    return replace(case, noise=noise, steps=2 * case.steps, weight_decay=0.0, dropout=0.0)


def _low_rate(case: Case, draw: random.Random) -> Case:
    return replace(case, rate=draw.choice((1e-7, 1e-6)), weight_decay=0.0)


def _killing_bias(case: Case, draw: random.Random) -> Case:
    bias = draw.choice((-3.0, -10.0, -30.0))
    return replace(case, activation="relu", bias=bias, norm="none", depth=max(case.depth, 2))


def _saturated_tanh(case: Case, draw: random.Random) -> Case:
    activation = draw.choice(("tanh", "sigmoid"))
    table = _on_table(case, draw)
    return replace(
        table,
        activation=activation,
        depth=draw.randint(2, 4),
        scaling="raw",
        optimizer="sgd",
        rate=0.001 if table.data == "diabetes" else 0.05,
    )


def _wrong_head(case: Case, draw: random.Random) -> Case:
    if draw.random() < 0.5:  # noqa: PLR2004
        head = draw.choice(("sigmoid", "tanh"))
        return replace(case, head=head, data="diabetes", scaling="standardised", norm="none")
    data = "digits" if case.data == "diabetes" else case.data
    return replace(case, head=draw.choice(("relu", "softmax")), data=data)


def _too_deep(case: Case, draw: random.Random) -> Case:
    return replace(
        case,
        activation=draw.choice(("relu", "gelu", "tanh")),
        depth=draw.randint(15, 25),
        norm="none",
        dropout=0.0,
        initialise="default",
        optimizer="sgd" if case.data != "diabetes" else "adam",
    )


def _overfitting(case: Case, draw: random.Random) -> Case:
    return replace(case, samples=40, steps=600, noise=0.6, dropout=0.0, weight_decay=0.0)


def _too_much_decay(case: Case, draw: random.Random) -> Case:
    return replace(case, optimizer="adamw", rate=5e-3, weight_decay=draw.choice((20.0, 60.0)))


def _stale_statistics(case: Case, draw: random.Random) -> Case:
    """Running statistics that hardly move from 0 and 1, as with a momentum turned round."""
    return replace(case, norm="batch", dropout=0.0, momentum=draw.choice((1e-5, 1e-4)))


def _columns_mixed(case: Case, draw: random.Random) -> Case:
    return replace(case, columns_mixed=True)


def _labels_mixed(case: Case, draw: random.Random) -> Case:
    return replace(case, labels_mixed=True)


def _other_preparation(case: Case, draw: random.Random) -> Case:
    return replace(_on_table(case, draw), scaling="standardised", scanned_as="raw")


MISTAKES = (
    Mistake("raw inputs", PLAIN, (*BROKEN, "DAT701"), _raw_inputs),
    Mistake("learning rate too high", ALL, BROKEN, _high_rate),
    Mistake("stacked sigmoids", DEEP, (*BROKEN, "ARC602"), _sigmoid_depth),
    Mistake("large initial weights", ALL, BROKEN, _large_init),
    Mistake("small initial weights", ("mlp", "mlp", "cnn"), (*BROKEN, "OUT206"), _small_init),
    Mistake("constant initial weights", ALL, BROKEN, _constant_init),
    Mistake("activations forgotten", ("mlp", "mlp", "cnn"), ("ARC601",), _no_activation),
    Mistake("noisy labels", PLAIN, ("OUT202", "OUT203", "OUT211"), _noisy_labels),
    Mistake("learning rate too low", PLAIN, UNTRAINED, _low_rate),
    Mistake("biases that kill", PLAIN, BROKEN, _killing_bias),
    Mistake("saturating inputs", DEEP, (*BROKEN, "DAT701"), _saturated_tanh),
    Mistake(
        "wrong output activation",
        ("mlp",),
        ("OUT207", "OUT209", "OUT210", "ARC604", "ARC605", "ACT103", "ACT101"),
        _wrong_head,
    ),
    Mistake("too deep without a norm", DEEP, (*BROKEN, "OUT206"), _too_deep),
    Mistake("learnt by heart", PLAIN, ("OUT202", "OUT203", "OUT211"), _overfitting),
    Mistake("weight decay too strong", PLAIN, BROKEN, _too_much_decay),
    Mistake("prepared differently", PLAIN, ("DAT701", *BROKEN), _other_preparation),
    Mistake("stale norm statistics", NORMED, ("ACT117", *BROKEN), _stale_statistics, REPORTING),
    Mistake("columns in another order", PLAIN, UNRELATED, _columns_mixed, REPORTING),
    Mistake("labels in another order", PLAIN, UNRELATED, _labels_mixed, REPORTING),
)
