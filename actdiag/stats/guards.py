"""A look at all of a tensor's layout in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def _made_by_torch() -> Any:
    """What torch.compile asks of each input; it is not public, so only speed depends on it."""
    try:
        from torch._C._dynamo import guards
    except ImportError:
        return None
    return getattr(guards, "TensorGuards", None)


_TensorGuards = _made_by_torch()


def guard_of(tensor: Tensor) -> Callable[[Any], bool]:
    """Tells by true that a value is a tensor like this one; false may mean anything.

    Alike are class, dtype, device, layout, shape and strides, views of negatives or conjugates.
    """
    try:
        check: Callable[[Any], bool] = _TensorGuards(
            tensor, dynamic_dims_sizes=None, dynamic_dims_strides=None
        ).check
    except Exception:  # noqa: BLE001 - torch may change what is not public
        return _unknown
    return check


def _unknown(_value: Any) -> bool:
    return False
