"""Does the model do its job? Labels alone can show it.

A classifier *works* when it makes up at least half of what separates always answering the most
frequent label from perfection, and *fails* when it makes up less than a tenth. With fifty classes
or more (ImageNet, next tokens) perfection is out of reach for good models too: a fifth, and a
fiftieth. A regression works from R² = 0.3 (the best linear model of scikit-learn's diabetes data
reaches 0.45 to 0.5) and fails below 0.05. In between, and on fewer than 30 labelled answers,
nothing is claimed, nor where all labels or all samples are the same. All of these are our choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.rules.graph import inputs_differ
from actdiag.text import percent

if TYPE_CHECKING:
    from actdiag.records import OutputStats, Scan

MIN_ANSWERS = 30
MANY_CLASSES = 50
WORKS, FAILS = 0.5, 0.1
WORKS_OF_MANY, FAILS_OF_MANY = 0.2, 0.02
FEW, PER_CLASS = 1 / 3, 3
VARIES = 1e-3
WORKS_R2, FAILS_R2 = 0.3, 0.05


def skill(output: OutputStats) -> float | None:
    """(accuracy − majority) / (1 − majority): 0 for the constant answer, 1 for perfection."""
    if output.accuracy is None or output.majority is None or output.majority >= 1:
        return None
    return (output.accuracy - output.majority) / (1 - output.majority)


def _position(scan: Scan) -> tuple[float, float, float] | None:
    """How good it is, from where it works, and up to where it fails."""
    output = scan.output
    if output is None or output.predictions < MIN_ANSWERS or not inputs_differ(scan):
        return None
    good = skill(output)
    if good is not None:
        many = max(output.classes or 0, output.label_classes or 0) >= MANY_CLASSES
        return (good, WORKS_OF_MANY, FAILS_OF_MANY) if many else (good, WORKS, FAILS)
    return None if output.r2 is None else (output.r2, WORKS_R2, FAILS_R2)


def works(scan: Scan) -> bool:
    """Whether labels show that the model does its job. False also where nothing shows it."""
    position = _position(scan)
    return position is not None and position[0] >= position[1]


def fails(scan: Scan) -> bool:
    """Whether labels show that the model doesn't do its job. False also where nothing shows it."""
    position = _position(scan)
    return position is not None and position[0] <= position[2]


def falls_short(scan: Scan) -> bool:
    """Whether it was judged by labels, and they don't show that it does its job."""
    return _position(scan) is not None and not works(scan)


def perfect(scan: Scan) -> bool:
    """Whether every labelled answer is right, by a model whose answers follow its input."""
    output = scan.output
    if output is None or output.predictions < MIN_ANSWERS or output.accuracy != 1:
        return False
    varies, scale = output.between_sample_std, output.scale
    return varies is not None and scale is not None and varies > VARIES * scale


def few_classes(scan: Scan) -> bool:
    """Whether the labels seen are one class, or a third at most, of those the model tells apart.

    Where a rare class may be missing by chance nothing is claimed: it takes three answers per
    class, and fewer than fifty classes unless a single one was seen.
    """
    output = scan.output
    if output is None or output.predictions < MIN_ANSWERS or not output.label_classes:
        return False
    seen, known = output.label_classes, output.classes or 0
    if seen == 1 < known:
        return True
    enough = output.predictions >= PER_CLASS * known
    return seen <= FEW * known and enough and known < MANY_CLASSES


def score_text(scan: Scan) -> str:
    """Such as ``accuracy 97.0 %, majority 12.3 %``."""
    output = scan.output
    if output is None:
        return "no output was judged"
    if output.accuracy is not None:
        told = f"accuracy {percent(output.accuracy, decimals=1)}"
        if output.majority is None:
            return told
        return f"{told}, majority {percent(output.majority, decimals=1)}"
    return "no labels" if output.r2 is None else f"R² {output.r2:.2f}"
