"""Layers that a graph calls, as modules of torch: rebuilt from the arguments of the call.

A graph keeps the weights of a layer, but not what class it was of nor how it was set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

if TYPE_CHECKING:
    from torch._ops import OpOverload

_CONVOLUTIONS: dict[int, Any] = {3: nn.Conv1d, 4: nn.Conv2d, 5: nn.Conv3d}
_NORMS: dict[int, Any] = {
    2: nn.BatchNorm1d,
    3: nn.BatchNorm1d,
    4: nn.BatchNorm2d,
    5: nn.BatchNorm3d,
}
_TRANSPOSED, _GROUPS_AFTER_TRANSPOSED = 6, 8  # among the arguments of aten::convolution


def rebuilt(operator: OpOverload, args: tuple[Any, ...]) -> nn.Module | None:
    """The layer that a call is of: linear, convolution or batch norm; None for any other.

    Its weights are those of the call; it is good for reading, not for running.
    """
    name = str(operator._schema.name).rpartition("::")[2].strip("_")  # noqa: SLF001
    if name == "linear":
        return linear(*args[1:])
    if name in ("conv1d", "conv2d", "conv3d"):
        return _convolution(args, groups=args[6] if len(args) > _TRANSPOSED else 1)
    if name == "convolution" and not args[_TRANSPOSED]:
        return _convolution(args, groups=args[_GROUPS_AFTER_TRANSPOSED])
    if name == "batch_norm":
        return _batch_norm(*args)
    return None


def _made(kind: type[nn.Module], **attributes: Any) -> nn.Module:
    module = kind.__new__(kind)
    nn.Module.__init__(module)
    for name, value in attributes.items():
        setattr(module, name, value)
    return module.eval()


def linear(weight: Tensor, bias: Tensor | None = None) -> nn.Module:
    """The linear layer of that weight, ``(outputs, inputs)``, and bias."""
    return _made(
        nn.Linear,
        weight=weight,
        bias=bias,
        in_features=weight.shape[1],
        out_features=weight.shape[0],
    )


def _convolution(args: tuple[Any, ...], *, groups: int) -> nn.Module | None:
    weight = args[1]
    kind = _CONVOLUTIONS.get(weight.dim())
    if kind is None:
        return None
    return _made(
        kind,
        weight=weight,
        bias=args[2] if len(args) > 2 else None,  # noqa: PLR2004 - input, weight, bias
        in_channels=weight.shape[1] * groups,
        out_channels=weight.shape[0],
        padding=args[4] if len(args) > 4 else (0,),  # noqa: PLR2004 - then stride, padding
        padding_mode="zeros",
        groups=groups,
    )


def _batch_norm(
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor | None,
    variance: Tensor | None,
    training: bool,  # noqa: FBT001
    _momentum: float,
    eps: float,
    _cudnn: bool,  # noqa: FBT001
) -> nn.Module | None:
    if training or x.dim() not in _NORMS:
        return None
    return _made(
        _NORMS[x.dim()],
        weight=weight,
        bias=bias,
        running_mean=mean,
        running_var=variance,
        eps=eps,
    )
