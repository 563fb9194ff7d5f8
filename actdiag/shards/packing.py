"""Nested values that hold tensors, as plain JSON values beside one archive of arrays, and back."""

from __future__ import annotations

import base64
import binascii
import io
import math
import zipfile
import zlib
from typing import Any

import numpy as np
import torch
from torch import Tensor

_PLACE, _NUMBER = "array", "float"  # the only keys of what stands for a tensor, for NaN and Inf


def packed(state: Any) -> tuple[Any, str]:
    """Plain JSON values, and the tensors among them as a base64 text."""
    arrays: list[np.ndarray[Any, Any]] = []

    def plain(value: Any) -> Any:
        if isinstance(value, Tensor):
            arrays.append(value.detach().cpu().numpy())
            return {_PLACE: len(arrays) - 1}
        if isinstance(value, dict):
            return {str(key): plain(entry) for key, entry in value.items()}
        if isinstance(value, list | tuple):
            return [plain(entry) for entry in value]
        if isinstance(value, float) and not math.isfinite(value):
            return {_NUMBER: str(value)}
        return value

    values = plain(state)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, *arrays)
    return values, base64.b64encode(buffer.getvalue()).decode("ascii")


def unpacked(values: Any, text: str) -> Any:
    """What :func:`packed` was given. Nothing in the archive is executed.

    Raises:
        ValueError: the text is damaged, or does not belong to the values.
    """
    try:
        with np.load(io.BytesIO(base64.b64decode(text, validate=True)), allow_pickle=False) as file:
            arrays = {name: torch.from_numpy(file[name]) for name in file.files}
    except (binascii.Error, zipfile.BadZipFile, zlib.error, OSError, EOFError, TypeError) as error:
        raise ValueError(str(error)) from error

    def live(value: Any) -> Any:
        if isinstance(value, dict):
            if set(value) == {_PLACE}:
                return _found(arrays, value[_PLACE])
            if set(value) == {_NUMBER}:
                return float(value[_NUMBER])
            return {key: live(entry) for key, entry in value.items()}
        return [live(entry) for entry in value] if isinstance(value, list) else value

    return live(values)


def _found(arrays: dict[str, Tensor], place: Any) -> Tensor:
    try:
        return arrays[f"arr_{place}"]
    except KeyError:
        raise ValueError(f"array {place} is missing") from None
