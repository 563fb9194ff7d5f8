"""What one row of the catalogue of activation functions holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Elementwise = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class ActivationFunction:
    """One activation function and everything the product knows of it.

    ``value`` and ``slope`` are called as ``value(x, xp, **settings)``, where ``xp`` is a namespace
    with ``exp, tanh, erf, log1p, sigmoid, where, clamp, abs``: ``torch`` for tensors, or
    :data:`actdiag.functions.scalar` for plain floats, so that one formula serves both.

    Attributes:
        name: the catalogue's word, such as ``relu``; used as ``Site.function``.
        title: as people write it, such as ``ReLU``.
        formula: in plain text.
        modules: qualified names of the module classes that are this function.
        callables: qualified names of the Python callables that are it (functions, tensor methods,
            in-place forms), e.g. ``torch.nn.functional.relu``, ``torch.Tensor.relu_``.
        operators: aten operator names, e.g. ``aten::relu``.
        output_range: infimum and supremum of the values.
        max_slope: the supremum of the absolute slope.
        gain: the factor that keeps the scale of a signal, as ``torch.nn.init.calculate_gain``
            where that knows it; null where none is established.
        initialisation: ``he`` or ``xavier``: the scheme for a layer that this function follows.
        clips_at_zero: negative inputs give exactly 0, so a unit can die.
        bounded: both ends are bounded, so a unit can be saturated (sigmoid, tanh and their kin).
        saturated_below: inputs below this have a slope under 5 % of the maximum; null if none.
        saturated_above: inputs above this likewise.
        linear_region: closed interval of inputs on which the function is within 1 % of a line.
        settings: default values of the function's own settings, such as ``negative_slope``.
        elementwise: false for softmax, GLU and others that mix elements.
        used_for, goes_wrong, advice, source: the documentation, in one sentence or two each.
    """

    name: str
    title: str
    formula: str
    value: Elementwise
    slope: Elementwise | None
    output_range: tuple[float, float]
    max_slope: float | None
    modules: tuple[str, ...] = ()
    callables: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    gain: float | None = None
    initialisation: str = "he"
    clips_at_zero: bool = False
    bounded: bool = False
    saturated_below: float | None = None
    saturated_above: float | None = None
    linear_region: tuple[float, float] | None = None
    settings: dict[str, float] = field(default_factory=dict)
    elementwise: bool = True
    used_for: str = ""
    goes_wrong: str = ""
    advice: str = ""
    source: str = ""
