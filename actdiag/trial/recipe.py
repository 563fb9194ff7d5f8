"""How the arms of a trial are trained: by the options, the checkpoint, or Adam at 1e-3."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from actdiag.records import Report, TrialRecipe
from actdiag.remedies.base import Settings, Start
from actdiag.remedies.training import Clock, require_optimizer

if TYPE_CHECKING:
    from actdiag.remedies.engine import Engine

STEPS = 300  # our choice: the sample models learn in as many
_RATE = 1e-3  # Adam's own, Kingma and Ba 2015
_BATCH = 64
_FEWEST_STEPS = 20  # our choice: fewer say nothing
_WARM_UP = 3


def settings_of(
    report: Report, optimizer: str | None, lr: float | None, batch_size: int | None
) -> tuple[Settings, str]:
    """How to train, and where that comes from: the options, the checkpoint, else Adam at 1e-3."""
    known = report.scan.model.training
    family = require_optimizer(str(optimizer or known.get("optimizer") or "adam"))
    of_file = optimizer is None and "optimizer" in known
    rate = lr if lr is not None else known.get("lr", _RATE)
    told = ["options"] if optimizer is not None or lr is not None else []
    told += ["checkpoint"] if of_file or (lr is None and "lr" in known) else []
    settings = Settings(
        optimizer=family,
        lr=float(rate),
        weight_decay=float(known.get("weight_decay", 0.0)) if of_file else 0.0,
        momentum=float(known.get("momentum", 0.9 if family == "sgd" else 0.0)),
        batch_size=batch_size or _BATCH,
    )
    return settings, " and ".join(told) or "default"


def with_steps(
    engine: Engine, steps: int | None, epochs: int | None, budget: float
) -> tuple[Settings, str]:
    """The settings with the number of steps: as asked, else 300 or what the time allows."""
    settings = engine.settings
    fitted, _ = engine.parts(Start.KEPT, engine.seed)
    if steps is not None:
        return replace(settings, steps=steps), ""
    if epochs is not None:
        each = max(1, fitted.samples // min(settings.batch_size, fitted.samples))
        return replace(settings, steps=epochs * each), ""
    warm = replace(engine, settings=replace(settings, steps=_WARM_UP), clock=Clock())
    warm.run_for_pace()  # the first use of an optimizer imports for a second or two
    begun = time.monotonic()
    warm.run_for_pace()
    pace = (time.monotonic() - begun) / _WARM_UP
    possible = int(budget / pace / (2 * engine.seeds))  # of one remedy and its control at least
    if possible >= STEPS:
        return replace(settings, steps=STEPS), ""
    fewer = max(possible, _FEWEST_STEPS)
    note = (
        f"Each arm was trained for {fewer} steps in place of {STEPS}, to stay within the time: "
        "give more with --time-budget, or a number with --steps."
    )
    return replace(settings, steps=fewer), note


def recipe_of(engine: Engine, told_by: str) -> TrialRecipe:
    """The record of how the arms were trained."""
    settings = engine.settings
    fitted, judged = engine.parts(Start.KEPT, engine.seed)
    if engine.train is None:
        split = (
            "No training data was given: for each seed, half of the data, drawn at random, trained "
            "and the other judged. Give --train-data to judge by all of it"
        )
    else:
        split = "The training data trained, the data judged"
    return TrialRecipe(
        loss=engine.objective.name,
        metric=engine.objective.metric,
        optimizer=settings.optimizer,
        lr=settings.lr,
        weight_decay=settings.weight_decay,
        momentum=settings.momentum,
        batch_size=min(settings.batch_size, fitted.samples),
        steps=settings.steps,
        seeds=engine.seeds,
        train_samples=fitted.samples,
        judged_samples=judged.samples,
        split=f"{split}.",
        told_by=told_by,
    )
