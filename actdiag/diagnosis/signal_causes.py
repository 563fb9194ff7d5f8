"""Causes that lie in the signal: dead, badly scaled, exploding, made NaN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag import functions
from actdiag.diagnosis.base import Judgement, Outcomes, confirmed, not_run, ruled_out, unknown
from actdiag.records import Finding, Role, Severity, Site
from actdiag.steps.depth import label, number

if TYPE_CHECKING:
    from actdiag.steps.base import Case

_MOST = 0.5  # of a layer's units: SageMaker's dead_relu and saturated_activation, RULES.md
_FEW = 0.2  # our choice, RULES.md ACT101: below this share a layer is not to blame
_ENOUGH = 100  # observations of a unit, RULES.md
_FRESH = "dead units do not come back: train again from fresh weights"


def dead_relus(case: Case, _outcomes: Outcomes) -> Judgement:
    """Judge: are the ReLUs dead, and where most of all."""
    relus = [site for site in case.scan.sites if _clips(site) and site.units]
    if not relus:
        return not_run(case) or ruled_out("There is no ReLU in the forward pass.")
    killed = case.found("INI404", at_least=Severity.ERROR)
    if killed:  # a proof, from however few samples
        return confirmed(killed[0].message, killed[0].remedy)
    seen = min(site.stats.observations for site in relus)
    if seen < _ENOUGH:
        return unknown(f"Only {seen} samples: at least {_ENOUGH} are needed to call a unit dead.")
    worst = max(relus, key=_dead_share)
    dead = sum(site.stats.dead_units or 0 for site in relus)
    units = sum(site.units or 0 for site in relus)
    evidence = (
        f"{worst.stats.dead_units} of {worst.units} units at {label(worst)} never fire; "
        f"{dead} of {units} in all ReLUs."
    )
    if _dead_share(worst) >= _MOST:
        return confirmed(evidence, f"{_dead_remedy(case)}; {_FRESH}.")
    return ruled_out(evidence) if _dead_share(worst) < _FEW else unknown(evidence)


def _dead_remedy(case: Case) -> str:
    if case.found("DAT701", at_least=Severity.WARNING):
        return "Standardise the inputs, and lower the learning rate"
    return "Lower the learning rate, or use LeakyReLU"


def _clips(site: Site) -> bool:
    row = functions.find(site.function) if site.function else None
    return row is not None and row.clips_at_zero


def _dead_share(site: Site) -> float:
    return (site.stats.dead_units or 0) / (site.units or 1)


def bad_initialisation(case: Case, _outcomes: Outcomes) -> Judgement:
    """Judge: are the weights far from the Xavier/He scale, or all alike."""
    if not case.scan.weights:
        return unknown("No weights were read.")
    off = [*case.found("INI402", at_least=Severity.WARNING), *_scaled_wrongly(case)]
    if off and all(finding.measured.get("trained") == "trained" for finding in off):
        return unknown(f"{off[0].message} {_of_training(off[0])}")
    if off:
        more = f" (and {len(off) - 1} more)" if len(off) > 1 else ""
        remedy = off[0].remedy or "Initialise with nn.init.kaiming_normal_ or xavier_normal_."
        return confirmed(f"{off[0].message}{more}", remedy)
    broken = [weight.name for weight in case.scan.weights if weight.nonfinite]
    if broken:
        return unknown(f"{len(broken)} weights hold NaN or infinity: nothing of it is left to see.")
    ratios = [weight.he_ratio for weight in case.scan.weights if weight.he_ratio is not None]
    if not ratios:
        return unknown("No layer with a fan-in was found.")
    low, high = number(min(ratios)), number(max(ratios))
    spread = f"{low} × the He scale" if low == high else f"{low} to {high} × the He scale"
    if len(ratios) == 1:
        return ruled_out(f"The one layer lies at {spread}, its rows differ.")
    return ruled_out(f"{len(ratios)} layers lie at {spread}, their rows differ.")


def _of_training(finding: Finding) -> str:
    if finding.measured.get("ratio", 0) > 1:
        return "But it was trained: likelier a learning rate too high has driven it there."
    return "But it was trained, which may have done that."


def _scaled_wrongly(case: Case) -> tuple[Finding, ...]:
    return case.found("INI401", at_least=Severity.WARNING)


def learning_rate_too_high(case: Case, _outcomes: Outcomes) -> Judgement:
    """Judge: has training driven the weights far beyond any initialisation."""
    grown = [
        finding
        for finding in _scaled_wrongly(case)
        if finding.measured.get("trained") == "trained" and finding.measured.get("ratio", 0) > 1
    ]
    if grown:
        more = f" (and {len(grown) - 1} more)" if len(grown) > 1 else ""
        return confirmed(f"{grown[0].message}{more}", grown[0].remedy)
    return ruled_out("No trained weight is far above the scale of an initialisation.")


def exploding(case: Case, _outcomes: Outcomes) -> Judgement:
    """Judge: do activations grow from layer to layer."""
    found = case.found("ACT107", at_least=Severity.WARNING)
    if found:
        return confirmed(found[0].message, found[0].remedy)
    inside = [site for site in case.scan.sites if site.role is not Role.INPUT]
    finite = [site.stats.rms for site in inside if site.stats.rms is not None]
    if not finite:
        return unknown("No finite activation is left to measure.")
    return ruled_out(f"Activations keep their scale: rms at most {number(max(finite))}.")


def unnormalised_input(case: Case, _outcomes: Outcomes) -> Judgement:
    """Judge: is the input far from zero mean and unit variance."""
    found = case.found("DAT701", at_least=Severity.WARNING)
    if found:
        return confirmed(found[0].message, found[0].remedy)
    return ruled_out("The inputs' scale is ordinary.")


def non_finite_weights(case: Case, _outcomes: Outcomes) -> Judgement:
    """Judge: are the weights themselves NaN or infinite."""
    broken = [weight for weight in case.scan.weights if weight.nonfinite]
    if not broken:
        return ruled_out(f"All {len(case.scan.weights)} weights are finite.")
    evidence = (
        f"{len(broken)} of {len(case.scan.weights)} weights hold NaN or infinity, "
        f"{broken[0].name} the first: the training diverged and was saved all the same."
    )
    remedy = (
        "Go back to the last checkpoint with finite weights; train on with a tenth of the learning "
        "rate and clipped gradients."
    )
    return confirmed(evidence, remedy)


def invalid_operation(case: Case, _outcomes: Outcomes) -> Judgement:
    """Judge: does an operation make NaN or infinity out of finite values."""
    weights = {finding.fingerprint for finding in case.found("INI403")}
    found = [one for one in case.found("ACT109") if weights.isdisjoint(one.follows_from)]
    if not found:
        return ruled_out("No operation makes them out of finite values and finite weights.")
    return confirmed(found[0].message, found[0].remedy)
