"""Data in torch and safetensors files: tensors only, never code."""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.utils.data import TensorDataset

from actdiag import arrays
from actdiag.errors import DataError, RefusedError
from actdiag.feed.names import listed, printable

if TYPE_CHECKING:
    from pathlib import Path

_AGAIN = "It may be cut short or damaged; copy or write it again."
_GLOBAL = re.compile(r"GLOBAL ([\w.]+)")
_OTHERWISE = (
    "Data files are never trusted with code. Save tensors (torch.save((x, y), path)) or arrays "
    "(np.savez), or give a function that reads the file, as --data file.py:name."
)
_NUMPY: dict[str, Any] = arrays.stand_ins() | arrays.support()
_ALLOWED: list[Any] = [TensorDataset, *((value, name) for name, value in _NUMPY.items())]


def read_torch(path: Path) -> Any:
    """What ``torch.save`` wrote: a tensor, tuple, list, dict or TensorDataset of tensors or arrays.

    Raises:
        RefusedError: the file asks for anything that could run code.
        DataError: the file is damaged.
    """
    zipped = zipfile.is_zipfile(path)
    try:
        with torch.serialization.safe_globals(_ALLOWED), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
        return _paired(_with_arrays(data))
    except pickle.UnpicklingError as error:
        wants = _wanted(path, str(error), zipped=zipped)
        if wants:
            raise RefusedError(
                f"{printable(path)} is data that needs code to load: it asks for {listed(wants)}",
                wants=wants,
                hint=_OTHERWISE,
            ) from error
        raise DataError(
            f"{printable(path)} is not a file that torch.save wrote, or it is damaged",
            hint=f"{_AGAIN} A plain pickle is not read.",
        ) from error
    except Exception as error:  # a damaged file may fail in any way
        said = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(f"{printable(path)} is damaged: {printable(said)}", hint=_AGAIN) from error


def _with_arrays(data: Any) -> Any:
    """The arrays of numpy in place of what stood for them, in plain containers."""
    match data:
        case arrays.ArrayShell():
            return np.array(data.array)  # a copy, since a pickle's bytes can't be written to
        case dict():
            return {name: _with_arrays(value) for name, value in data.items()}
        case list():
            return [_with_arrays(value) for value in data]
        case tuple() if type(data) is tuple:
            return tuple(_with_arrays(value) for value in data)
    return data


def _wanted(path: Path, message: str, *, zipped: bool) -> tuple[str, ...]:
    """The importable names that the file asks for beyond tensors."""
    if zipped:
        try:
            wants = torch.serialization.get_unsafe_globals_in_checkpoint(path)
        except Exception:  # noqa: BLE001 - a hostile file may break it in any way
            wants = []
        if wants := [name for name in wants if name not in _NUMPY] or wants:
            return tuple(sorted(printable(name) for name in wants))
    return tuple(dict.fromkeys(_GLOBAL.findall(message)))


def _paired(data: Any) -> Any:
    """A list of two arrays of equal length is an (x, y) pair when y has fewer axes."""
    if isinstance(data, list) and len(data) == 2 and all(isinstance(t, Tensor) for t in data):  # noqa: PLR2004 - a pair
        x, y = data
        if x.ndim > y.ndim > 0 and len(x) == len(y):
            return x, y
    return data


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file by name, mapped from the file.

    Raises:
        DataError: the file is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError, ValueError) as error:
        raise DataError(f"{printable(path)} is damaged: {printable(error)}", hint=_AGAIN) from error
