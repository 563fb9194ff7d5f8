"""The step that an optimizer's stored state makes of each parameter, against the weight's size.

Adam's state says it in full (Kingma and Ba 2015, AdamW: Loshchilov and Hutter 2019), SGD's where
it has momentum. Parameters are known by their names where the state holds them, else by their
order, which is believed only where every shape fits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

from actdiag.records import UpdateStats

if TYPE_CHECKING:
    from collections.abc import Iterator

Entry = tuple[Mapping[str, Any], Mapping[str, Any]]  # of a parameter: its state, its group


def updates(
    optimizer: Mapping[str, Any], parameters: Mapping[str, Tensor]
) -> dict[str, UpdateStats]:
    """The next step's norm over the weight's, by the parameter's name.

    Args:
        optimizer: as ``torch.optim.Optimizer.state_dict()`` gives it.
        parameters: by name, in the order of the model.

    Returns:
        Only parameters whose step is known: nothing where the state is of another optimizer or
        does not fit the parameters.
    """
    found = {}
    for name, (state, group) in _by_name(optimizer, parameters):
        told = _update(state, group, parameters[name].detach())
        if told is not None:
            found[name] = told
    return found


def _by_name(
    optimizer: Mapping[str, Any], parameters: Mapping[str, Tensor]
) -> Iterator[tuple[str, Entry]]:
    states, groups = optimizer.get("state"), optimizer.get("param_groups")
    if not isinstance(states, Mapping) or not isinstance(groups, list):
        return
    keys: list[Any] = []
    named: list[Any] = []
    entries: list[Entry] = []
    for group in groups:
        for key in group.get("params", ()):
            keys.append(key)
            entries.append((states.get(key) or {}, group))
        named += group.get("param_names", ())
    names = named if len(named) == len(keys) else list(parameters)
    fits = len(names) == len(entries) and all(
        name in parameters and _fits(state, parameters[name])
        for name, (state, _) in zip(names, entries, strict=True)
    )
    if fits:
        yield from zip(names, entries, strict=True)


def _fits(state: Mapping[str, Any], parameter: Tensor) -> bool:
    kept = [state.get(name) for name in ("exp_avg", "exp_avg_sq", "momentum_buffer")]
    return all(item.shape == parameter.shape for item in kept if isinstance(item, Tensor))


def _update(
    state: Mapping[str, Any], group: Mapping[str, Any], weight: Tensor
) -> UpdateStats | None:
    lr = _number(group.get("lr"))
    if lr is None or not weight.is_floating_point():
        return None
    if isinstance(state.get("exp_avg"), Tensor) and isinstance(state.get("exp_avg_sq"), Tensor):
        rule, direction = "adam", _adam(state, group)
    elif isinstance(state.get("momentum_buffer"), Tensor):
        rule, direction = "sgd", state["momentum_buffer"].double()
    else:
        return None
    decay = _number(group.get("weight_decay")) or 0.0
    wide = weight.double().to(direction.device)
    if decay and rule == "adam" and group.get("decoupled_weight_decay"):
        direction = direction + decay * wide
    size, step = wide.norm().item(), abs(lr) * direction.norm().item()
    if not size or not math.isfinite(size) or not math.isfinite(step):
        return None
    return UpdateStats(step / size, rule, lr, _number(group.get("initial_lr")))


def _adam(state: Mapping[str, Any], group: Mapping[str, Any]) -> Tensor:
    """m̂ / (√v̂ + ε) in float64."""
    betas = group.get("betas")
    first, second = betas if isinstance(betas, list | tuple) else (0.9, 0.999)
    step = max(_number(state.get("step")) or 1.0, 1.0)
    squares = state.get("max_exp_avg_sq")
    squares = squares if isinstance(squares, Tensor) else state["exp_avg_sq"]
    mean: Tensor = state["exp_avg"].double() / (1 - _number_or(first, 0.9) ** step)
    spread = (squares.double() / (1 - _number_or(second, 0.999) ** step)).sqrt()
    eps = _number_or(group.get("eps"), 1e-8)
    told: Tensor = mean / (spread + eps)
    return told


def _number_or(value: Any, default: float) -> float:
    number = _number(value)
    return default if number is None else number


def _number(value: Any) -> float | None:
    if isinstance(value, Tensor):
        value = value.item() if value.numel() == 1 else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
