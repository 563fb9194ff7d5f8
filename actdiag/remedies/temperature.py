"""Remedy: temperature scaling (Guo et al. 2017). Nothing is trained: one number is fitted.

The temperature is fitted on one half of the data and judged on the other, never on training data:
a model that has learned those by heart needs no temperature there.
"""

from __future__ import annotations

from actdiag.remedies.base import Arm, NotApplicableError, Remedy, Start, Subject


def start(_subject: Subject) -> Start:
    """Both arms are the model as it is."""
    return Start.AS_IS


def apply(arm: Arm, subject: Subject) -> str:
    """Divide the logits by the temperature that fits one half of the data best."""
    if subject.kind == "values":
        raise NotApplicableError("It is a regression: there are no logits.")
    arm.fits_temperature = True
    final = [site for site in subject.scan.sites if site.is_final]
    if not final or final[-1].role != "linear" or subject.kind not in ("logits", "binary-logit"):
        arm.unsaveable = "the answer does not come from a linear layer: divide the logits in code"
    return "logits divided by a temperature fitted on one half of the data"


REMEDY = Remedy(
    "temperature",
    "Divide the logits by a fitted temperature",
    apply,
    start,
    causes=("logits-too-large",),
    codes=("OUT202", "OUT203", "OUT204"),
    cheap=True,
)
