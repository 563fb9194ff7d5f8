"""Causes that lie in slopes: sigmoids and tanhs that are saturated, or too many in a row."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from actdiag import functions
from actdiag.diagnosis.base import Judgement, Outcomes, confirmed, not_run, ruled_out, unknown
from actdiag.records import Role, Severity, Site
from actdiag.rules.harm import fails, works
from actdiag.steps.depth import label, number, percent

if TYPE_CHECKING:
    from actdiag.steps.base import Case

_MOST = 0.5  # of a layer's units: SageMaker's saturated_activation, RULES.md
_FEW = 0.2  # our choice, RULES.md ACT103: below this share a layer is not to blame
_VANISHED = 1e-3  # product of slopes, RULES.md ACT104
_NONE = "There is no hidden sigmoid or tanh."
_GATES_ONLY = "The only sigmoids and tanhs are those inside recurrent layers"


def all_saturated(case: Case, _outcomes: Outcomes) -> Judgement:
    """Judge: are hidden sigmoids or tanhs at an extreme."""
    bounded = [site for site in _bounded(case) if site.stats.saturated_units is not None]
    if not bounded:
        return not_run(case) or _only_gates(case)
    worst = max(bounded, key=_saturated_share)
    evidence = (
        f"{worst.stats.saturated_units} of {worst.units} units at {label(worst)} are saturated "
        f"({percent(worst.stats.saturated_fraction)} of its inputs)."
    )
    if _saturated_share(worst) >= _MOST:
        return confirmed(evidence, _saturated_remedy(case))
    return ruled_out(evidence) if _saturated_share(worst) < _FEW else unknown(evidence)


def vanishing_slope(case: Case, _outcomes: Outcomes) -> Judgement:
    """Judge: does the product of the measured slopes over depth leave any gradient."""
    slopes = [site.stats.mean_slope for site in _bounded(case) if site.stats.mean_slope is not None]
    if not slopes:
        return not_run(case) or _through_time(case)
    left = prod(slopes)
    evidence = f"The mean slopes of {len(slopes)} sigmoids or tanhs multiply to {number(left)}"
    if left >= _VANISHED:
        return ruled_out(f"{evidence}.")
    if any(len(site.inputs) > 1 for site in case.scan.sites):
        return unknown(f"{evidence}, but the layers do not form one chain.")
    if works(case.scan):
        return ruled_out(f"{evidence}, but labels show that the model has learned.")
    if not fails(case.scan):
        return unknown(f"{evidence}; labels would tell whether that does harm.")
    remedy = "Use ReLU or GELU in the hidden layers, fewer layers, or residual paths with norms."
    return confirmed(f"{evidence}: hardly any gradient reaches the first layer.", remedy)


def _bounded(case: Case) -> list[Site]:
    """Hidden sigmoids, tanhs and their kin."""
    return [
        site
        for site in case.scan.sites
        if site.role is Role.ACTIVATION and not site.is_final and site.units
        if (row := functions.find(site.function or "")) is not None
        if row.bounded and row.elementwise
    ]


def _saturated_share(site: Site) -> float:
    return (site.stats.saturated_units or 0) / (site.units or 1)


def _saturated_remedy(case: Case) -> str:
    if case.found("DAT701", at_least=Severity.WARNING):
        return "Standardise the inputs, then train again from Xavier-initialised weights."
    return "Train again from Xavier-initialised weights, or use ReLU or GELU in hidden layers."


def _only_gates(case: Case) -> Judgement:
    """No hidden sigmoid or tanh, but perhaps those inside recurrent layers."""
    few = ruled_out(f"{_GATES_ONLY}, and few of their units are stuck.")
    return _of_recurrent(case, "ACT116") or few


def _through_time(case: Case) -> Judgement:
    """The slopes of gates do not tell what a gradient loses over the steps of a sequence."""
    if known := _of_recurrent(case, "GRD501"):
        return known
    if case.scan.gradients is not None:
        return ruled_out(f"{_GATES_ONLY}, and the gradient reaches the first layer.")
    return unknown(f"{_GATES_ONLY}: --gradients tells how much reaches the first layer.")


def _of_recurrent(case: Case, code: str) -> Judgement | None:
    """What a rule found of a model with recurrent layers; null where it found nothing."""
    if not any(site.role is Role.RECURRENT for site in case.scan.sites):
        return ruled_out(_NONE)
    found = case.found(code, at_least=Severity.WARNING)
    return confirmed(found[0].message, found[0].remedy) if found else None
