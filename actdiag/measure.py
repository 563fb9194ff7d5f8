"""One pass of batches through a live module: sites, coverage and output as plain records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

import torch

from actdiag.capture import Capture, preserved
from actdiag.capture.containers import primary_output
from actdiag.capture.exported import batch_size_of
from actdiag.capture.recorder import Recorder
from actdiag.errors import Stopped
from actdiag.stats.kinds import IGNORED
from actdiag.stats.output import OutputAccumulator, output_kind

if TYPE_CHECKING:
    from torch import Tensor, nn

    from actdiag.capture.failing import Doubt
    from actdiag.records import Coverage, ModuleInfo, OutputStats, Padding, Site

Progress = Callable[[int, int | None, str], None]
Bounding = Callable[["tuple[Site, ...]", "set[str]"], "tuple[Site, ...]"]


class Batch(Protocol):
    """What the feed room hands out; see :class:`actdiag.feed.Batch`."""

    @property
    def inputs(self) -> tuple[Any, ...]: ...  # noqa: D102
    @property
    def kwargs(self) -> dict[str, Any]: ...  # noqa: D102
    @property
    def labels(self) -> Tensor | None: ...  # noqa: D102
    @property
    def samples(self) -> int: ...  # noqa: D102
    def split(self, size: int) -> Iterable[Self]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class PartOf:
    """Where the batches of a pass lie in the whole data.

    Attributes:
        first: number of the first sample.
        drawn: the same, where answers are drawn for calibration; it differs between separate files.
        kind: of the output, and whether it is a guess, where an earlier part tells it.
    """

    first: int = 0
    drawn: int = 0
    kind: tuple[str, bool] | None = None


SomeBatch = TypeVar("SomeBatch", bound=Batch)


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one pass gave. ``sample_shape`` is that of the first input, without the sample axis.

    ``state`` is what merges with a pass over other samples, where it was asked for; ``bounded``
    gives merged sites, with the names of aligned layers, the bounds that the weights set.
    ``doubt`` is there while it is not settled whether the model raised or what measures it.
    """

    sites: tuple[Site, ...]
    modules: tuple[ModuleInfo, ...]
    coverage: Coverage
    output: OutputStats | None
    samples: int
    batches: int
    labels: int
    sample_shape: tuple[int, ...] | None
    padding: Padding | None = None
    state: dict[str, Any] = field(default_factory=dict)
    bounded: Bounding | None = None
    doubt: Doubt | None = None


def silent(_done: int, _total: int | None, _phase: str) -> None:
    """Show no progress."""


def measure(
    module: nn.Module,
    batches: Iterable[Batch],
    *,
    forward: Callable[..., Any] | None = None,
    total: int | None = None,
    progress: Progress = silent,
    phase: str = "measuring",
    mask: str | None = None,
    part: PartOf | None = None,
) -> Measurement:
    """Run every batch through ``module`` and collect everything.

    Stops at the first batch in which the forward raises; what was measured before it stays, and
    ``coverage.failure`` says what happened; what the capture's own code raises is raised again.
    Stops too, and is marked as interrupted, where ``progress`` raises
    :class:`~actdiag.errors.Stopped`. ``forward`` is called in place of the module.
    ``mask`` names the input that says which positions are padding, where its name doesn't.
    ``part`` says that the batches are a part of the data, and that the state is wanted.

    Gradients are off, unless the forward needs them for its own: a model of energies that takes
    forces as their gradient is run again with them. Where memory runs out in the first batch, all
    are cut in halves until it suffices.
    """
    rest = iter(batches)
    first = list(islice(rest, 1))
    run = partial(_measured, total=total, progress=progress, phase=phase, mask=mask, part=part)
    found = run(module, chain(first, rest), forward)
    if not found.samples and _needs_gradients(found.coverage):
        forward = partial(_with_gradients, forward or module)
        found = run(module, chain(first, rest), forward)
    size = whole = first[0].samples if first else 0
    while not found.samples and _ran_out(found.coverage) and _can_be_cut(module, first[0], size):
        del found  # what an exception holds takes memory
        size //= 2
        pieces = (piece for batch in chain(first, rest) for piece in batch.split(size))
        found = run(module, pieces, forward)
    if size < whole and found.samples:
        told = f"Samples per batch: {size}, for memory ran out with {whole}."
        note = f"{told} {found.coverage.note}".strip()
        found = replace(found, coverage=replace(found.coverage, note=note))
    if found.doubt is None:
        return found
    if not _ran_out(found.coverage):  # which is nobody's mistake
        found.doubt.settle(module, forward)
    return replace(found, doubt=None)


def _needs_gradients(coverage: Coverage) -> bool:
    said = coverage.failure.message if coverage.failure else ""
    return "does not require grad" in said


def _ran_out(coverage: Coverage) -> bool:
    """Whether there was no memory left, in the words of torch for any device."""
    said = coverage.failure.message.lower() if coverage.failure else ""
    return "out of memory" in said or "can't allocate memory" in said


def _can_be_cut(module: nn.Module, batch: Batch, size: int) -> bool:
    return size > 1 and batch_size_of(module) is None and len([*batch.split(size // 2)]) > 1


def _with_gradients(forward: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    with torch.enable_grad():
        return forward(*args, **kwargs)


def _measured(
    module: nn.Module,
    batches: Iterable[Batch],
    forward: Callable[..., Any] | None,
    *,
    total: int | None,
    progress: Progress,
    phase: str,
    mask: str | None,
    part: PartOf | None,
) -> Measurement:
    samples = count = labels = left_out = 0
    stopped = False
    part, mergeable = part or PartOf(), part is not None
    takes = batch_size_of(module)
    answer: OutputAccumulator | None = None
    with Capture(module, forward=forward, mask=mask, recorder=Recorder(part.first)) as capture:
        progress(0, total, phase)
        for batch in batches:
            if (count or part.first) and takes not in (None, batch.samples):
                left_out += batch.samples
                continue
            output = capture.run(batch.inputs, batch.kwargs, batch.samples)
            if capture.failure is not None:
                break
            count, samples = count + 1, samples + batch.samples
            labels += _labelled(batch.labels)
            if output is not None:
                answer = answer or _accumulator(
                    output, batch.labels, capture.final_function(), part
                )
                answer.update(*capture.judged(output, batch.labels))
            try:
                progress(samples, total, phase)
            except Stopped:
                stopped = True
                break
        if not stopped:
            progress(samples, samples, phase)
        sites = capture.sites()
        return Measurement(
            sites=sites,
            modules=capture.modules(),
            coverage=_noted(
                replace(capture.coverage(), interrupted=stopped), takes, left_out, samples, total
            ),
            output=answer.to_record() if answer else None,
            samples=samples,
            batches=count,
            labels=labels,
            sample_shape=next((site.shape[1:] for site in sites if site.role == "input"), None),
            padding=capture.padding(),
            state=_state(capture, sites, answer, takes, left_out) if mergeable else {},
            bounded=capture.bounded,
            doubt=capture.doubt,
        )


def _labelled(labels: Tensor | None) -> int:
    """How many samples have a label, at one of their positions at least; -100 is none."""
    if labels is None:
        return 0
    samples = len(labels) if labels.dim() else 1
    if labels.is_floating_point() or not labels.numel():
        return samples
    return int((labels.reshape(samples, -1) != IGNORED).any(1).sum())


def _state(
    capture: Capture,
    sites: tuple[Site, ...],
    answer: OutputAccumulator | None,
    takes: int | None,
    left_out: int,
) -> dict[str, Any]:
    return {
        **capture.state(sites),
        "output": answer and answer.state(),
        "takes": takes,
        "left_out": left_out,
    }


def _noted(
    coverage: Coverage, takes: int | None, left_out: int, samples: int, total: int | None
) -> Coverage:
    of = "" if total is None else f" of {total:,}"
    stopped = f"Interrupted after {samples:,}{of} samples." if coverage.interrupted else ""
    notes = filter(None, (stopped, coverage.note, *left_out_note(takes, left_out)))
    return replace(coverage, note=" ".join(notes))


def left_out_note(takes: int | None, left_out: int) -> tuple[str, ...]:
    """What the report says of samples that fill no batch of the one size that a program takes."""
    if not left_out:
        return ()
    return (
        f"The program takes exactly {takes} samples at a time: {left_out} at the end do not fit.",
    )


def whole_batches(module: nn.Module, batches: Iterable[SomeBatch]) -> Iterator[SomeBatch]:
    """The batches without the incomplete ones, where the module takes one size alone."""
    takes = batch_size_of(module)
    for place, batch in enumerate(batches):
        if not place or takes in (None, batch.samples):
            yield batch


def answers(
    module: nn.Module, batches: Iterable[Batch], forward: Callable[..., Any] | None = None
) -> OutputStats | None:
    """What the model answers, without looking inside: many times faster than :func:`measure`."""
    found: OutputAccumulator | None = None
    with preserved(module):
        for batch in whole_batches(module, batches):
            output = primary_output((forward or module)(*batch.inputs, **batch.kwargs))
            if output is not None:
                found = found or _accumulator(output, batch.labels, None, PartOf())
                found.update(output, batch.labels)
    return found.to_record() if found else None


def _accumulator(
    output: Tensor, labels: Tensor | None, final_function: str | None, part: PartOf
) -> OutputAccumulator:
    kind = part.kind or output_kind(tuple(output.shape), final_function, labels, output)
    return OutputAccumulator(kind[0], assumed=kind[1], first=part.first, drawn=part.drawn)
