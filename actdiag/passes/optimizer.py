"""The steps of the checkpoint's own optimizer, beside the weights that it steps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from actdiag.stats.updates import updates
from actdiag.text import printable

if TYPE_CHECKING:
    from torch import Tensor

    from actdiag.load import LoadedModel
    from actdiag.records import Scan

_BUFFERS = ("running_mean", "running_var", "num_batches_tracked")


def with_updates(scan: Scan, loaded: LoadedModel) -> Scan:
    """The Scan with the optimizer's step of each weight, where the checkpoint tells it."""
    if loaded.optimizer is None:
        return scan
    parameters: dict[str, Tensor]
    if loaded.module is not None:
        parameters = dict(loaded.module.named_parameters())
    else:
        names = (name for name in loaded.state if name.rpartition(".")[2] not in _BUFFERS)
        parameters = {name: loaded.state[name] for name in names}
    found = {printable(name): told for name, told in updates(loaded.optimizer, parameters).items()}
    weights = (replace(weight, update=found.get(weight.name)) for weight in scan.weights)
    return replace(scan, weights=tuple(weights))
