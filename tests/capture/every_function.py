"""Every activation function of the catalogue that torch has, as modules and as functions."""

import torch
from torch import nn
from torch.nn import functional as F

WIDTH = 8

MODULES = {
    "relu": nn.ReLU(),
    "relu6": nn.ReLU6(),
    "threshold": nn.Threshold(0.1, 0.0),
    "leaky_relu": nn.LeakyReLU(0.2),
    "prelu": nn.PReLU(),
    "rrelu": nn.RReLU(),
    "elu": nn.ELU(),
    "selu": nn.SELU(),
    "celu": nn.CELU(),
    "gelu": nn.GELU(),
    "gelu_tanh": nn.GELU("tanh"),
    "silu": nn.SiLU(),
    "mish": nn.Mish(),
    "hardswish": nn.Hardswish(),
    "sigmoid": nn.Sigmoid(),
    "tanh": nn.Tanh(),
    "softsign": nn.Softsign(),
    "hardsigmoid": nn.Hardsigmoid(),
    "hardtanh": nn.Hardtanh(),
    "softplus": nn.Softplus(),
    "logsigmoid": nn.LogSigmoid(),
    "softshrink": nn.Softshrink(),
    "hardshrink": nn.Hardshrink(),
    "tanhshrink": nn.Tanhshrink(),
    "glu": nn.GLU(),
    "softmax": nn.Softmax(-1),
    "log_softmax": nn.LogSoftmax(-1),
    "softmin": nn.Softmin(-1),
}


METHODS = (
    *("relu", "sigmoid", "tanh", "softmax", "log_softmax", "prelu", "hardshrink", "relu6", "elu"),
    *("selu", "celu", "leaky_relu", "silu", "mish", "hardswish", "hardsigmoid", "hardtanh"),
    "threshold",
)


class AsModules(nn.Module):
    """One layer, and every function behind it as a module of its own."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, WIDTH)
        self.of = nn.ModuleDict(MODULES)

    def forward(self, x):
        x = self.layer(x)
        return [function(x) for function in self.of.values()]


class AsFunctions(nn.Module):
    """One layer, and every function behind it as a call."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, WIDTH)
        self.slope = nn.Parameter(torch.full((1,), 0.25))

    def forward(self, x):
        x = self.layer(x)
        return [
            F.relu(x),
            F.relu6(x),
            F.threshold(x, 0.1, 0.0),
            F.leaky_relu(x, 0.2),
            F.prelu(x, self.slope),
            F.rrelu(x),
            F.elu(x),
            F.selu(x),
            F.celu(x),
            F.gelu(x),
            F.gelu(x, approximate="tanh"),
            F.silu(x),
            F.mish(x),
            F.hardswish(x),
            torch.sigmoid(x),
            torch.tanh(x),
            F.softsign(x),
            F.hardsigmoid(x),
            F.hardtanh(x),
            F.softplus(x),
            F.logsigmoid(x),
            F.softshrink(x),
            F.hardshrink(x),
            F.tanhshrink(x),
            F.glu(x),
            F.softmax(x, dim=-1),
            F.log_softmax(x, dim=-1),
            F.softmin(x, dim=-1),
        ]


class AsMethods(nn.Module):
    """What tensors can do themselves, and what torch does in place."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, WIDTH)
        self.slope = nn.Parameter(torch.full((1,), 0.25))

    def forward(self, x):
        x = self.layer(x)
        return [
            x.relu(),
            x.sigmoid(),
            x.tanh(),
            x.softmax(-1),
            x.log_softmax(-1),
            x.prelu(self.slope),
            x.hardshrink(),
            F.relu6(x.clone(), inplace=True),
            F.elu(x.clone(), inplace=True),
            F.selu(x.clone(), inplace=True),
            F.celu(x.clone(), inplace=True),
            F.leaky_relu(x.clone(), 0.2, inplace=True),
            F.silu(x.clone(), inplace=True),
            F.mish(x.clone(), inplace=True),
            F.hardswish(x.clone(), inplace=True),
            F.hardsigmoid(x.clone(), inplace=True),
            F.hardtanh(x.clone(), inplace=True),
            F.threshold(x.clone(), 0.1, 0.0, inplace=True),
        ]


STYLES = {"modules": AsModules, "functions": AsFunctions, "methods and in place": AsMethods}
NAMES = {"modules": MODULES, "functions": MODULES, "methods and in place": METHODS}


def built(style):
    """The model with units that are dead, saturated and alive under a ReLU, and its input."""
    torch.manual_seed(3)
    model = STYLES[style]().eval()
    with torch.no_grad():
        model.layer.bias.copy_(torch.tensor([-30.0, -9.0, 30.0, 9.0, 0.0, 0.1, -0.1, 0.5]))
    return model, torch.randn(12, 6)
