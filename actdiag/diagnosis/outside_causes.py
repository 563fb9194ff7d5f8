"""Causes outside the hidden layers: the function at the end, the norms' running statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.diagnosis.base import Judgement, Outcomes, confirmed, ruled_out, unknown
from actdiag.records import Severity

if TYPE_CHECKING:
    from actdiag.steps.base import Case

_BETTER = 0.25  # our choice: two standard errors of a difference between shares of 32 samples
_ENDS = ("OUT209", "OUT210", "ARC605", "ARC604")


def wrong_output(case: Case, _outcomes: Outcomes) -> Judgement:
    """Judge: is the last function one that cannot give what the labels want."""
    found = [each for code in _ENDS for each in case.found(code, at_least=Severity.WARNING)]
    if not found:
        return ruled_out("The last function can give what the labels want.")
    return confirmed(found[0].message, found[0].remedy)


def unfit_norms(case: Case, _outcomes: Outcomes) -> Judgement:
    """Judge: do the weights do better with the statistics of a batch than with the running ones."""
    found, modes = case.found("ACT117", at_least=Severity.WARNING), case.scan.train_eval
    if not found or modes is None or found[0].follows_from:
        return ruled_out("The norms' running statistics fit this data, or there are none.")
    train, used = modes.score_in_train, modes.score_in_eval
    if train is None or used is None:
        return unknown("Labels would tell in which mode the answers are right.")
    if train - used < _BETTER:
        return unknown(f"{found[0].message} Neither mode does well.")
    return confirmed(found[0].message, found[0].remedy)
