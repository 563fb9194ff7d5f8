"""Remedies tried on a model: scan it, train copies with each remedy and without, rank, answer."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from actdiag import pipeline, text
from actdiag._version import __version__
from actdiag.capture.containers import primary_output
from actdiag.errors import DataError, ModelFileError, NothingCheckedError, Stopped, UsageError
from actdiag.feed import Feed, open_data
from actdiag.load import LoadedModel, Trust, live_model, load_model
from actdiag.measure import Progress, silent
from actdiag.ready import ready
from actdiag.records import (
    DataInfo,
    RemedyTrial,
    Report,
    ToolInfo,
    Trial,
    TrialArm,
    TrialRecipe,
    TrialVerdict,
)
from actdiag.remedies import require
from actdiag.remedies.base import Remedy, Settings, Start, Subject
from actdiag.remedies.choosing import chosen
from actdiag.remedies.comparing import MOST_SEEDS, ranked
from actdiag.remedies.engine import Engine, copied
from actdiag.remedies.objective import Objective, objective_for
from actdiag.remedies.pool import gathered
from actdiag.remedies.saving import UnsaveableError, content_of
from actdiag.remedies.training import Clock, OutOfTimeError, require_optimizer
from actdiag.steps.bench import seeded
from actdiag.steps.depth import number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from actdiag.feed import Batch

STEPS = 300  # our choice: the sample models learn in as many
SAMPLES = 4096  # our choice: of each of data and training data, at most
BUDGET = 60.0  # seconds
SEEDS = 3
_RATE = 1e-3  # Adam's own, Kingma and Ba 2015
_BATCH = 64
_FEWEST_STEPS = 20  # our choice: fewer say nothing
_WARM_UP = 3
_FOLLOWS_GRAPH = ("torchscript", "exported-program")


@dataclass(frozen=True)
class Tried:
    """The record of a trial, and what writes the model that the best remedy gave."""

    trial: Trial
    content: Callable[[], tuple[str, bytes] | None]


def try_remedies(  # noqa: PLR0913 - the words of the contract, each an option of its own
    model: nn.Module | str | Path,
    data: object,
    *,
    remedies: Sequence[str] = (),
    factory: str | None = None,
    factory_args: Mapping[str, Any] | None = None,
    trust: Trust | None = None,
    partial: bool = False,
    labels: object = None,
    train_data: object = None,
    transform: str | None = None,
    fix_input: bool = False,
    batch_size: int | None = None,
    max_samples: int | None = None,
    optimizer: str | None = None,
    lr: float | None = None,
    steps: int | None = None,
    epochs: int | None = None,
    seeds: int = SEEDS,
    seed: int = 0,
    time_budget: float = BUDGET,
    keep: bool = False,
    progress: Progress = silent,
) -> Tried:
    """Try documented remedies on copies of a model, each beside a control without it.

    Args:
        model: as for :func:`actdiag.scan`.
        data: labelled data; it judges, and where there is no training data, a part of it trains.
        remedies: names; without any, those that the diagnosis suggests and the cheap ones.
        factory: as for :func:`actdiag.scan`, like the arguments up to ``fix_input``.
        batch_size: samples per training step (64).
        max_samples: a seeded random sample of at most this size of each data (4096).
        optimizer: its name in lower case; by default what the checkpoint tells, else Adam.
        lr: learning rate; by default what the checkpoint tells, else 1e-3.
        steps: training steps of each arm (300, fewer where the time would not suffice).
        epochs: the same as passes over the training samples.
        seeds: trainings of each arm, from which the intervals come.
        seed: the first of them.
        time_budget: seconds; what is not reached by then is not tried.
        keep: keep treated models, so that one can be saved.
        progress: called with steps done, steps in all and the phase.

    Raises:
        ActdiagError: the model cannot be trained or the data cannot train it.
        Stopped: the user stopped it before any remedy was tried.
    """
    started = time.monotonic()
    for name in remedies:
        require(name)
    if not 1 <= seeds <= MOST_SEEDS:
        raise UsageError(f"--seeds {seeds} is not in 1 to {MOST_SEEDS}")
    common: dict[str, Any] = {
        "labels": labels,
        "transform": transform,
        "fix_input": fix_input,
        "seed": seed,
        "max_samples": max_samples or SAMPLES,
    }
    options: dict[str, Any] = {
        "factory": factory,
        "factory_args": dict(factory_args or {}),
        "trust": trust or Trust(),
        "partial": partial,
    }
    report = pipeline.scan(
        model, data, train_data=train_data, progress=progress, **common, **options
    )
    if report.scan.coverage.interrupted:
        raise Stopped
    loaded = _loaded(model, report, options)
    module = _module(loaded)
    pools, fed = _pools(module, data, train_data, common)
    objective = _objective(module, report, pools[0])
    subject = Subject(report.scan, report.findings, report.diagnoses, objective.kind)
    settings, told_by = _settings(report, optimizer, lr, batch_size)
    engine = Engine(
        module=module,
        subject=subject,
        settings=settings,
        objective=objective,
        data=pools[0],
        train=pools[1],
        seed=seed,
        seeds=seeds,
        clock=Clock(started + time_budget),
        progress=progress,
        keep=keep,
    )
    notes = []
    fastpath = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # it would pass by replaced activations
    try:
        engine.settings, note = _with_steps(engine, steps, epochs, time_budget)
        notes += [note] if note else []
        as_is = engine.as_is()
        wanted = chosen(subject, remedies)
        done, note = _carried_out(engine, wanted)
        trials = ranked(done)
        notes += [note] if note else []
    finally:
        torch.backends.mha.set_fastpath_enabled(fastpath)
    trial = Trial(
        tool=ToolInfo(version=__version__),
        model=report.scan.model,
        data=fed,
        recipe=_recipe(engine, told_by),
        trials=trials,
        as_is=as_is,
        notes=(*notes, *_notes(trials, as_is, objective)),
        seconds=time.monotonic() - started,
    )
    first = next((item for item in trials if item.verdict is TrialVerdict.HELPS), None)
    told = None if first is None else first.remedy
    trial = replace(trial, first=told, answer=answer_of(trial, first))
    return Tried(trial, lambda: _content(trials, engine))


def _carried_out(engine: Engine, wanted: Sequence[Remedy]) -> tuple[list[RemedyTrial], str]:
    """What came of the remedies, and which were not reached because the user stopped it."""
    done: list[RemedyTrial] = []
    for place, remedy in enumerate(wanted):
        try:
            done.append(engine.carry_out(remedy))
        except Stopped:
            left = ", ".join(one.name for one in wanted[place:])
            return done, f"Interrupted: not tried: {left}."
    return done, ""


def _loaded(model: object, report: Report, options: dict[str, Any]) -> LoadedModel:
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
        loaded = live_model(model)
    else:
        loaded = load_model(str(model), **options)
    return ready(loaded, call=None, mask=None)


def _module(loaded: LoadedModel) -> nn.Module:
    if loaded.module is None:
        raise NothingCheckedError(
            "the file holds weights alone, so there is nothing to train",
            hint="Say what builds the model: --model FILE.py:NAME.",
        )
    if not any(item.is_floating_point() for item in loaded.module.parameters()):
        raise NothingCheckedError(
            "the model has no weights to train", hint="Remedies are for models that are trained."
        )
    return loaded.module


def _pools(
    module: nn.Module, data: object, train_data: object, common: dict[str, Any]
) -> tuple[tuple[Batch, Batch | None], DataInfo]:
    train: Feed | None = None
    if train_data is not None:
        by_name = isinstance(common["labels"], str) and not Path(common["labels"]).exists()
        labels = common["labels"] if by_name else None
        train = open_data(train_data, module=module, **{**common, "labels": labels})
    feed = open_data(data, module=module, scaled_like=train, **common)
    pool = gathered(feed, feed.source)
    return (pool, None if train is None else gathered(train, train.source)), feed.info


def _objective(module: nn.Module, report: Report, pool: Batch) -> Objective:
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


def _settings(
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


def _with_steps(
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


def _recipe(engine: Engine, told_by: str) -> TrialRecipe:
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


def _notes(trials: Sequence[RemedyTrial], as_is: TrialArm, objective: Objective) -> list[str]:
    """Say so where training anew, without any remedy, is what makes the difference."""
    fresh = next((t.control for t in trials if t.control and t.control.start == "fresh"), None)
    if fresh is None or _mean(fresh.scores) - _mean(as_is.scores) < 0.05:  # noqa: PLR2004 - our choice
        return []
    note = (
        f"Training from fresh weights with this recipe, without any remedy, already gives "
        f"{objective.metric} {shown(fresh)}; the model as it is: {shown(as_is)}. What these "
        "weights were trained with (rate, duration, data) may be what is wrong."
    )
    return [note]


def answer_of(trial: Trial, first: RemedyTrial | None) -> str:
    """What to do first, in one sentence."""
    done = [item for item in trial.trials if item.effect is not None]
    if first is not None and first.treated is not None and first.control is not None:
        how = {
            "fresh": " and train again from fresh weights",
            "kept": " and train on",
            "as-is": "",
        }[first.treated.start]
        other = {
            "fresh": "the same training from fresh weights without it",
            "kept": "training on without it",
            "as-is": "the model as it is",
        }[first.control.start]
        how = "" if first.remedy.endswith("-init") or "train" in first.title.lower() else how
        return (
            f"{first.title}{how}: held-out {trial.recipe.metric} {shown(first.control)} → "
            f"{shown(first.treated)}, against {other}."
        )
    if not done:
        return "Nothing could be compared: no remedy was applicable, or there was no time for one."
    some = "the remedy that was tried" if len(done) == 1 else f"any of the {len(done)} remedies"
    return f"Nothing of this first: {some} made no clear improvement over the control."


def shown(arm: TrialArm) -> str:
    """The mean held-out loss over seeds, with the accuracy of a classifier."""
    known = [loss for loss in arm.losses if loss is not None]
    loss = number(_mean(known)) if len(known) == len(arm.losses) else "NaN or infinite"
    return f"{loss} ({text.percent(_mean(arm.accuracies))} right)" if arm.accuracies else loss


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _content(trials: Sequence[RemedyTrial], engine: Engine) -> tuple[str, bytes] | None:
    """The best model that helps and can be saved: the remedy's name and the file's content."""
    for item in trials:
        if item.verdict is TrialVerdict.HELPS and not item.unsaveable:
            arm = engine.treated[item.remedy]
            try:
                return item.remedy, content_of(arm, engine.subject.scan, engine.module)
            except UnsaveableError:
                continue
    return None


__all__ = ["OutOfTimeError", "Tried", "answer_of", "shown", "try_remedies"]
