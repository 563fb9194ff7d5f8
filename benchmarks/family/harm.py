"""Whether a model that works could have been better: compared with what could be had instead."""

from __future__ import annotations

from statistics import mean, stdev
from typing import TYPE_CHECKING

from benchmarks.family.training import WORKED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.family.training import Held

SEEDS = 5
DEVIATIONS = 3.0
LEAST_SKILL, LEAST_NATS = 0.02, 0.1


def impaired(own: Held, others: Sequence[Held]) -> bool:
    """Whether a model that worked does worse than its counterparts, by more than seeds explain.

    In skill or in negative log-likelihood: by more than three standard deviations of the
    counterparts and by more than a fiftieth of the linear model's skill, or a tenth of a nat.
    """
    if own.outcome != WORKED or not others:
        return False
    if _short([one.skill for one in others], own.skill, LEAST_SKILL):
        return True
    losses = [-one.nll for one in others if one.nll is not None]
    return bool(losses) and own.nll is not None and _short(losses, -own.nll, LEAST_NATS)


def _short(of_others: Sequence[float], own: float, least: float) -> bool:
    return mean(of_others) - own > max(DEVIATIONS * stdev(of_others), least)
