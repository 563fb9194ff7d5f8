"""Samples of the rule on outliers of gated products, and its message."""

from __future__ import annotations

from dataclasses import replace

import torch

from actdiag.records import ModelInfo, Role, Scan
from tests.rules.build import act, data_in, linear, scan, site, units
from tests.rules.gating import SwiGLU
from tests.rules.live import Sample, digits


def aligned(dtype: torch.dtype) -> Sample:
    """Gate and value of one channel point the same way and are large, as Fishman et al. found."""
    model = SwiGLU()
    with torch.no_grad():
        model.gate.weight[7].mul_(60)
        model.up.weight[7].copy_(model.gate.weight[7])
    x, y = digits()[2:]
    return Sample(model.to(dtype), x.to(dtype), y)


def product(dtype: str = "float16", **changes: float) -> Scan:
    values = {"0.01": -0.4, "0.25": -0.01, "0.5": 0.0, "0.75": 0.01, "0.99": 0.4}
    peaks = units(min=-1.0, max=(1.0,) * 9 + (320.0,))
    gated = site(
        "mul",
        Role.GATED_PRODUCT,
        "act",
        "up",
        per_unit=peaks,
        dtype=dtype,
        **{"quantiles": values, "min": -1.0, "max": 320.0} | changes,
    )
    gate = act("act", "gate", function="silu", role=Role.GATE)
    return scan(data_in(), linear("gate", "input"), gate, linear("up", "input"), gated)


def in_model(dtype: str) -> Scan:
    """The product itself in float32, in a model of another type."""
    info = ModelInfo(path=None, format="live", class_name="Net", dtype=dtype)
    return replace(product("float32"), model=info)


SICK = {"ACT115": lambda: aligned(torch.float16)}
HEALTHY = {"ACT115": lambda: aligned(torch.float32)}
MESSAGES: dict[str, tuple[Scan, str]] = {
    "ACT115": (
        product(),
        (
            "The gated product 'mul' reaches 320 (unit 9), 32,000 times the median size of "
            "its values (0.01), in float16."
        ),
    ),
}
