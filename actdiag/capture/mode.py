"""Interception of torch functions: each call goes to what observes its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.overrides import TorchFunctionMode

from actdiag.capture.activations import activation, clamp
from actdiag.capture.attention import fused, multi_head, softmax, weighted_sum
from actdiag.capture.layers import layer
from actdiag.capture.movements import index, keeps_axes, move, other, reshape
from actdiag.capture.observer import Call, Observer
from actdiag.capture.operations import Kind, Operation, classify
from actdiag.capture.products import product
from actdiag.capture.recurrent import cell, recurrent
from actdiag.capture.repeats import Repeats
from actdiag.capture.transforms import transformed, transforming
from actdiag.capture.writes import expose, leave, write

if TYPE_CHECKING:
    from collections.abc import Callable

_HANDLERS = {
    Kind.ACTIVATION: activation,
    Kind.SOFTMAX: softmax,
    Kind.CLAMP: clamp,
    Kind.LAYER: layer,
    Kind.ATTENTION: fused,
    Kind.MULTI_HEAD: multi_head,
    Kind.RECURRENT: recurrent,
    Kind.CELL: cell,
    Kind.MATMUL: weighted_sum,
    Kind.PRODUCT: product,
    Kind.MOVE: move,
    Kind.RESHAPE: reshape,
    Kind.INDEX: index,
    Kind.WRITE: write,
    Kind.LEAVE: leave,
    Kind.EXPOSE: expose,
    Kind.PASS: keeps_axes,
    Kind.OTHER: other,
}


def observe(observer: Observer, operation: Operation, call: Call) -> Any:
    """Make the call under the eyes of what observes its kind."""
    if operation.kind is Kind.IGNORED:
        return call.make()
    return _HANDLERS[operation.kind](observer, operation, call)


class SiteMode(TorchFunctionMode):
    """Sees every torch function that Python code calls while the mode is entered.

    Functions called inside another torch function are not seen, so ``F.relu`` and the
    ``torch.relu`` within it are one call.
    """

    def __init__(self, observer: Observer) -> None:
        super().__init__()
        self._observer = observer
        self.repeats = Repeats(observer, observe)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run ``func`` and observe it."""
        operation, kwargs = classify(func), kwargs or {}
        if operation.kind is Kind.IGNORED:
            return func(*args, **kwargs)
        if transforming():
            return transformed(self._observer, Call(func, args, kwargs))
        return self.repeats.make(operation, func, args, kwargs)
