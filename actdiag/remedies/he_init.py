"""Remedy: He initialisation (He et al. 2015), which keeps the scale of the signal through ReLUs.

Where the file's weights are at fault (of a wrong scale, all alike, dead or not finite) the control
trains on from them: that is what the remedy replaces. Otherwise the control starts from fresh
weights too, as PyTorch draws them, so that only the scheme differs.
"""

from __future__ import annotations

from actdiag.remedies.base import Arm, Remedy, Start, Subject, fresh


def control_start(subject: Subject) -> Start:
    """From the file's weights if they are what is wrong, else fresh ones."""
    return Start.KEPT if subject.weights_at_fault else Start.FRESH


def apply(arm: Arm, _subject: Subject) -> str:
    """Draw every linear and convolution weight of the copy by He's scheme; biases become 0."""
    return drawn(arm, "he")


def drawn(arm: Arm, scheme: str) -> str:
    """Draw the weights by a scheme and say how many layers got new ones.

    Raises:
        NotApplicableError: there is no such layer.
    """
    from torch import nn

    from actdiag.remedies.base import NotApplicableError
    from actdiag.steps.initialising import initialise

    kinds = (nn.Linear, nn.modules.conv._ConvNd)  # noqa: SLF001 - the base of all convolutions
    layers = sum(isinstance(part, kinds) for part in arm.module.modules())
    if not layers:
        raise NotApplicableError("There is no linear or convolution layer.")
    initialise(arm.module, lambda _name: scheme, seed=arm.seed)
    name = "He's" if scheme == "he" else "Xavier's"
    return f"{layers} layers drawn anew by {name} scheme, biases 0"


REMEDY = Remedy(
    "he-init",
    "Initialise with He's scheme (nn.init.kaiming_normal_)",
    apply,
    fresh,
    control_start=control_start,
    causes=("bad-initialisation", "dead-relus", "exploding-activations", "non-finite-weights"),
    codes=("INI401", "INI402", "INI403"),
    suits=lambda subject: subject.schemes != {"xavier"},
)
