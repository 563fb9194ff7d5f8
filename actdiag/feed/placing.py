"""Where the model runs and in which type it computes: ``--device`` and ``--dtype``."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from actdiag.errors import UsageError
from actdiag.feed.names import printable

if TYPE_CHECKING:
    from actdiag.feed.batch import Batch

DTYPES = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float64": torch.float64,
}
AUTO = "auto"
_PREFERRED = ("cuda", "mps", "cpu")


@dataclass(frozen=True)
class Placement:
    """A device and a type for floating-point numbers; null leaves what is there.

    Attributes:
        device: where the model and its inputs go.
        dtype: what its floating-point numbers become.
        note: what the report says about it, or ``""``.
    """

    device: torch.device | None = None
    dtype: torch.dtype | None = None
    note: str = ""

    def following(self, module: nn.Module) -> Placement:
        """The same, with the device that the module is on where none was asked for."""
        if self.device is not None:
            return self
        tensor = next(iter([*module.parameters(), *module.buffers()]), None)
        elsewhere = tensor is not None and tensor.device.type not in {"cpu", "meta"}
        return replace(self, device=tensor.device) if tensor is not None and elsewhere else self

    def apart(self, module: nn.Module) -> nn.Module:
        """A copy of the user's own model where it would be moved or cast, else the model itself."""
        tensors = [*module.parameters(), *module.buffers()]
        moves = self.device is not None and any(item.device != self.device for item in tensors)
        casts = self.dtype is not None and any(
            item.is_floating_point() and item.dtype != self.dtype for item in tensors
        )
        return copy.deepcopy(module) if moves or casts else module

    def model(self, module: nn.Module) -> nn.Module:
        """The module itself, moved and cast.

        Raises:
            UsageError: the device has no room for it or can't hold the type.
        """
        try:
            return module.to(device=self.device, dtype=self.dtype)
        except (RuntimeError, TypeError, NotImplementedError) as error:
            said = printable(str(error).partition("\n")[0])
            where = " ".join(printable(part) for part in (self.device, self.dtype) if part)
            raise UsageError(
                f"the model can't be moved to {where}: {said}", hint="Use --device cpu."
            ) from None

    def batch(self, batch: Batch) -> Batch:
        """The batch with inputs and labels on the device, floating-point inputs cast."""
        if self.device is None and self.dtype is None:
            return batch
        labels = None if batch.labels is None else batch.labels.to(device=self.device)
        return replace(batch.map_inputs(lambda _, value: self._placed(value)), labels=labels)

    def _placed(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            dtype = self.dtype if value.is_floating_point() else None
            return value.to(device=self.device, dtype=dtype or value.dtype)
        if isinstance(value, PackedSequence):
            packed: Any = value  # its own signature is narrower than what it takes
            dtype = self.dtype if value.data.is_floating_point() else None
            return packed.to(self.device or value.data.device, dtype or value.data.dtype)
        if isinstance(value, dict):
            return {key: self._placed(entry) for key, entry in value.items()}
        if type(value) in {list, tuple}:
            return type(value)(self._placed(entry) for entry in value)
        return value


def placement(device: str | None, dtype: str | None) -> Placement:
    """What ``--device`` (auto, cpu, cuda, cuda:1, mps) and ``--dtype`` ask for.

    Raises:
        UsageError: there is no such device here, or no such type.
    """
    if dtype is not None and dtype not in DTYPES:
        raise UsageError(f"--dtype {printable(dtype)} is not known", hint=f"Use {_or([*DTYPES])}.")
    place = None if device is None else _device(device)
    parts = []
    if place is not None and (device == AUTO or place.type != "cpu"):
        parts.append(f"on {place}" + (", chosen by --device auto" if device == AUTO else ""))
    if dtype is not None:
        parts.append(f"in {dtype}, as --dtype asks")
    note = f"the model ran {' and '.join(parts)}" if parts else ""
    return Placement(place, DTYPES[dtype] if dtype else None, note)


def available() -> tuple[str, ...]:
    """The devices that there are here, those that compute fastest first."""
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    return tuple(name for name in _PREFERRED if there[name])


def _device(text: str) -> torch.device:
    here = available()
    if text == AUTO:
        return _numbered(torch.device(here[0]))
    kind, colon, number = text.partition(":")
    hint = f"Available here: {_or([AUTO, *here])}."
    if kind not in _PREFERRED or (colon and not number.isdecimal()):
        raise UsageError(f"--device {printable(text)} is not known", hint=hint)
    if kind not in here:
        raise UsageError(f"--device {printable(text)}: there is no {kind} device here", hint=hint)
    if kind == "cuda" and number and int(number) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise UsageError(f"--device {text}: there are only {count} cuda devices", hint=hint)
    return _numbered(torch.device(text))


def _numbered(device: torch.device) -> torch.device:
    """The device as tensors on it name it: ``cuda:0`` for ``cuda``."""
    if device.type == "cuda" and device.index is None:
        return torch.device("cuda", torch.cuda.current_device())
    return device


def _or(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]
