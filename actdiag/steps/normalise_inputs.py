"""Debug step: normalise the inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Outcome, Role, Severity
from actdiag.steps.base import Case, Result, Step, needs, not_applicable

if TYPE_CHECKING:
    from torch import Tensor

    from actdiag.measure import Batch, Measurement
    from actdiag.steps.bench import Bench


_ADVICE = "Standardise the inputs and train again: these weights were fitted to raw ones."


def carry_out(case: Case) -> Result:
    """Where the input's scale was found wanting, run a copy on standardised inputs.

    The copy's first layer was trained, or initialised, for the raw inputs: what is compared is
    how many units fire, not how well the model does.
    """
    if not case.found("DAT701", at_least=Severity.WARNING):
        return not_applicable("The inputs' scale is no problem (DAT701).")
    bench = case.bench
    if bench is None or not bench.batches:
        return needs("Needs data to run the copy on.")
    from actdiag.measure import measure

    copy = bench.copy()
    raw = bench.measure(copy)
    standardised = measure(copy, _standardised(bench, _feature_axis(case)))
    dead = [sum(site.stats.dead_units or 0 for site in item.sites) for item in (raw, standardised)]
    stuck = [_saturated(item) for item in (raw, standardised)]
    text = (
        f"On a copy, {bench.samples} samples, inputs standardised per feature: dead units "
        f"{dead[0]} → {dead[1]}, saturated units {stuck[0]} → {stuck[1]}."
    )
    measured = {"dead_units": dead, "saturated_units": stuck, "samples": bench.samples}
    if dead[1] + stuck[1] < dead[0] + stuck[0]:
        return Result(Outcome.HELPS, f"{text} {_ADVICE}", measured)
    return Result(Outcome.NO_EFFECT, f"{text} {_ADVICE}", measured)


def _saturated(measured: Measurement) -> int:
    hidden = (site for site in measured.sites if site.role == "activation" and not site.is_final)
    return sum(site.stats.saturated_units or 0 for site in hidden)


def _feature_axis(case: Case) -> int:
    """The axis of the first input's features or channels."""
    site = next((site for site in case.scan.sites if site.role is Role.INPUT), None)
    return 1 if site is None or site.unit_axis is None else site.unit_axis


def _standardised(bench: Bench, features: int) -> list[Batch]:
    import torch

    from actdiag.feed import Batch as Fed

    firsts = [batch.inputs[0] for batch in bench.batches]
    whole = torch.cat([first.double() for first in firsts if first.is_floating_point()])
    axes = [axis for axis in range(whole.dim()) if axis != features]
    mean = whole.mean(dim=axes, keepdim=True)
    std = whole.std(dim=axes, keepdim=True, correction=0).clamp_min(1e-12)

    def scaled(first: Tensor) -> Tensor:
        return ((first.double() - mean) / std).to(first.dtype)

    return [
        Fed((scaled(batch.inputs[0]), *batch.inputs[1:]), batch.kwargs, batch.labels, batch.samples)
        for batch in bench.batches
    ]


STEP = Step("normalise-inputs", "Normalise the inputs", carry_out, works_on_copy=True)
