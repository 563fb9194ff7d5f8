"""Remedy: dropout before the final layer (Srivastava et al. 2014)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actdiag.remedies.base import Arm, NotApplicableError, Remedy, Subject, kept_if_learned

if TYPE_CHECKING:
    from torch import nn

_RATE = 0.5  # where Srivastava et al. 2014 found hidden layers to do best


def apply(arm: Arm, subject: Subject) -> str:
    """Drop inputs of the final layer while training; nothing remains of it in use."""
    from torch.nn import functional as F

    from actdiag.remedies.surgery import part

    have = [item for item in subject.scan.modules if "Dropout" in item.class_name]
    active = [item.name for item in have if item.settings.get("p")]
    if active:
        raise NotApplicableError(f"The model has dropout: {', '.join(active[:4])}.")
    layers = [site for site in subject.scan.sites if site.role in ("linear", "conv")]
    final = part(arm.module, layers[-1].module) if layers and layers[-1].module else None
    if final is None or final is arm.module:
        raise NotApplicableError("There is no layer with weights behind other layers.")

    def drop(layer: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        return (F.dropout(args[0], _RATE, training=layer.training), *args[1:])

    arm.temporary.append(final.register_forward_pre_hook(drop))
    return f"dropout of {_RATE} before {layers[-1].module}"


REMEDY = Remedy(
    "dropout",
    "Add dropout before the final layer",
    apply,
    kept_if_learned,
    causes=("over-fitting", "missing-regularisation"),
    codes=("OUT202", "OUT203"),
    cheap=True,
)
