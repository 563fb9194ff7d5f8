"""Do the labels belong to the answers? A trained model that is sure of itself can tell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from actdiag.rules import harm
from actdiag.rules.training import Age, age

if TYPE_CHECKING:
    from actdiag.records import OutputStats, Pairing, Scan

GAIN = 0.1
STANDARD_ERRORS = 3.0
SURE = 0.7
ALIKE = 0.2
TWO = 2
# Our choice: a regression that explains R² of the variance spreads its answers √R² as wide as the
# targets, 0.5 from R² = 0.25 on; one that has learnt nothing answers near the mean.
SPREAD, OFFSET, FEWEST = (0.5, 1.5), 0.25, 100


def answers_surely(scan: Scan, sure: float = SURE) -> bool:
    """Whether a model that was trained answers with confidence, and by its input."""
    return _sure_and_alive(scan, sure) and age(scan) is not Age.FRESH


def _sure_and_alive(scan: Scan, sure: float) -> bool:
    output = scan.output
    if output is None or output.accuracy is None or (output.mean_confidence or 0) < sure:
        return False
    varies, scale = output.between_sample_std, output.scale
    alive = varies is not None and scale is not None and varies > harm.VARIES * scale
    several = (output.predicted_classes or 0) > 1
    return alive and several


def renumbered(
    scan: Scan, gain: float = GAIN, errors: float = STANDARD_ERRORS, sure: float = SURE
) -> Pairing | None:
    """The pairing of labels and outputs under which the model works, where they are not one's own.

    It must gain ``gain`` of accuracy and ``errors`` standard errors on answers that it was not
    found on, and bring the model to where it is said to work. Of two classes an untrained model may
    be right or wrong on most by chance; of more that alone shows training.
    """
    output = scan.output
    found = None if output is None else output.pairing
    if output is None or found is None or found.samples_judged < harm.MIN_ANSWERS:
        return None
    before, after = found.accuracy_before, found.accuracy_after
    noise = math.sqrt((before * (1 - before) + after * (1 - after)) / found.samples_judged)
    gains = after - before > max(gain, errors * noise)
    told = answers_surely if (output.classes or 0) <= TWO else _sure_and_alive
    return found if gains and _works(output, after) and told(scan, sure) else None


def unrelated(scan: Scan) -> bool:
    """Whether sure answers say nothing of the labels, although both are spread alike.

    That is what a shuffle, or a shift against the samples, makes of a working model. No renumbering
    may help: it would have to beat always answering the most frequent label beyond chance.
    """
    output = scan.output
    found = None if output is None else output.pairing
    if output is None or found is None or output.majority is None:
        return False
    if not harm.fails(scan) or not answers_surely(scan):
        return False
    noise = math.sqrt(output.majority * (1 - output.majority) / found.samples_judged)
    chance = output.majority + STANDARD_ERRORS * noise
    return found.distance <= ALIKE and found.accuracy_after <= chance


def unrelated_targets(scan: Scan) -> bool:
    """Whether a regression's answers are spread as the targets are, yet don't go with them.

    As :func:`unrelated`, of a trained model: what has learnt nothing answers near the mean.
    """
    output = scan.output
    found = None if output is None else output.agreement
    if output is None or found is None or output.predictions < FEWEST:
        return False
    if not harm.fails(scan) or age(scan) is Age.FRESH:
        return False
    alike = SPREAD[0] <= found.spread <= SPREAD[1] and found.offset <= OFFSET
    return alike and abs(found.correlation) <= STANDARD_ERRORS / math.sqrt(output.predictions)


def scaled_otherwise(scan: Scan) -> float | None:
    """By what a regression's answers must be multiplied, and shifted, so that it works.

    Null where it works as it is, or no line through answers and targets helps.
    """
    output = scan.output
    found = None if output is None else output.agreement
    if found is None or not harm.fails(scan) or found.correlation**2 < harm.WORKS_R2:
        return None
    return found.correlation / found.spread


def _works(output: OutputStats, accuracy: float) -> bool:
    majority = output.majority or 0.0
    return accuracy - majority >= harm.WORKS * (1 - majority)
