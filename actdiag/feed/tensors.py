"""Arrays of any origin as tensors that torch can work with."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from actdiag.errors import DataError
from actdiag.feed.names import printable

Array = np.ndarray[Any, np.dtype[Any]] | Tensor

# torch has these types but hardly an operation for them.
_WIDER = {"uint16": np.int32, "uint32": np.int64, "uint64": np.int64}
_FLOATS = {"float16", "float32", "float64", "complex64", "complex128"}
_NUMERIC = "biufc"


def is_array(value: object) -> bool:
    """Whether ``value`` is a tensor or a numpy array with at least one axis."""
    return isinstance(value, Tensor | np.ndarray) and value.ndim > 0


def check_numeric(array: Array, what: str) -> None:
    """Raise DataError unless ``array`` holds numbers; ``what`` names it."""
    if isinstance(array, Tensor) or array.dtype.kind in _NUMERIC:
        return
    kind = {"O": "Python objects", "U": "text", "S": "text", "M": "dates", "m": "time spans"}
    held = kind.get(array.dtype.kind, f"records ({printable(array.dtype)})")
    raise DataError(
        f"{what} holds {held}, not numbers",
        hint="Convert it to a numeric array first, one row per sample.",
    )


def to_tensor(array: Array) -> Tensor:
    """A tensor of its own memory: models may work in place, files are mapped read-only."""
    if isinstance(array, Tensor):
        return array.detach().clone()
    dtype: Any = _WIDER.get(array.dtype.name, array.dtype.newbyteorder("="))
    if array.dtype.kind in "fc" and array.dtype.name not in _FLOATS:  # long doubles
        dtype = np.float64 if array.dtype.kind == "f" else np.complex128
    return torch.from_numpy(np.array(array, dtype=dtype, order="C", copy=True))


def as_inputs(value: Any) -> Any:
    """Arrays and tensors as tensors with memory of their own; anything else as it is.

    A tuple or list, the one input of a forward that takes it apart itself, becomes a tuple of them.
    """
    if type(value) in {tuple, list}:
        return tuple(as_inputs(entry) for entry in value)
    if isinstance(value, Tensor):
        return to_tensor(value)
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        check_numeric(array, "the batch")
        return to_tensor(array)
    return value
