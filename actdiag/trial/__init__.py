"""Remedies tried on a model: scan it, train copies with each remedy and without, rank, answer."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from actdiag import pipeline
from actdiag._version import __version__
from actdiag.errors import Stopped, UsageError
from actdiag.feed import placement
from actdiag.load import Trust
from actdiag.measure import Progress, silent
from actdiag.records import RemedyTrial, ToolInfo, Trial, TrialVerdict
from actdiag.remedies import require
from actdiag.remedies.base import Remedy, Subject
from actdiag.remedies.choosing import chosen
from actdiag.remedies.comparing import MOST_SEEDS, ranked
from actdiag.remedies.engine import Engine
from actdiag.remedies.saving import UnsaveableError, content_of
from actdiag.remedies.training import Clock
from actdiag.trial.material import objective_of, pools_of, trainable
from actdiag.trial.recipe import recipe_of, settings_of, with_steps
from actdiag.trial.telling import advice_of, answer_of, notes_of, uncalled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from torch import nn

    from actdiag.records import TrialArm

SAMPLES = 4096  # our choice: of each of data and training data, at most
BUDGET = 60.0  # seconds
SEEDS = 3


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
    mask: str | None = None,
    call: str | None = None,
    device: str | None = None,
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
        factory: as for :func:`actdiag.scan`, like the arguments up to ``device``.
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
    entry: dict[str, Any] = {"call": call, "mask": mask}
    report = pipeline.scan(
        model,
        data,
        train_data=train_data,
        progress=progress,
        device=device,
        **common,
        **options,
        **entry,
    )
    if report.scan.coverage.interrupted:
        raise Stopped
    module, place = trainable(model, report, options, entry, placement(device, None))
    pools, fed = pools_of(module, data, train_data, common, place)
    objective = objective_of(module, report, pools[0])
    subject = Subject(report.scan, report.findings, report.diagnoses, objective.kind)
    settings, told_by = settings_of(report, optimizer, lr, batch_size)
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
    as_is, trials, notes = _compared(engine, remedies, steps, epochs, time_budget)
    first = next((item for item in trials if item.verdict is TrialVerdict.HELPS), None)
    advice = advice_of(report)
    trial = Trial(
        tool=ToolInfo(version=__version__),
        model=report.scan.model,
        data=fed,
        recipe=recipe_of(engine, told_by),
        trials=trials,
        as_is=as_is,
        notes=(*notes, *notes_of(trials, as_is, objective), *uncalled(first, advice)),
        seconds=time.monotonic() - started,
    )
    told = None if first is None else first.remedy
    trial = replace(trial, first=told, answer=answer_of(trial, first, advice))
    return Tried(trial, lambda: _content(trials, engine))


def _compared(
    engine: Engine,
    asked: Sequence[str],
    steps: int | None,
    epochs: int | None,
    budget: float,
) -> tuple[TrialArm, tuple[RemedyTrial, ...], list[str]]:
    """The model as it is, the remedies in their order, and what is to be said of the course."""
    fastpath = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # it would pass by replaced activations
    try:
        engine.settings, fewer = with_steps(engine, steps, epochs, budget)
        as_is = engine.as_is()
        done, stopped = _carried_out(engine, chosen(engine.subject, asked))
    finally:
        torch.backends.mha.set_fastpath_enabled(fastpath)
    return as_is, ranked(done), [note for note in (fewer, stopped) if note]


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
