"""What a trial works on: the model, live and ready to train, its data as pools, and the loss."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from actdiag.capture.containers import primary_output
from actdiag.errors import DataError, ModelFileError, NothingCheckedError, UsageError
from actdiag.feed import Feed, open_data
from actdiag.load import live_model, load_model
from actdiag.ready import ready
from actdiag.remedies.engine import copied
from actdiag.remedies.objective import Objective, objective_for
from actdiag.remedies.pool import gathered
from actdiag.steps.bench import seeded

if TYPE_CHECKING:
    from actdiag.feed import Batch, Placement
    from actdiag.records import DataInfo, Report

_FOLLOWS_GRAPH = ("torchscript", "exported-program")


def trainable(
    model: object,
    report: Report,
    options: dict[str, Any],
    entry: dict[str, Any],
    place: Placement,
) -> tuple[nn.Module, Placement]:
    """The module that was scanned, ready to be trained, and where it and its data stand.

    Raises:
        UsageError: it is a fixed graph.
        ModelFileError: its forward raises.
        NothingCheckedError: there is nothing to train.
    """
    if report.scan.model.format in _FOLLOWS_GRAPH:
        raise UsageError(
            f"a {report.scan.model.format} file is fixed: no remedy can be built into it",
            hint="Give the checkpoint and the Python class, with --model FILE.py:NAME.",
        )
    failure = report.scan.coverage.failure
    if failure is not None:
        raise ModelFileError(
            f"the model's forward raised {failure.exception}: {failure.message}",
            hint=" ".join(failure.advice) or "actdiag scan says where.",
        )
    if isinstance(model, nn.Module):
        module = place.apart(_checked(ready(live_model(model), **entry).module))
    else:
        module = _checked(ready(load_model(str(model), **options), **entry).module)
    return place.model(module), place.following(module)


def _checked(module: nn.Module | None) -> nn.Module:
    if module is None:
        raise NothingCheckedError(
            "the file holds weights alone, so there is nothing to train",
            hint="Say what builds the model: --model FILE.py:NAME.",
        )
    if not any(item.is_floating_point() for item in module.parameters()):
        raise NothingCheckedError(
            "the model has no weights to train", hint="Remedies are for models that are trained."
        )
    return module


def pools_of(
    module: nn.Module,
    data: object,
    train_data: object,
    common: dict[str, Any],
    place: Placement,
) -> tuple[tuple[Batch, Batch | None], DataInfo]:
    """All samples of the data and of the training data, where the model is, and their facts."""
    train: Feed | None = None
    if train_data is not None:
        by_name = isinstance(common["labels"], str) and not Path(common["labels"]).exists()
        labels = common["labels"] if by_name else None
        train = open_data(train_data, module=module, **{**common, "labels": labels})
    feed = open_data(data, module=module, scaled_like=train, **common)
    pool = gathered(feed.placed(place), feed.source)
    trained = None if train is None else gathered(train.placed(place), train.source)
    return (pool, trained), feed.info


def objective_of(module: nn.Module, report: Report, pool: Batch) -> Objective:
    """The loss that fits the model's answer and the labels.

    Raises:
        DataError: the model answers with no tensor of real numbers.
    """
    output = report.scan.output
    copy = copied(module).eval()
    part = pool.rows(torch.arange(min(64, pool.samples)))
    with seeded(0), torch.no_grad():
        answer = primary_output(copy(*part.inputs, **part.kwargs))
    if output is None or answer is None or pool.labels is None or part.labels is None:
        raise DataError(
            "the model answers with no tensor of real numbers",
            hint="Give a model whose forward returns logits, probabilities or values.",
        )
    objective = objective_for(output.kind, answer, part.labels)
    if objective.kind == "values":
        spread = float(pool.labels.double().var(correction=0))
        return replace(objective, spread=spread or 1.0)
    return objective
