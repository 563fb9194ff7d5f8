"""Remedy: dead units drawn anew, as ReDo does (Sokar et al. 2023); the living keep their weights.

Both arms train on from the file's weights. The reset weights into a unit are fresh; those out of it
become 0, so that the answer does not change before it is trained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actdiag.records import Role, Scan, Site
from actdiag.remedies.base import Arm, NotApplicableError, Remedy, Subject, kept

if TYPE_CHECKING:
    from torch import nn


def apply(arm: Arm, subject: Subject) -> str:
    """Reset every unit of a ReLU that never fires, where the layer before it is known."""
    reset = sum(_reset(arm, subject.scan, site) for site in _with_dead(subject.scan))
    if not reset:
        raise NotApplicableError("No unit behind a linear or convolution layer is dead.")
    return f"{reset} dead units: fresh weights in, weights out 0"


def _with_dead(scan: Scan) -> list[Site]:
    return [
        site
        for site in scan.sites
        if site.role is Role.ACTIVATION and site.stats.dead_units and site.per_unit is not None
    ]


def _reset(arm: Arm, scan: Scan, site: Site) -> int:
    """Reset the dead units of one activation; 0 where no single layer makes its input."""
    import copy

    import torch

    from actdiag.remedies.surgery import part
    from actdiag.steps.bench import seeded

    sites = {item.name: item for item in scan.sites}
    source = sites.get(site.inputs[0]) if len(site.inputs) == 1 else None
    layer: Any = part(arm.module, source.module) if source is not None else None
    if not _can_reset(layer, site) or site.per_unit is None:
        return 0
    dead = [unit for unit, positive in enumerate(site.per_unit.positive) if not positive]
    with seeded(arm.seed), torch.no_grad():
        donor = copy.deepcopy(layer)
        donor.reset_parameters()
        layer.weight[dead] = donor.weight[dead]
        if layer.bias is not None:
            layer.bias[dead] = donor.bias[dead]
        for follower in _followers(arm.module, scan, site):
            follower.weight[:, dead] = 0
    return len(dead)


def _can_reset(layer: Any, site: Site) -> bool:
    from actdiag.remedies.surgery import CONVOLUTIONS, LINEAR

    known = type(layer) in (*LINEAR, *CONVOLUTIONS)
    return bool(known and getattr(layer, "groups", 1) == 1 and layer.weight.shape[0] == site.units)


def _followers(module: nn.Module, scan: Scan, site: Site) -> list[Any]:
    """The layers that take the units of a site as they are, unit by unit."""
    from actdiag.remedies.surgery import part

    layers = [part(module, item.module) for item in scan.sites if site.name in item.inputs]
    return [layer for layer in layers if layer is not None and _takes(layer, site)]


def _takes(layer: Any, site: Site) -> bool:
    from actdiag.remedies.surgery import CONVOLUTIONS, LINEAR

    known = type(layer) in (*LINEAR, *CONVOLUTIONS) and getattr(layer, "groups", 1) == 1
    return bool(known and layer.weight.shape[1] == site.units)


REMEDY = Remedy(
    "reset-dead-units",
    "Draw the dead units anew and train on",
    apply,
    kept,
    codes=("ACT101",),  # a layer that is dead as a whole calls for fresh weights first
)
