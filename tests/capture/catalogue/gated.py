"""Gates: separate matrices, halves of one, F.glu, modules, highway and squeeze-excite."""

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


@GATED.case("", X)
class SwiGLU(Fused):
    def forward(self, x):
        gate, up = self.both(x).chunk(2, dim=-1)
        return self.down(F.silu(gate) * up)


@GATED.case("", X)
class GeGLU(Fused):
    def forward(self, x):
        up, gate = self.both(x).split(8, dim=-1)
        return self.down(up * F.gelu(gate))


@GATED.case("", X)
class ReGLU(Fused):
    """Halves taken by slices."""

    def forward(self, x):
        h = self.both(x)
        return self.down(torch.relu(h[..., :8]) * h[..., 8:])


@GATED.case("", X)
class Bilinear(Fused):
    def forward(self, x):
        left, right = self.both(x).chunk(2, -1)
        return self.down(left * right)


@GATED.case("", X)
class FunctionGLU(Fused):
    def forward(self, x):
        return self.down(F.glu(self.both(x), dim=-1))


@GATED.case("", X)
def module_glu():
    return nn.Sequential(nn.Linear(6, 16), nn.GLU(), nn.Linear(8, 6))


@GATED.case("", IMAGE)
def convolutional_glu():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.GLU(1), nn.Conv2d(4, 2, 1))


class GEGLUModule(nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = nn.Linear(6, 16)

    def forward(self, x):
        x, gate = self.proj(x).chunk(2, dim=-1)
        return x * F.gelu(gate)


@GATED.case("", X)
def module_geglu():
    """As diffusers writes it: the projection lies in the activation's module."""
    return nn.Sequential(GEGLUModule(), nn.Dropout(), nn.Linear(8, 6))


@GATED.case("", X)
class Llama(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate_proj, self.up_proj = nn.Linear(6, 8, bias=False), nn.Linear(6, 8, bias=False)
        self.down_proj, self.act_fn = nn.Linear(8, 6, bias=False), nn.SiLU()

    def forward(self, x):
        return self.down_proj(self.act_fn(self.gate_proj(x)) * self.up_proj(x))


@GATED.case("", X)
class BilinearMatrices(nn.Module):
    def __init__(self):
        super().__init__()
        self.w, self.v, self.down = nn.Linear(6, 8), nn.Linear(6, 8), nn.Linear(8, 6)

    def forward(self, x):
        return self.down(self.w(x) * self.v(x))


@GATED.case("", X)
class Highway(nn.Module):
    def __init__(self):
        super().__init__()
        self.change, self.gate = nn.Linear(6, 6), nn.Linear(6, 6)

    def forward(self, x):
        t = torch.sigmoid(self.gate(x))
        return t * torch.relu(self.change(x)) + (1 - t) * x


@GATED.case("", IMAGE)
class SqueezeExcite(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.fc = nn.Sequential(nn.Linear(8, 2), nn.ReLU(), nn.Linear(2, 8), nn.Sigmoid())

    def forward(self, x):
        h = self.conv(x)
        return h * self.fc(h.mean((2, 3)))[:, :, None, None]


@GATED.case("", drawn(4, 3, 9))
class WaveNet(nn.Module):
    """tanh of one half times sigmoid of the other."""

    def __init__(self):
        super().__init__()
        self.conv, self.out = nn.Conv1d(3, 8, 3), nn.Conv1d(4, 3, 1)

    def forward(self, x):
        a, b = self.conv(x).chunk(2, dim=1)
        return self.out(torch.tanh(a) * torch.sigmoid(b))


@GATED.case("", X)
class Packed(nn.Module):
    """Query, key, value, gate and up out of one matrix, as ModernBERT's Wi or Phi-3."""

    def __init__(self):
        super().__init__()
        self.gate_up_proj, self.down_proj = nn.Linear(6, 16, bias=False), nn.Linear(8, 6)
        self.activation = nn.SiLU()

    def forward(self, x):
        gate, up = self.gate_up_proj(x).unflatten(-1, (2, 8)).unbind(-2)
        return self.down_proj(self.activation(gate).mul_(up))
