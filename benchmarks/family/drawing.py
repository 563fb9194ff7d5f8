"""Drawing the cases: healthy choices at random, and for every second one a mistake on top."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks.family.case import CHOOSING, REPORTING, Case
from benchmarks.family.mistakes import MISTAKES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.family.mistakes import Mistake

SIZES = {CHOOSING: 400, REPORTING: 300}
LOOKED_AT = 1  # reporting halves that somebody has looked at: the next one is drawn anew
NETWORKS = ("mlp",) * 6 + ("cnn", "cnn", "residual", "residual", "transformer", "decoder", "lstm")
TABLES = ("digits", "digits", "cancer", "wine", "iris", "diabetes")
RECTIFIERS = ("relu", "relu", "relu", "leaky_relu", "gelu", "silu", "elu", "hardswish", "mish")
RATES = {
    "adam": (1e-3, 2e-3, 5e-3),
    "adamw": (1e-3, 2e-3, 5e-3),
    "sgd": (0.02, 0.05),
    "rmsprop": (1e-3, 2e-3),
}


def family(most: int | None = None) -> Iterator[Case]:
    """Every case of both halves, or the first ``most`` of each; the same ones every time."""
    for half, size in SIZES.items():
        known = [mistake for mistake in MISTAKES if mistake.half in ("", half)]
        for index in range(size if most is None else min(most, size)):
            if index % 2 == 0:
                draw = _draw(half, index)
                yield healthy(draw, half, index, draw.choice(NETWORKS))
                continue
            mistake = known[(index // 2) % len(known)]
            case, draw = _before(mistake, half, index)
            changed = mistake.make(case, draw)
            yield replace(changed, mistake=mistake.name, names=mistake.names)


def counterparts(case: Case, many: int = 5) -> list[Case]:
    """What could have been had instead, from as many seeds.

    Of a case with a mistake: what was drawn before the mistake was made, on the same data. Of one
    without: the same trained half as long.
    """
    other = replace(case, steps=case.steps // 2)
    if case.mistake:
        mistake = next(one for one in MISTAKES if one.name == case.mistake)
        other = _for_data(_before(mistake, case.half, case.index)[0], case.data)
    apart = max(SIZES.values())
    return [replace(other, index=case.index + apart * seed) for seed in range(1, many + 1)]


def _draw(half: str, index: int) -> random.Random:
    return random.Random(f"{half} {LOOKED_AT if half == REPORTING else 0} {index}")


def _before(mistake: Mistake, half: str, index: int) -> tuple[Case, random.Random]:
    """The case before the mistake is made, and the draw as it stands then."""
    draw = _draw(half, index)
    return healthy(draw, half, index, draw.choice(mistake.networks)), draw


def _for_data(case: Case, name: str) -> Case:
    """The case on other data, with what that data wants."""
    if name == case.data:
        return case
    case = replace(case, data=name, scaling="standardised")
    plain = name in ("iris", "diabetes")
    case = replace(case, norm="none", dropout=0.0) if plain else case
    return replace(case, optimizer="adam", rate=5e-3, steps=150) if name == "diabetes" else case


def healthy(draw: random.Random, half: str, index: int, network: str) -> Case:
    """What an experienced person might choose."""
    case = PLANS[network](draw, Case(half, index, network, "digits", 2, 32, "relu"))
    optimizer = draw.choice(("adam", "adam", "adamw", "sgd", "rmsprop"))
    if network in ("transformer", "decoder", "lstm"):
        optimizer = draw.choice(("adam", "adamw"))
    rate = draw.choice(RATES[optimizer])
    if case.data == "diabetes":  # targets of 25..346: SGD at these rates needs them scaled
        optimizer, rate = "adam", 5e-3
        case = replace(case, steps=150)
    decay = draw.choice((0.0, 0.0, 1e-4)) if optimizer != "adamw" else 1e-2
    return replace(case, optimizer=optimizer, rate=rate, weight_decay=decay)


def _table(draw: random.Random, case: Case) -> Case:
    chosen = draw.choice(TABLES)
    scaling = draw.choice(("standardised", "standardised", "unit"))
    return replace(case, data=chosen, scaling="standardised" if chosen == "diabetes" else scaling)


def _mlp(draw: random.Random, case: Case) -> Case:
    activation = draw.choice((*RECTIFIERS, "tanh", "tanh", "sigmoid", "selu"))
    deepest = {"sigmoid": 1, "tanh": 4}.get(activation, 6)
    case = replace(
        _table(draw, case),
        activation=activation,
        depth=draw.randint(1, deepest),
        width=draw.choice((16, 32, 64)),
        norm=draw.choice(("none", "none", "batch", "layer")),
        dropout=draw.choice((0.0, 0.0, 0.1)),
        initialise=draw.choice(("default", "he", "xavier", "orthogonal")),
        steps=400,
    )
    return replace(case, norm="none", dropout=0.0) if case.data in ("iris", "diabetes") else case


def _cnn(draw: random.Random, case: Case) -> Case:
    return replace(
        case,
        activation=draw.choice(RECTIFIERS),
        depth=draw.randint(1, 3),
        width=draw.choice((8, 16)),
        norm=draw.choice(("none", "none", "batch")),
        scaling=draw.choice(("standardised", "unit")),
        initialise=draw.choice(("default", "he")),
    )


def _residual(draw: random.Random, case: Case) -> Case:
    return replace(
        _table(draw, case),
        activation=draw.choice((*RECTIFIERS, "tanh")),
        depth=draw.randint(2, 5),
        width=draw.choice((32, 48)),
        norm=draw.choice(("none", "pre", "pre")),
    )


def _transformer(draw: random.Random, case: Case) -> Case:
    return replace(
        case,
        activation=draw.choice(("gelu", "gelu", "relu", "silu")),
        depth=draw.randint(1, 2),
        norm=draw.choice(("pre", "post")),
        dropout=draw.choice((0.0, 0.1)),
        scaling=draw.choice(("standardised", "unit")),
        steps=250,
    )


def _decoder(draw: random.Random, case: Case) -> Case:
    activation = draw.choice(("silu", "silu", "gelu", "sigmoid", "relu"))
    return replace(case, data="text", activation=activation, depth=draw.randint(1, 2), steps=350)


def _lstm(draw: random.Random, case: Case) -> Case:
    of = draw.choice(("digits", "text"))
    return replace(case, data=of, activation="tanh", depth=draw.randint(1, 2), steps=350)


PLANS = {
    "mlp": _mlp,
    "cnn": _cnn,
    "residual": _residual,
    "transformer": _transformer,
    "decoder": _decoder,
    "lstm": _lstm,
}
