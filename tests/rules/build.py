"""Scans written by hand, for one-line tests of one rule."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from actdiag.records import (
    Coverage,
    DataInfo,
    ModelInfo,
    ModuleInfo,
    OutputStats,
    Role,
    Scan,
    Site,
    SiteStats,
    ToolInfo,
    UnitStats,
    WeightStats,
)
from actdiag.rules import registry
from actdiag.rules.judging import run

SAMPLES = 500


def units(number: int = 10, count: int = SAMPLES, **changes: Any) -> UnitStats:
    """Units that are all alive; ``changes`` are tuples, or one value for all."""
    healthy: dict[str, Any] = {
        "count": count,
        "mean": 0.5,
        "std": 1.0,
        "mean_abs": 0.6,
        "min": 0.0,
        "max": 3.0,
        "zeros": 0,
        "positive": count // 2,
        "nonfinite": 0,
    }
    values = healthy | changes
    return UnitStats(
        **{
            name: value if isinstance(value, tuple) else (value,) * number
            for name, value in values.items()
        }
    )


def site(
    name: str, role: Role, *inputs: str, per_unit: UnitStats | None = None, **changes: Any
) -> Site:
    """A site of ten units over 500 samples; ``changes`` go to the site or to its statistics."""
    classes = {Role.LINEAR: "Linear", Role.CONV: "Conv2d", Role.NORM: "LayerNorm"}
    width = len(per_unit.count) if per_unit else 10
    of_stats = {key: value for key, value in changes.items() if key in SiteStats.__slots__}
    stats = SiteStats(**{**_STATS, "elements": SAMPLES * width, **of_stats})
    plain = Site(
        name=name,
        module="" if role is Role.INPUT else name,
        module_class=classes.get(role, "Net" if role is Role.INPUT else role.value.title()),
        function=None,
        role=role,
        call=1,
        source=None,
        shape=(64, width),
        unit_axis=1,
        units=width,
        dtype="float32",
        inputs=inputs,
        straight=len(inputs) == 1,
        stats=stats,
        per_unit=per_unit,
    )
    return replace(plain, **{key: value for key, value in changes.items() if key not in of_stats})


_STATS: dict[str, Any] = {
    "observations": SAMPLES,
    "mean": 0.0,
    "std": 1.0,
    "rms": 1.0,
    "min": -3.0,
    "max": 3.0,
    "between_sample": 0.5,
}


def data_in(**changes: Any) -> Site:
    return site("input", Role.INPUT, **changes)


def linear(name: str, *inputs: str, role: Role = Role.LINEAR, **changes: Any) -> Site:
    return site(name, role, *inputs, function=role.value, **changes)


def act(
    name: str,
    *inputs: str,
    function: str = "relu",
    role: Role = Role.ACTIVATION,
    **changes: Any,
) -> Site:
    return site(name, role, *inputs, function=function, **changes)


def weight(module: str, shape: tuple[int, ...] = (10, 10), **changes: Any) -> WeightStats:
    """A weight matrix as He's scheme draws it."""
    elements, fan_in = prod(shape), prod(shape[1:])
    plain = WeightStats(
        name=f"{module}.weight",
        module=module,
        kind="linear",
        shape=shape,
        elements=elements,
        trainable=True,
        mean=0.0,
        std=(2 / fan_in) ** 0.5,
        min=-1.0,
        max=1.0,
        rms=(2 / fan_in) ** 0.5,
        nonfinite=0,
        fan_in=fan_in,
        fan_out=shape[0],
        he_ratio=1.0,
        xavier_ratio=1.4,
        identical_rows=0,
    )
    return replace(plain, **changes)


def classifier(**changes: Any) -> OutputStats:
    """A well calibrated one that works, on 500 labelled samples of 10 classes."""
    plain = OutputStats(
        kind="logits",
        classes=10,
        predictions=SAMPLES,
        accuracy=0.95,
        majority=0.1,
        predicted_classes=10,
        label_classes=10,
        mean_confidence=0.95,
        confident_wrong=0.0,
        ece=0.01,
        extreme=0.2,
        entropy_fraction=0.1,
        between_sample_std=1.0,
        scale=1.0,
    )
    return replace(plain, **changes)


FAILING: dict[str, Any] = {"accuracy": 0.1, "mean_confidence": 0.1}


def scan(
    *sites: Site,
    output: OutputStats | None = None,
    weights: tuple[WeightStats, ...] = (),
    modules: tuple[ModuleInfo, ...] = (),
    samples: int = SAMPLES,
    **changes: Any,
) -> Scan:
    """A scan of these sites on 500 samples of real data."""
    plain = Scan(
        tool=ToolInfo(),
        model=ModelInfo(path=None, format="live", class_name="Net"),
        data=DataInfo(
            "data.npz",
            samples=samples,
            batches=8,
            labels=0 if output is None or output.accuracy is None else samples,
            sample_shape=(10,),
        ),
        coverage=Coverage(sites=len(sites)),
        sites=sites,
        modules=modules,
        output=output,
        weights=weights,
    )
    return replace(plain, **changes)


def found(code: str, of: Scan, **limits: float) -> Any:
    """Findings of one rule, or its Skip; ``limits`` replace thresholds."""
    rule = registry()[code]
    return run(rule, of, rule.limits(limits))
