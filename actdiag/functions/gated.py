"""Gated families: one branch is squashed and decides how much of the other branch passes.

Each row's ``value`` is called as ``value(gate, xp, up=up)`` with the two branches of equal shape.
"""

from __future__ import annotations

import math
from typing import Any

from actdiag.functions.bounded import SIGMOID
from actdiag.functions.gelu import GELU
from actdiag.functions.linear import IDENTITY
from actdiag.functions.rectifiers import RELU
from actdiag.functions.row import ActivationFunction, Elementwise
from actdiag.functions.swish import SILU

_SHAZEER = "Shazeer 2020, GLU Variants Improve Transformer"
_REAL_LINE = (-math.inf, math.inf)


def _gated_by(row: ActivationFunction) -> Elementwise:
    def value(gate: Any, xp: Any, *, up: Any) -> Any:
        return row.value(gate, xp) * up

    return value


GLU = ActivationFunction(
    name="glu",
    title="GLU",
    formula="σ(xW) ⊙ (xV)",
    value=_gated_by(SIGMOID),
    slope=None,
    output_range=_REAL_LINE,
    max_slope=None,
    modules=("torch.nn.modules.activation.GLU",),
    callables=("torch.nn.functional.glu", "torch._C._nn.glu"),
    operators=("aten::glu",),
    aliases=("gated linear unit",),
    initialisation="xavier",
    elementwise=False,
    gate="sigmoid",
    used_for="Gated convolutions and speech models: the gate learns which information passes, "
    "which is more expressive than a fixed function.",
    goes_wrong="Gates shut for good (sigmoid near 0) let neither value nor gradient through; gates "
    "wide open make the block linear.",
    advice="Look at the share of gates shut and wide open. torch's GLU takes the second half of "
    "its input as the gate.",
    source=f"Dauphin et al. 2017, Language Modeling with Gated Convolutional Networks; {_SHAZEER}.",
)

SWIGLU = ActivationFunction(
    name="swiglu",
    title="SwiGLU",
    formula="Swish(xW) ⊙ (xV)",
    value=_gated_by(SILU),
    slope=None,
    output_range=_REAL_LINE,
    max_slope=None,
    elementwise=False,
    gate="silu",
    used_for="Feed-forward networks of Llama, Mistral and PaLM: (Swish(x W_gate) ⊙ (x W_up)) "
    "W_down.",
    goes_wrong="Three matrices instead of two: more parameters for the quality. The product of "
    "two branches can make outliers.",
    advice="Take two thirds of the hidden width to keep the parameters of a two-matrix network, "
    "and watch the gated product in fp16 or fp8.",
    source=f"{_SHAZEER}; outliers: Fishman et al. 2024.",
)

GEGLU = ActivationFunction(
    name="geglu",
    title="GeGLU",
    formula="GELU(xW) ⊙ (xV)",
    value=_gated_by(GELU),
    slope=None,
    output_range=_REAL_LINE,
    max_slope=None,
    elementwise=False,
    gate="gelu",
    used_for="Gated feed-forward networks, as in T5 v1.1 and Gemma.",
    goes_wrong="As SwiGLU: a third matrix, shut gates, and outliers in the product.",
    advice="As SwiGLU; the two perform alike, so follow the model you start from.",
    source=f"{_SHAZEER}.",
)

REGLU = ActivationFunction(
    name="reglu",
    title="ReGLU",
    formula="ReLU(xW) ⊙ (xV)",
    value=_gated_by(RELU),
    slope=None,
    output_range=_REAL_LINE,
    max_slope=None,
    elementwise=False,
    gate="relu",
    used_for="Gated feed-forward networks whose hidden state should be sparse.",
    goes_wrong="A gate whose input is always negative is shut for good: a dead unit, as with ReLU.",
    advice="Count dead gates as you would dead ReLUs; SwiGLU or GeGLU have none.",
    source=f"{_SHAZEER}.",
)

BILINEAR = ActivationFunction(
    name="bilinear",
    title="Bilinear",
    formula="(xW) ⊙ (xV)",
    value=_gated_by(IDENTITY),
    slope=None,
    output_range=_REAL_LINE,
    max_slope=None,
    initialisation="xavier",
    elementwise=False,
    gate="identity",
    used_for="The gated network without a function on its gate: the product alone is the "
    "non-linearity.",
    goes_wrong="Nothing bounds the gate, so the output grows with the square of the input.",
    advice="Keep a normalisation in front of it, and watch the largest values.",
    source=f"Mnih & Hinton 2007; {_SHAZEER}.",
)

ROWS = (GLU, SWIGLU, GEGLU, REGLU, BILINEAR)
