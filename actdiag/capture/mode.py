"""Interception of torch functions: opens a site where an activation or a layer is computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from actdiag import functions
from actdiag.capture.containers import tensors_in
from actdiag.capture.operations import (
    Kind,
    Operation,
    clamp_row,
    classify,
    moved_axis,
    second_axis,
    settings_of,
)
from actdiag.capture.trail import Trail, merged, reshaped_axis
from actdiag.records import Role

if TYPE_CHECKING:
    from actdiag.capture.modules import ModuleStack
    from actdiag.capture.recorder import OpenSite, Recorder
    from actdiag.functions.row import ActivationFunction

Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]

_SHAPES_DATA = {  # not linear, but known for what they are: nothing to classify
    *("cat", "concat", "concatenate", "stack", "hstack", "vstack", "chunk", "split", "unbind"),
    *("getitem", "narrow", "select", "index_select", "gather", "take_along_dim", "roll", "flip"),
    *("repeat", "repeat_interleave", "expand", "expand_as", "pad", "unfold", "fold", "tile"),
    *("mean", "sum", "amax", "amin", "max", "min", "var", "std", "norm", "argmax", "argmin"),
    *("max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d"),
    *("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d"),
    *("adaptive_max_pool2d", "adaptive_max_pool3d", "lp_pool1d", "lp_pool2d", "topk", "sort"),
    *(
        "interpolate",
        "upsample",
        "pixel_shuffle",
        "pixel_unshuffle",
        "masked_fill",
        "masked_select",
    ),
    *("setitem", "copy", "zero", "fill", "zeros_like", "ones_like", "empty_like", "full_like"),
    *("rand_like", "randn_like", "new_zeros", "new_ones", "new_full", "new_empty", "new_tensor"),
    *("eq", "ne", "lt", "le", "gt", "ge", "isnan", "isfinite", "isinf", "any", "all", "type_as"),
    *("matmul", "bmm", "einsum", "baddbmm", "mm", "addmm", "rmatmul", "mul", "cumsum", "tril"),
    *("normalize", "linalg_norm", "pack_padded_sequence", "triu", "rsqrt", "numpy", "scatter"),
    *("view_as", "reshape_as", "real", "imag", "squeeze", "unsqueeze", "view_as_real", "diff"),
}


class SiteMode(TorchFunctionMode):
    """Sees every torch function that Python code calls while the mode is entered.

    Functions called inside another torch function are not seen, so ``F.relu`` and the
    ``torch.relu`` within it are one call.
    """

    def __init__(self, recorder: Recorder, stack: ModuleStack, weights: dict[int, str]) -> None:
        super().__init__()
        self.recorder = recorder
        self.stack = stack
        self.weights_used: set[str] = set()
        self.not_captured: dict[str, None] = {}
        self._weights = weights
        self._operations: dict[Any, Operation] = {}
        self._handlers = {
            Kind.ACTIVATION: self._activation,
            Kind.CLAMP: self._clamp,
            Kind.LAYER: self._layer,
            Kind.MATMUL: self._matmul,
            Kind.PRODUCT: self._product,
            Kind.MOVE: self._move,
            Kind.RESHAPE: self._reshape,
            Kind.PASS: self._pass,
            Kind.OTHER: self._other,
        }

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run ``func`` and observe it."""
        operation = self._operations.get(func)
        if operation is None:
            operation = self._operations[func] = classify(func)
        if operation.kind is Kind.IGNORED:
            return func(*args, **(kwargs or {}))
        call = (func, args, kwargs or {})
        return self._handlers[operation.kind](operation, call)

    def _trails(self, call: Call) -> list[Trail]:
        """Trails of the tensors among the arguments; weights met on the way are noted."""
        trails = []
        for tensor in tensors_in((call[1], call[2]), depth=3):
            trail = self.recorder.trails.of(tensor)
            if trail is not None:
                trails.append(trail)
            elif isinstance(tensor, nn.Parameter) and id(tensor) in self._weights:
                self.weights_used.add(self._weights[id(tensor)])
        return trails

    def _sample_axis(self, tensor: Tensor, carried: int | None) -> int | None:
        samples = self.recorder.samples
        axes = [axis for axis in (carried, 0) if axis is not None and axis < tensor.dim()]
        return next((axis for axis in axes if samples and tensor.shape[axis] % samples == 0), None)

    def _activation(self, operation: Operation, call: Call) -> Any:
        row = operation.row
        assert row is not None  # noqa: S101 - classify() gives every activation its row
        return self._activate(row, call)

    def _clamp(self, operation: Operation, call: Call) -> Any:
        row = clamp_row(call[1], call[2])
        return self._activate(row, call) if row is not None else self._other(operation, call)

    def _activate(self, row: ActivationFunction, call: Call) -> Any:
        func, args, kwargs = call
        trails = self._trails(call)
        tensor = next(tensors_in((args, kwargs)), None)
        if tensor is None or not trails or not tensor.is_floating_point():
            return func(*args, **kwargs)
        before = merged(trails[:1])
        axis = before.unit_axis
        site = self.recorder.open(
            self.stack.place(),
            row.name,
            role=self._activation_role(row, trails[0], tensor),
            tensor=tensor,
            trail=before,
            unit_axis=axis if row.elementwise else None,
            row=row,
            settings=settings_of(row, args, kwargs),
        )
        self._opened()
        if row.elementwise:
            self.recorder.measure_input(site, tensor, axis)
        output = func(*args, **kwargs)
        self._finish(site, output, site.unit_axis, self._sample_axis(output, before.sample_axis))
        return output

    @staticmethod
    def _activation_role(row: ActivationFunction, trail: Trail, tensor: Tensor) -> Role:
        if row.elementwise:
            return Role.ACTIVATION
        if row.name.endswith("glu"):
            return Role.GATED_PRODUCT
        scores = len(trail.sites) > 1 and tensor.dim() > 2  # noqa: PLR2004 - queries by keys
        return Role.ATTENTION if scores else Role.ACTIVATION

    def _layer(self, operation: Operation, call: Call) -> Any:
        func, args, kwargs = call
        trails = self._trails(call)
        tensor = next(tensors_in((args, kwargs)), None)
        if not trails or tensor is None:
            return func(*args, **kwargs)
        before = merged(trails)
        self._place_input_units(operation, trails[0], tensor)
        result = func(*args, **kwargs)
        output = next(tensors_in(result))
        counted = operation.unit_axis or second_axis(output.dim())
        unit_axis = output.dim() + counted
        site = self.recorder.open(
            self.stack.place(),
            operation.name,
            role=operation.role or Role.BLOCK,
            tensor=output,
            trail=before,
            unit_axis=unit_axis,
        )
        self._opened()
        self._finish(site, output, unit_axis, self._sample_axis(output, before.sample_axis))
        for extra in list(tensors_in(result))[1:]:
            self.recorder.trails.put(extra, Trail((site.index,), straight=False))
        return result

    def _place_input_units(self, operation: Operation, trail: Trail, tensor: Tensor) -> None:
        """The first layer to read the model's input tells which axis its features lie on."""
        if trail.unit_axis is None and len(trail.sites) == 1:
            site = self.recorder.sites[trail.sites[0]]
            if site.role is Role.INPUT and site.shape[1:] == tuple(tensor.shape)[1:]:
                counted = operation.unit_axis or second_axis(tensor.dim())
                site.unit_axis = tensor.dim() + counted if tensor.dim() > 1 else None

    def _finish(
        self, site: OpenSite, output: Tensor, unit_axis: int | None, sample_axis: int | None
    ) -> None:
        trail = Trail((site.index,), unit_axis=unit_axis, sample_axis=sample_axis, fresh=True)
        self.recorder.measure(site, output, trail)

    def _opened(self) -> None:
        self.stack.opened += 1

    def _matmul(self, operation: Operation, call: Call) -> Any:
        """``x @ W`` with a weight on the right is a linear layer; anything else mixes trails."""
        sides = [side for side in call[1] if isinstance(side, Tensor)][-2:]
        known = [self.recorder.trails.of(side) is not None for side in sides]
        if known == [True, False] and operation.name in ("matmul", "mm", "addmm"):
            layer = Operation(Kind.LAYER, operation.name, Role.LINEAR, unit_axis=-1)
            return self._layer(layer, call)
        return self._other(operation, call)

    def _product(self, operation: Operation, call: Call) -> Any:
        func, args, kwargs = call
        sides = [side for side in args if isinstance(side, Tensor)]
        trails = [self.recorder.trails.of(side) for side in sides]
        if len(sides) != 2 or None in trails or sides[0] is sides[1]:  # noqa: PLR2004
            return self._pass(operation, call)
        gate = next((place for place in (0, 1) if self._is_activated(trails[place])), None)
        if gate is None:
            return self._other(operation, call)
        site = self.recorder.sites[trails[gate].sites[0]]  # type: ignore[union-attr]
        if site.function == "sigmoid" and site.input_id == id(sides[1 - gate]):
            site.absorbed = True
            return self._hand_written(functions.get("silu"), sides[1 - gate], call)
        site.role = Role.GATE
        output = func(*args, **kwargs)
        before = merged([trail for trail in trails if trail is not None])
        product = self.recorder.open(
            self.stack.place(),
            "mul",
            role=Role.GATED_PRODUCT,
            tensor=output,
            trail=before,
            unit_axis=before.unit_axis,
        )
        self._opened()
        samples = self._sample_axis(output, before.sample_axis)
        self._finish(product, output, before.unit_axis, samples)
        return output

    def _is_activated(self, trail: Trail | None) -> bool:
        """Whether the tensor is, unchanged, what an elementwise activation gave."""
        if trail is None or not trail.fresh:
            return False
        return self.recorder.sites[trail.sites[0]].role in (Role.ACTIVATION, Role.GATE)

    def _hand_written(self, row: ActivationFunction, source: Tensor, call: Call) -> Any:
        """An activation written out, ``x * sigmoid(x)``: a site of its own."""
        before = self.recorder.trails.of(source)
        assert before is not None  # noqa: S101 - the caller looked
        output = call[0](*call[1], **call[2])
        site = self.recorder.open(
            self.stack.place(),
            row.name,
            role=Role.ACTIVATION,
            tensor=output,
            trail=before,
            unit_axis=before.unit_axis,
            row=row,
        )
        self._opened()
        if source is not output:
            self.recorder.measure_input(site, source, before.unit_axis)
        self._finish(site, output, before.unit_axis, before.sample_axis)
        return output

    def _move(self, operation: Operation, call: Call) -> Any:
        func, args, kwargs = call
        trails = self._trails(call)
        output = func(*args, **kwargs)
        if trails and isinstance(output, Tensor):
            before = trails[0]
            axes = [
                None if axis is None else moved_axis(operation.name, args, kwargs, axis)
                for axis in (before.unit_axis, before.sample_axis)
            ]
            moved = Trail(before.sites, before.straight, axes[0], axes[1])
            self.recorder.trails.put(output, moved)
        return output

    def _reshape(self, _operation: Operation, call: Call) -> Any:
        func, args, kwargs = call
        tensor = next(tensors_in((args, kwargs)), None)
        shape = tuple(tensor.shape) if tensor is not None else ()
        trails = self._trails(call)
        output = func(*args, **kwargs)
        if trails and isinstance(output, Tensor):
            before = trails[0]
            unit_axis = reshaped_axis(shape, tuple(output.shape), before.unit_axis)
            sample_axis = reshaped_axis(shape, tuple(output.shape), before.sample_axis)
            reshaped = Trail(before.sites, before.straight, unit_axis, sample_axis)
            self.recorder.trails.put(output, reshaped)
        return output

    def _pass(self, _operation: Operation, call: Call) -> Any:
        func, args, kwargs = call
        trails = self._trails(call)
        output = func(*args, **kwargs)
        if trails and isinstance(output, Tensor):
            same = self.recorder.trails.of(output)
            unchanged = same is not None and len(trails) == 1 and output is args[0]
            after = same if unchanged and same is not None else merged(trails).passed()
            self.recorder.trails.put(output, _fitting(after, output, self.recorder.samples))
        return output

    def _other(self, operation: Operation, call: Call) -> Any:
        func, args, kwargs = call
        trails = self._trails(call)
        result = func(*args, **kwargs)
        if trails:
            after = merged(trails).blurred()
            for output in tensors_in(result, depth=2):
                fitted = _fitting(after, output, self.recorder.samples)
                self.recorder.trails.put(output, fitted)
                if operation.name not in _SHAPES_DATA and output.is_floating_point():
                    place = self.stack.place()
                    label = f"{place.module}/{operation.name}".lstrip("/")
                    self.not_captured[label] = None
        return result


def _fitting(trail: Trail, tensor: Tensor, samples: int) -> Trail:
    """The trail with the axes that ``tensor`` still has.

    An axis past the end has moved to the end with the axes reduced before it.
    """
    dimensions = tensor.dim()
    unit = trail.unit_axis
    if unit is not None and unit >= dimensions:
        unit = dimensions - 1 if dimensions > 1 else None
    sample = trail.sample_axis
    if sample is not None and (
        sample >= dimensions or not samples or tensor.shape[sample] % samples
    ):
        sample = None
    return Trail(trail.sites, trail.straight, unit, sample, trail.fresh)
