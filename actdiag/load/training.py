"""What a checkpoint says of its own training: the optimizer's settings, step and epoch."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from actdiag.load.nested import optimizers

# What an optimizer keeps per parameter tells which it was (torch.optim).
SIGNS = (
    ("exp_avg_sq", "Adam"),
    ("exp_inf", "Adamax"),
    ("square_avg", "RMSprop"),
    ("acc_delta", "Adadelta"),
    ("sum", "Adagrad"),
    ("momentum_buffer", "SGD"),
)
STEPS = ("global_step", "step", "steps", "iteration", "iter", "num_steps")
EPOCHS = ("epoch", "epochs", "current_epoch")


def training_facts(rest: dict[str, Any]) -> dict[str, Any]:
    """Facts found in a checkpoint's entries beside the weights; only keys that were found.

    Returns:
        ``optimizer`` (family), ``lr``, ``weight_decay``, ``momentum`` (of the first group of
        parameters), ``step``, ``epoch``.
    """
    facts: dict[str, Any] = {}
    for state in optimizers(rest):
        facts |= _optimizer_facts(state)
        break
    for name, keys in (("step", STEPS), ("epoch", EPOCHS)):
        for key in keys:
            if (number := _number(rest.get(key))) is not None:
                facts[name] = int(number)
                break
    return facts


def _optimizer_facts(state: dict[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    per_parameter = state.get("state")
    first: Any = {}
    if isinstance(per_parameter, dict):
        first = next((entry for entry in per_parameter.values() if isinstance(entry, dict)), {})
    for sign, family in SIGNS:
        if sign in first:
            facts["optimizer"] = family
            break
    group = next((group for group in state["param_groups"] if isinstance(group, dict)), {})
    for name in ("lr", "weight_decay", "momentum"):
        if (number := _number(group.get(name))) is not None:
            facts[name] = number
    if (step := _number(first.get("step"))) is not None:
        facts["step"] = int(step)
    return facts


def _number(value: Any) -> float | None:
    """A finite number, also out of a tensor of one element; else null."""
    if isinstance(value, Tensor):
        value = value.item() if value.numel() == 1 else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) else None
