"""What one row of the catalogue of activation functions holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Elementwise = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class ActivationFunction:
    """One activation function and everything the product knows of it.

    ``value`` and ``slope`` are called as ``value(x, xp, **settings)``, where ``xp`` is a namespace
    with ``exp, expm1, log1p, tanh, erf, sigmoid, where, clamp, abs, ones_like, full_like``:
    ``torch`` for tensors of any shape, or :data:`actdiag.functions.scalar` for plain floats, so
    that one formula serves both. They keep the dtype of ``x``, and ``slope`` is finite at ±inf.
    Functions that normalise take ``x`` along its last axis (:data:`scalar` takes a list); gated
    ones are called as ``value(gate, xp, up=up)``.

    All numbers are those of the default ``settings``; :meth:`with_settings` gives the others.

    Attributes:
        name: the catalogue's word, such as ``relu``; used as ``Site.function``.
        title: as people write it, such as ``ReLU``.
        formula: in plain text.
        modules: qualified names of the module classes that are this function.
        callables: qualified names of the Python callables that are it (functions, tensor methods,
            in-place forms), e.g. ``torch.nn.functional.relu``, ``torch.Tensor.relu_``.
        operators: aten operator names without overload, e.g. ``aten::relu``.
        aliases: other words people use for it; spelling in capitals, ``-`` and ``_`` never matter.
        output_range: infimum and supremum of the values.
        max_slope: the supremum of the absolute slope; null if it has none or mixes elements.
        gain: the factor that keeps the scale of a signal, as ``torch.nn.init.calculate_gain``
            where that knows it; null where none is established.
        initialisation: ``he`` or ``xavier``: the scheme for a layer that this function follows.
        clips_at_zero: negative inputs give exactly 0, so a unit can die.
        bounded: both ends are bounded, so a unit can be saturated (sigmoid, tanh and their kin).
        saturated_below: all inputs below this have a slope under 5 % of the maximum, and the
            values level off there; null if they don't, or where the flat side is the dead side of
            a function that clips at zero.
        saturated_above: inputs above this likewise.
        linear_region: an interval of inputs on which the function does nothing but scale and
            shift: over it (over its first 10 units, if it is unbounded) the best straight line
            misses the function by at most 1 % of the function's span. ReLU x > 0, tanh |x| < 0.1,
            GELU and SiLU x > 3 (RULES ACT113). One such interval, not always the widest.
        settings: defaults of the function's own settings in the order of the torch function's
            arguments and under the names of the module's attributes, such as ``negative_slope``.
        elementwise: false for softmax, GLU and others that mix elements.
        gate: for a gated family, the name of the function on its gate branch.
        numbers: called with all settings; gives the fields above that change with them.
        variant: called with the arguments of a call (or a module's attributes) by name; gives the
            name of the row that is meant instead, or null.
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
    aliases: tuple[str, ...] = ()
    gain: float | None = None
    initialisation: str = "he"
    clips_at_zero: bool = False
    bounded: bool = False
    saturated_below: float | None = None
    saturated_above: float | None = None
    linear_region: tuple[float, float] | None = None
    settings: dict[str, float] = field(default_factory=dict, hash=False)
    elementwise: bool = True
    gate: str | None = None
    numbers: Callable[..., dict[str, Any]] | None = None
    variant: Callable[[Mapping[str, Any]], str | None] | None = None
    used_for: str = ""
    goes_wrong: str = ""
    advice: str = ""
    source: str = ""

    def with_settings(self, settings: Mapping[str, float]) -> ActivationFunction:
        """The same row with its numbers as they are under ``settings`` (over the defaults).

        Raises:
            TypeError: for a setting that the function does not have.
        """
        unknown = set(settings) - set(self.settings)
        if unknown:
            raise TypeError(f"{self.name} has no setting {', '.join(sorted(unknown))}")
        if self.numbers is None or not settings:
            return self
        complete = self.settings | dict(settings)
        return replace(self, settings=complete, **self.numbers(**complete))
