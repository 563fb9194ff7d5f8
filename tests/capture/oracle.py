"""Activation functions by numpy and scipy alone, in float32 as the models compute them."""

import numpy as np
from scipy.special import erf, expit


def softplus(x):
    return np.logaddexp(np.float32(0), x)


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


VALUES = {
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "relu_squared": lambda x: np.maximum(x, 0) ** 2,
    "threshold": lambda x: np.where(x > 0.1, x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "prelu": lambda x: np.where(x > 0, x, 0.25 * x),
    "rrelu": lambda x: np.where(x > 0, x, (1 / 8 + 1 / 3) / 2 * x),
    "elu": elu,
    "celu": elu,
    "selu": lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772),
    "gelu": lambda x: 0.5 * x * (1 + erf(x / np.sqrt(2))),
    "gelu_tanh": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "quick_gelu": lambda x: x * expit(1.702 * x),
    "silu": lambda x: x * expit(x),
    "mish": lambda x: x * np.tanh(softplus(x)),
    "hardswish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "sigmoid": expit,
    "tanh": np.tanh,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "hardsigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
    "hardtanh": lambda x: np.clip(x, -1, 1),
    "softplus": softplus,
    "logsigmoid": lambda x: -softplus(-x),
    "softshrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "hardshrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "tanhshrink": lambda x: x - np.tanh(x),
}
CLIPPING = ("relu", "relu6", "relu_squared", "threshold")


def derivative(name, x):
    """The slope at ``x``, by central differences in float64."""
    step = 1e-5
    value = VALUES[name]
    return (value(x + step) - value(x - step)) / (2 * step)


def dead(name, x):
    """Columns of ``x`` that never fire."""
    y = VALUES[name](x.astype(np.float32)).astype(np.float32)
    return int(((y <= 0) if name in CLIPPING else (y == 0)).all(0).sum())


def saturated(name, x):
    """Columns of which nine in ten values lie where the slope is below a twentieth of its largest.

    Only ends at which the function levels off count, and not the dead side of one that clips.
    """
    grid = np.linspace(-30, 30, 60_001)
    largest = np.abs(derivative(name, grid)).max()
    flat = np.abs(derivative(name, x.astype(np.float64))) < 0.05 * largest
    y = VALUES[name]
    ends = np.zeros_like(flat)
    if abs(y(np.float64(-300)) - y(np.float64(-299))) < 1e-3 and name not in CLIPPING:
        ends |= x < 0
    if abs(y(np.float64(300)) - y(np.float64(299))) < 1e-3:
        ends |= x > 0
    return int(((flat & ends).mean(0) >= 0.9).sum())
