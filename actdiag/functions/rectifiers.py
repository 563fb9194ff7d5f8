"""Functions that give exactly 0 for negative inputs: a unit behind one of them can die."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from actdiag.functions.row import ActivationFunction

if TYPE_CHECKING:
    from collections.abc import Mapping

_HE = "He et al. 2015, Delving Deep into Rectifiers"


def _relu(x: Any, xp: Any) -> Any:
    return xp.clamp(x, min=0.0)


def _relu_slope(x: Any, xp: Any) -> Any:
    return xp.where(x > 0, xp.ones_like(x), 0.0)


def _relu6(x: Any, xp: Any) -> Any:
    return xp.clamp(x, min=0.0, max=6.0)


def _relu6_slope(x: Any, xp: Any) -> Any:
    return xp.where((x > 0) & (x < 6.0), xp.ones_like(x), 0.0)  # noqa: PLR2004 - the six of ReLU6


def _relu_squared(x: Any, xp: Any) -> Any:
    positive = xp.clamp(x, min=0.0)
    return positive * positive


def _relu_squared_slope(x: Any, xp: Any) -> Any:
    return 2.0 * xp.clamp(x, min=0.0)


def _threshold(x: Any, xp: Any, *, threshold: float = 0.0, value: float = 0.0) -> Any:
    return xp.where(x > threshold, x, value)


def _threshold_slope(x: Any, xp: Any, *, threshold: float = 0.0, **_value: float) -> Any:
    return xp.where(x > threshold, xp.ones_like(x), 0.0)


def _threshold_numbers(threshold: float, value: float) -> dict[str, Any]:
    return {
        "output_range": (min(threshold, value), math.inf),
        "clips_at_zero": value == 0 and threshold >= 0,
        "linear_region": (threshold, math.inf),
    }


def _threshold_variant(arguments: Mapping[str, Any]) -> str | None:
    return "relu" if arguments.get("threshold") == arguments.get("value") == 0 else None


RELU = ActivationFunction(
    name="relu",
    title="ReLU",
    formula="max(0, x)",
    value=_relu,
    slope=_relu_slope,
    output_range=(0.0, math.inf),
    max_slope=1.0,
    modules=("torch.nn.modules.activation.ReLU",),
    callables=(
        "torch.nn.functional.relu",
        "torch.nn.functional.relu_",
        "torch.relu",
        "torch.relu_",
        "torch.Tensor.relu",
        "torch.Tensor.relu_",
    ),
    operators=("aten::relu", "aten::relu_"),
    aliases=("rectified linear unit", "rectifier"),
    gain=math.sqrt(2.0),
    clips_at_zero=True,
    linear_region=(0.0, math.inf),
    used_for="Hidden layers: the default of CNNs and MLPs, because it is simple and fast, works "
    "well, and passes the gradient of an active unit on undiminished.",
    goes_wrong="Dying ReLU: a unit whose input is always negative has gradient 0 and never learns "
    "again.",
    advice="Count the units that never fire over all the data. Against dead ones: standardise the "
    "inputs, lower the learning rate, use He initialisation or try Leaky ReLU.",
    source=f"Nair & Hinton 2010; Glorot, Bordes & Bengio 2011; gain √2 from {_HE}.",
)

RELU6 = ActivationFunction(
    name="relu6",
    title="ReLU6",
    formula="min(max(0, x), 6)",
    value=_relu6,
    slope=_relu6_slope,
    output_range=(0.0, 6.0),
    max_slope=1.0,
    modules=("torch.nn.modules.activation.ReLU6",),
    callables=("torch.nn.functional.relu6", "torch._C._nn.relu6", "torch._C._nn.relu6_"),
    operators=("aten::relu6", "aten::relu6_"),
    clips_at_zero=True,
    bounded=True,
    saturated_above=6.0,
    linear_region=(0.0, 6.0),
    used_for="Mobile CNNs that will run in low precision, where a known upper bound of 6 helps.",
    goes_wrong="Dies like ReLU below 0, and has no gradient above 6 either.",
    advice="Keep a normalisation in front of it, so that its inputs stay between 0 and 6.",
    source="Krizhevsky 2010, Convolutional Deep Belief Networks on CIFAR-10; "
    "Sandler et al. 2018 (MobileNetV2).",
)

RELU_SQUARED = ActivationFunction(
    name="relu_squared",
    title="ReLU²",
    formula="max(0, x)²",
    value=_relu_squared,
    slope=_relu_squared_slope,
    output_range=(0.0, math.inf),
    max_slope=None,
    modules=("transformers.activations.ReLUSquaredActivation",),
    aliases=("relu2", "squared relu"),
    clips_at_zero=True,
    used_for="Feed-forward networks of some language models (Primer, Nemotron), for sparse hidden "
    "states at a low cost.",
    goes_wrong="Dies like ReLU, and its slope 2x grows without bound, so large inputs become "
    "outliers.",
    advice="Keep it behind a normalisation and watch the largest values in half precision.",
    source="So et al. 2021, Primer: Searching for Efficient Transformers.",
)

THRESHOLD = ActivationFunction(
    name="threshold",
    title="Threshold",
    formula="x if x > threshold else value",
    value=_threshold,
    slope=_threshold_slope,
    output_range=(0.0, math.inf),
    max_slope=1.0,
    modules=("torch.nn.modules.activation.Threshold",),
    callables=(
        "torch.nn.functional.threshold",
        "torch.nn.functional.threshold_",
        "torch.threshold",
        "torch.threshold_",
    ),
    operators=("aten::threshold", "aten::threshold_"),
    clips_at_zero=True,
    linear_region=(0.0, math.inf),
    settings={"threshold": 0.0, "value": 0.0},
    numbers=_threshold_numbers,
    variant=_threshold_variant,
    used_for="A rectifier with its own cut-off; with threshold and value 0 it is ReLU.",
    goes_wrong="Below the threshold there is no gradient, and the output jumps if value and "
    "threshold differ.",
    advice="Use ReLU unless the cut-off means something in your data.",
    source="PyTorch documentation, torch.nn.Threshold (2016 onwards).",
)

ROWS = (RELU, RELU6, RELU_SQUARED, THRESHOLD)
