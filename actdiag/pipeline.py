"""From a model and data to a report: load, feed, measure, judge, carry out steps, diagnose."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from actdiag import config as configuration
from actdiag import steps as debug_steps
from actdiag._version import __version__
from actdiag.capture.exported import batch_size_of
from actdiag.capture.gated import gated_units
from actdiag.capture.weights import weights_of, weights_of_state
from actdiag.diagnosis import diagnose, steps_called_for
from actdiag.diagnosis.judged import check_asked, diagnosed, judged
from actdiag.errors import Stopped, UsageError, did_you_mean
from actdiag.feed import Batch, Feed, placement
from actdiag.load import LoadedModel, Trust, live_model, load_model
from actdiag.load.mistaken import check_live
from actdiag.measure import (
    Measurement,
    Progress,
    measure,
    silent,
    whole_batches,
)
from actdiag.passes.gradients import check_labels, loss_named, with_gradients
from actdiag.passes.modes import Modes
from actdiag.passes.optimizer import with_updates
from actdiag.passes.training import with_training_data
from actdiag.ready import bounded, check_mask, initialised, ready
from actdiag.records import (
    Coverage,
    DataInfo,
    Ignored,
    Report,
    Scan,
    StepOutcome,
    Timings,
    ToolInfo,
)
from actdiag.shards.share import Share, shard_of
from actdiag.steps.base import Case
from actdiag.steps.bench import Bench
from actdiag.supply import Supply

if TYPE_CHECKING:
    from actdiag.passes.gradients import Loss
    from actdiag.shards.piece import Piece
    from actdiag.shards.team import Team

Settings = Mapping[str, Mapping[str, Any]]

# Samples that steps are carried out on. Our choice: 512 are enough for a median, and few enough
# for twenty passes.
_STEPS = {"none": 0, "cheap": 512, "all": math.inf}


def scan(  # noqa: PLR0913 - the words of the contract, each an option of its own
    model: nn.Module | str | Path,
    data: object = None,
    *,
    factory: str | None = None,
    factory_args: Mapping[str, Any] | None = None,
    trust: Trust | None = None,
    partial: bool = False,
    labels: object = None,
    train_data: object = None,
    input_shape: str | tuple[int, ...] | None = None,
    batch_size: int | None = None,
    max_samples: int | None = None,
    transform: str | None = None,
    fix_input: bool = False,
    mask: str | None = None,
    call: str | None = None,
    device: str | None = None,
    dtype: str | None = None,
    seed: int = 0,
    gradients: bool = False,
    loss: str | None = None,
    lr: float | None = None,
    steps: str = "cheap",
    select: Iterable[str] | None = None,
    ignore: Iterable[str | Ignored] | None = None,
    settings: Settings | None = None,
    config: str | Path | None = None,
    progress: Progress = silent,
    shard: str | None = None,
    mergeable: bool = False,
    team: Team | None = None,
) -> Report:
    """Scan a model on data and say what is wrong with it, where, why, and what to do.

    Args:
        model: a live module, or the path of a model file.
        data: a path, tensor, array, ``(x, y)`` pair, list of batches, DataLoader, Dataset or
            callable; without it, synthetic input is made and labelled so.
        factory: ``file.py:name`` or ``pkg.mod:name`` that builds the module for a state dict.
        factory_args: keyword arguments for the factory.
        trust: which code a model file may run; nothing by default.
        partial: go on when a state dict does not fit entirely.
        labels: column, key, file or array of the labels, where ``data`` does not hold them.
        train_data: the data it was trained on, to tell over-fitting and leakage.
        input_shape: shape of one synthetic sample, such as ``(3, 32, 32)``.
        batch_size: samples per forward pass.
        max_samples: a seeded random sample of the data of at most this size.
        transform: ``standardize``, ``scale01`` or ``file.py:function`` applied to the inputs.
        fix_input: mend layout and dtype mistakes that were recognised.
        mask: argument of the forward, or key of the data, that says which positions are padding;
            found by itself where it is called ``attention_mask`` or the like.
        call: method of the model that is called in place of its forward.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``; by default where the model is,
            which is the CPU for a file.
        dtype: ``float32``, ``float16``, ``bfloat16`` or ``float64``; the model's own by default.
        seed: of the sample and of synthetic input.
        gradients: also run backward, on a copy and a few hundred samples with labels.
        loss: of which gradients are taken: ``cross-entropy``, ``mse`` and so on, or
            ``file.py:function`` of output and labels; by default what fits the output. Naming one
            asks for gradients too.
        lr: the learning rate to judge by: how far a step moves the weights, by the gradients or the
            optimizer's state in the checkpoint, whose own rate it replaces.
        steps: ``cheap`` carries the debug steps out on up to 512 samples, ``all`` on all of them,
            ``none`` carries out none.
        select: codes or prefixes of the rules to run; all by default.
        ignore: codes or prefixes of rules to leave out; a record leaves out only what the rule
            finds in some modules, and says why.
        settings: thresholds by rule code.
        config: a configuration file, which says what ``select``, ``ignore`` and ``settings`` leave
            open; without it no file is read.
        progress: called with samples done, samples in all (or None), and the phase.
        shard: ``"2/3"`` measures the second third of the batches alone; implies ``mergeable``.
        mergeable: the report holds what ``actdiag merge`` needs.
        team: the processes that share this scan. The report of the first is that of the whole,
            those of the others hold nothing.

    Raises:
        ActdiagError: the model or the data cannot be used; it says why and what to do.
    """
    started = time.perf_counter()
    said = configuration.load(Path(config)) if config is not None else configuration.Settings()
    select, ignore, settings = said.over(select, ignore, settings)
    check_asked(select=select, ignore=ignore, settings=settings)
    if steps not in _STEPS:
        raise UsageError(
            f"steps={steps!r} is none of the choices.", hint=did_you_mean(steps, _STEPS)
        )
    part = shard_of(shard) if team is None else team.part
    _check_rate(lr)
    place, named_loss = placement(device, dtype), loss_named(loss)
    backward = gradients or loss is not None
    check_live(model, data)
    loaded = (
        live_model(model)
        if isinstance(model, nn.Module)
        else load_model(
            str(model),
            factory=factory,
            factory_args=dict(factory_args or {}),
            trust=trust or Trust(),
            partial=partial,
        )
    )
    loaded = ready(loaded, call=call, mask=mask)
    loaded_at = time.perf_counter()
    feed = train = None
    if loaded.module is not None:
        batch_size = batch_size or batch_size_of(loaded.module)
        data_of = Supply(loaded.module, labels, batch_size, transform, seed, fix_input=fix_input)
        train = data_of.training(train_data)
        feed = data_of.scanned(data, input_shape, max_samples, train)
        module = place.apart(loaded.module) if isinstance(model, nn.Module) else loaded.module
        loaded = replace(loaded, module=place.model(module))
        place = place.following(module)
        feed, train = feed.placed(place), train and train.placed(place)
        loaded = initialised(loaded, feed, seed)
        feed = bounded(feed, module) if batch_size is None else feed
        check_mask(mask, loaded, feed)
        if backward:
            check_labels(feed, named_loss)
    share = Share(feed, part) if feed is not None else None
    keep = mergeable or part is not None
    record, piece = _scan(loaded, share, progress, mask, keep=keep)
    if team is not None and piece is not None:
        if team.rank:
            team.hand_over(piece)
            return Report(record)
        record = team.gathered(piece)
    record = replace(with_updates(record, loaded), lr=lr)
    wanted = (named_loss,) if backward else ()
    record = _with_passes(record, loaded.module, share, wanted, train)
    measured_at = time.perf_counter()
    report = judged(record, select=select, ignore=ignore, settings=settings)
    shown = share.feed if share is not None and team is None else feed
    bench = _bench(loaded.module, shown, record, limit=_STEPS[steps])
    cost: dict[str, float] = {}
    report, outcomes = _with_steps(report, bench, budget=steps, seconds=cost)
    finished = time.perf_counter()
    report = diagnosed(report, diagnose(report.scan, report.findings, outcomes))
    timings = Timings(loaded_at - started, measured_at - loaded_at, finished - started, cost)
    merge = piece.kept() if piece is not None and team is None else None
    return replace(report, timings=timings, merge=merge)


def _with_passes(
    record: Scan,
    module: nn.Module | None,
    share: Share | None,
    losses: tuple[Loss | None, ...],
    train: Feed | None,
) -> Scan:
    """The Scan with what passes of their own measure, on the whole data, by its first part alone.

    ``losses`` holds the one of which gradients are taken, if any are.
    """
    if module is None or share is None or not share.leads or record.coverage.broke_off:
        return record
    if share.part is not None:
        record = Modes(module).over(share.whole).added_to(record)
    try:
        for loss in losses:
            record = with_gradients(record, module, share.whole, loss)
        return record if train is None else with_training_data(record, module, share.whole, train)
    except Stopped:
        return _interrupted(record, "backward and training data are missing")


def _with_steps(
    report: Report, bench: Bench | None, *, budget: str, seconds: dict[str, float]
) -> tuple[Report, dict[str, StepOutcome]]:
    """The report, and what came of the debug steps that its findings call for."""
    case = Case(report.scan, report.findings, bench)
    called_for = steps_called_for(case.scan, case.findings)
    try:
        outcomes = debug_steps.carry_out(called_for, case, budget=budget, seconds=seconds)
    except Stopped:
        scan = _interrupted(report.scan, "no debug step was carried out")
        return replace(report, scan=scan), {}
    return report, outcomes


def _check_rate(lr: float | None) -> None:
    if lr is not None and not 0 < lr < math.inf:
        raise UsageError(f"--lr {lr:g} is no learning rate", hint="For example: --lr 0.001")


def _bench(
    module: nn.Module | None, feed: Feed | None, record: Scan, *, limit: float
) -> Bench | None:
    """The model with the first ``limit`` samples, unless its forward failed or was stopped."""
    if module is None or feed is None or record.coverage.broke_off or not limit:
        return None
    batches: list[Batch] = []
    for batch in whole_batches(module, feed):
        batches.append(batch)
        if sum(item.samples for item in batches) >= limit:
            break
    return Bench(module, tuple(batches))


def _interrupted(record: Scan, what: str) -> Scan:
    note = f"Interrupted: {what}. {record.coverage.note}".strip()
    return replace(record, coverage=replace(record.coverage, interrupted=True, note=note))


def _scan(
    loaded: LoadedModel,
    share: Share | None,
    progress: Progress,
    mask: str | None,
    *,
    keep: bool,
) -> tuple[Scan, Piece | None]:
    """Everything measured of a loaded model, and what merges with other parts if it is kept."""
    tool, module = ToolInfo(version=__version__), loaded.module
    if module is None or share is None:
        weights = weights_of_state(loaded.state)
        note = " ".join(("Only the weights were read: the model was not run.", *loaded.notes))
        info = replace(loaded.info, proposal=loaded.proposal)
        return Scan(tool, info, DataInfo("none"), Coverage(note=note), weights=weights), None
    feed = share.feed
    modes = Modes(module)
    batches = modes.noting(feed) if share.part is None else feed
    place = share.place(module, mask) if keep else None
    found = measure(module, batches, total=feed.samples, progress=progress, mask=mask, part=place)
    failure = found.coverage.failure
    if failure is not None:
        failure = replace(failure, advice=tuple(feed.advice))
    note = " ".join((*loaded.notes, found.coverage.note)).strip()
    record = Scan(
        tool=tool,
        model=loaded.info,
        data=_data_info(feed, found),
        coverage=replace(found.coverage, note=note, failure=failure),
        sites=found.sites,
        modules=found.modules,
        gated=gated_units(found.sites, found.modules),
        output=found.output,
        weights=weights_of(module),
    )
    piece = share.piece(record, found, loaded.notes) if keep else None
    return share.told(modes.added_to(record)), piece


def _data_info(feed: Feed, found: Measurement) -> DataInfo:
    return DataInfo(
        source=feed.source,
        synthetic=feed.synthetic,
        samples=found.samples,
        batches=found.batches,
        labels=found.labels,
        sample_shape=found.sample_shape,
        notes=tuple(feed.notes),
        padding=found.padding,
    )
