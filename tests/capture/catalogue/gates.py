"""Gates: separate matrices, modules of their own, highways, squeeze-excite."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.capture.catalogue.case import Catalogue, drawn

GATES = Catalogue()
X, IMAGE = drawn(4, 5, 6), drawn(4, 3, 6, 6)


class GEGLUModule(nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = nn.Linear(6, 16)

    def forward(self, x):
        x, gate = self.proj(x).chunk(2, dim=-1)
        return x * F.gelu(gate)


@GATES.case(
    """
    input input input 6
    0.proj linear linear 16 input
    0/gelu gate gelu 8 0.proj
    0/mul gated-product mul 8 0.proj 0/gelu
    2 linear linear 6 0/mul (answer)
    """,
    X,
)
def module_geglu():
    """As diffusers writes it: the projection lies in the activation's module."""
    return nn.Sequential(GEGLUModule(), nn.Dropout(), nn.Linear(8, 6))


@GATES.case(
    """
    input input input 6
    gate_proj linear linear 8 input
    act_fn gate silu 8 gate_proj
    up_proj linear linear 8 input
    mul gated-product mul 8 act_fn up_proj
    down_proj linear linear 6 mul (answer)
    """,
    X,
)
class Llama(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate_proj, self.up_proj = nn.Linear(6, 8, bias=False), nn.Linear(6, 8, bias=False)
        self.down_proj, self.act_fn = nn.Linear(8, 6, bias=False), nn.SiLU()

    def forward(self, x):
        return self.down_proj(self.act_fn(self.gate_proj(x)) * self.up_proj(x))


@GATES.case(
    """
    input input input 6
    w linear linear 8 input
    v linear linear 8 input
    mul gated-product mul 8 w v
    down linear linear 6 mul (answer)
    """,
    X,
)
class BilinearMatrices(nn.Module):
    def __init__(self):
        super().__init__()
        self.w, self.v, self.down = nn.Linear(6, 8), nn.Linear(6, 8), nn.Linear(8, 6)

    def forward(self, x):
        return self.down(self.w(x) * self.v(x))


@GATES.case(
    """
    input input input 6
    gate linear linear 6 input
    sigmoid gate sigmoid 6 gate
    change linear linear 6 input
    relu activation relu 6 change
    mul gated-product mul 6 sigmoid relu
    output output output 6 mul sigmoid input (answer)
    """,
    X,
)
class Highway(nn.Module):
    def __init__(self):
        super().__init__()
        self.change, self.gate = nn.Linear(6, 6), nn.Linear(6, 6)

    def forward(self, x):
        t = torch.sigmoid(self.gate(x))
        return t * torch.relu(self.change(x)) + (1 - t) * x


@GATES.case(
    """
    input input input 3
    conv conv conv2d 8 input
    fc.0 linear linear 2 conv
    fc.1 activation relu 2 fc.0
    fc.2 linear linear 8 fc.1
    fc.3 gate sigmoid 8 fc.2
    mul gated-product mul 8 conv fc.3 (answer)
    """,
    IMAGE,
)
class SqueezeExcite(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.fc = nn.Sequential(nn.Linear(8, 2), nn.ReLU(), nn.Linear(2, 8), nn.Sigmoid())

    def forward(self, x):
        h = self.conv(x)
        return h * self.fc(h.mean((2, 3)))[:, :, None, None]


@GATES.case(
    """
    input input input 3
    conv conv conv1d 8 input
    tanh activation tanh 4 conv
    sigmoid gate sigmoid 4 conv
    mul gated-product mul 4 tanh sigmoid
    out conv conv1d 3 mul (answer)
    """,
    drawn(4, 3, 9),
)
class WaveNet(nn.Module):
    """tanh of one half times sigmoid of the other."""

    def __init__(self):
        super().__init__()
        self.conv, self.out = nn.Conv1d(3, 8, 3), nn.Conv1d(4, 3, 1)

    def forward(self, x):
        a, b = self.conv(x).chunk(2, dim=1)
        return self.out(torch.tanh(a) * torch.sigmoid(b))
