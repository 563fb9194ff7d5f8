"""Statistics of one weight tensor, beside what He's and Xavier's schemes would have drawn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from actdiag.records import WeightStats
from actdiag.stats.layout import arrange, as_float, plain
from actdiag.stats.moments import Row, spread
from actdiag.stats.units import measure

if TYPE_CHECKING:
    from torch import Tensor

# Kinds whose matrices multiply a signal, so that a fan is defined.
_WITH_FAN = ("linear", "conv", "transposed-conv", "recurrent", "attention")
_MATRIX = 2
_AT_ONCE = 1 << 20
_ODD = -7046029254386353131  # 2^64 divided by the golden ratio, as a signed integer


def weight_stats(
    name: str,
    module: str,
    kind: str,
    tensor: Tensor,
    trainable: bool,  # noqa: FBT001 - it is the record's own field, in the record's order
) -> WeightStats:
    """Measure one parameter or buffer; one on the meta device has a shape but no numbers.

    Args:
        name: the parameter's qualified name.
        module: the qualified name of the module it belongs to.
        kind: what it is, such as ``linear``, ``conv``, ``embedding``, ``bias`` or ``buffer``.
        tensor: its values, of any dtype, quantized ones included.
        trainable: whether it takes part in training.
    """
    shape = tuple(tensor.shape)
    fan_in, fan_out = fans(shape, kind)
    numbers: dict[str, float | None] = dict.fromkeys(("mean", "std", "min", "max", "rms"))
    nonfinite, rows = 0, None
    if tensor.numel() and not tensor.is_meta:
        values = plain(tensor)
        numbers, nonfinite = _numbers(values)
        axis = 1 if kind == "transposed-conv" else 0
        if len(shape) >= _MATRIX and shape[axis] > 1:
            rows = identical_rows(values.movedim(axis, 0))
    return WeightStats(
        name=name,
        module=module,
        kind=kind,
        shape=shape,
        elements=tensor.numel(),
        trainable=trainable,
        nonfinite=nonfinite,
        fan_in=fan_in,
        fan_out=fan_out,
        he_ratio=_ratio(numbers["std"], 2, fan_in),
        xavier_ratio=_ratio(numbers["std"], 2, fan_in and fan_out and fan_in + fan_out),
        identical_rows=rows,
        mean=numbers["mean"],
        std=numbers["std"],
        min=numbers["min"],
        max=numbers["max"],
        rms=numbers["rms"],
    )


def fans(shape: tuple[int, ...], kind: str) -> tuple[int | None, int | None]:
    """Fan in and fan out as ``torch.nn.init`` counts them: axes 1 and 0 times the kernel's size.

    Like there, groups are in axis 1 already, and a transposed convolution is taken as it lies.
    """
    if kind not in _WITH_FAN or len(shape) < _MATRIX or 0 in shape:
        return None, None
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


def _ratio(std: float | None, factor: float, fan: int | None) -> float | None:
    return None if std is None or not fan else std / math.sqrt(factor / fan)


def _numbers(values: Tensor) -> tuple[dict[str, float | None], int]:
    table = measure(arrange(values, unit_axis=None)).table.cpu()
    row = table[:, 0].tolist()
    std = spread(table).item()
    known = {
        "mean": row[Row.MEAN],
        "std": std,
        "min": row[Row.LOW],
        "max": row[Row.HIGH],
        "rms": math.hypot(row[Row.MEAN], std),
    }
    seen = row[Row.COUNT] > 0
    checked = {k: v if seen and math.isfinite(v) else None for k, v in known.items()}
    return checked, int(row[Row.NONFINITE])


def identical_rows(values: Tensor) -> int:
    """How many slices along axis 0 equal an earlier one; a slice that holds NaN equals none.

    A hash finds the slice that each one may repeat, and the two are then compared, piece by
    piece, so memory beyond the tensor stays small.
    """
    step = max(1, _AT_ONCE // max(1, values[0].numel()))
    hashes = torch.cat([_hashes(part) for part in torch.split(values, step)])
    known, place = torch.unique(hashes, return_inverse=True)
    order = torch.arange(len(hashes), device=hashes.device)
    first = torch.full_like(known, len(hashes)).scatter_reduce_(0, place, order, "amin")
    later = order[first[place] < order]
    repeated = 0
    for some in torch.split(later, step):
        same = values[some] == values[first[place[some]]]
        repeated += int(same.flatten(1).all(1).sum())
    return repeated


def _hashes(rows: Tensor) -> Tensor:
    """A 64-bit hash of each slice along axis 0; 0.0 and -0.0 count as equal."""
    bits = (as_float(rows.flatten(1)) + 0.0).contiguous()
    whole = bits.view(torch.int32 if bits.dtype == torch.float32 else torch.int64).long()
    place = torch.arange(1, whole.shape[1] + 1, device=whole.device)
    mixed = (whole ^ (place * _ODD)) * _ODD
    return ((mixed ^ (mixed >> 29)) * _ODD).sum(1)
