"""Gated feed-forward networks in one matrix."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.capture.catalogue.case import Catalogue, drawn

GATED = Catalogue()
X, IMAGE = drawn(4, 5, 6), drawn(4, 3, 6, 6)


class Fused(nn.Module):
    """Both branches in one matrix."""

    def __init__(self):
        super().__init__()
        self.both, self.down = nn.Linear(6, 16), nn.Linear(8, 6)


@GATED.case(
    """
    input input input 6
    both linear linear 16 input
    silu gate silu 8 both
    mul gated-product mul 8 silu both
    down linear linear 6 mul (answer)
    """,
    X,
)
class SwiGLU(Fused):
    def forward(self, x):
        gate, up = self.both(x).chunk(2, dim=-1)
        return self.down(F.silu(gate) * up)


@GATED.case(
    """
    input input input 6
    both linear linear 16 input
    gelu gate gelu 8 both
    mul gated-product mul 8 both gelu
    down linear linear 6 mul (answer)
    """,
    X,
)
class GeGLU(Fused):
    def forward(self, x):
        up, gate = self.both(x).split(8, dim=-1)
        return self.down(up * F.gelu(gate))


@GATED.case(
    """
    input input input 6
    both linear linear 16 input
    relu gate relu 8 both
    mul gated-product mul 8 relu both
    down linear linear 6 mul (answer)
    """,
    X,
)
class ReGLU(Fused):
    """Halves taken by slices."""

    def forward(self, x):
        h = self.both(x)
        return self.down(torch.relu(h[..., :8]) * h[..., 8:])


@GATED.case(
    """
    input input input 6
    both linear linear 16 input
    mul gated-product mul 8 both
    down linear linear 6 mul (answer)
    """,
    X,
)
class Bilinear(Fused):
    def forward(self, x):
        left, right = self.both(x).chunk(2, -1)
        return self.down(left * right)


@GATED.case(
    """
    input input input 6
    both linear linear 16 input
    glu/gate gate sigmoid 8 both
    glu gated-product glu 8 both glu/gate
    down linear linear 6 glu (answer)
    """,
    X,
)
class FunctionGLU(Fused):
    def forward(self, x):
        return self.down(F.glu(self.both(x), dim=-1))


@GATED.case(
    """
    input input input 6
    0 linear linear 16 input
    1/gate gate sigmoid 8 0
    1 gated-product glu 8 0 1/gate
    2 linear linear 6 1 (answer)
    """,
    X,
)
def module_glu():
    return nn.Sequential(nn.Linear(6, 16), nn.GLU(), nn.Linear(8, 6))


@GATED.case(
    """
    input input input 3
    0 conv conv2d 8 input
    1/gate gate sigmoid 4 0
    1 gated-product glu 4 0 1/gate
    2 conv conv2d 2 1 (answer)
    """,
    IMAGE,
)
def convolutional_glu():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.GLU(1), nn.Conv2d(4, 2, 1))


@GATED.case(
    """
    input input input 6
    gate_up_proj linear linear 16 input
    activation gate silu ? gate_up_proj
    mul gated-product mul ? activation gate_up_proj
    down_proj linear linear 6 mul (answer)
    """,
    X,
)
class Packed(nn.Module):
    """Query, key, value, gate and up out of one matrix, as ModernBERT's Wi or Phi-3."""

    def __init__(self):
        super().__init__()
        self.gate_up_proj, self.down_proj = nn.Linear(6, 16, bias=False), nn.Linear(8, 6)
        self.activation = nn.SiLU()

    def forward(self, x):
        gate, up = self.gate_up_proj(x).unflatten(-1, (2, 8)).unbind(-2)
        return self.down_proj(self.activation(gate).mul_(up))
