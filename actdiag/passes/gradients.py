"""``--gradients``: which loss, on which samples, and the Scan with what the backward pass gave."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from actdiag.capture.backward import Backward, backward
from actdiag.capture.exported import batch_size_of
from actdiag.errors import UsageError, did_you_mean
from actdiag.load.usercode import blame, imported, look_up, parse
from actdiag.measure import whole_batches
from actdiag.records import Gradients, GradientStats, Scan
from actdiag.stats.gradients import GradientAccumulator
from actdiag.stats.losses import NAMED, inferred
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from actdiag.feed import Batch, Feed

MOST_BATCHES = 8
MOST_SAMPLES = 512


@dataclass(frozen=True)
class Loss:
    """A loss that the user named; ``function`` takes an output and labels, and gives the mean."""

    name: str
    function: Callable[..., Any]
    own: bool = False


class _NoLossError(Exception):
    """No loss is plain from the kind of the output and its labels."""


def loss_named(text: str | None) -> Loss | None:
    """The loss that ``--loss`` names, by name or as ``file.py:function``.

    Raises:
        UsageError: there is no such loss.
        ModelFileError: the file can't be imported or holds no such function.
    """
    if text is None:
        return None
    if text in NAMED:
        return Loss(text, NAMED[text])
    code = parse(text)
    if code is None:
        hint = f"{did_you_mean(text, NAMED)} Or FILE.py:FUNCTION, called with output and labels."
        raise UsageError(f"--loss {printable(text)}: there is no such loss.", hint=hint)
    with imported(code) as module:
        return Loss(str(code), look_up(module, code), own=True)


def check_labels(feed: Feed, loss: Loss | None) -> None:
    """Raise UsageError where there are neither labels nor a loss of the user's own."""
    if not feed.has_labels and (loss is None or not loss.own):
        raise UsageError(
            "--gradients needs labels, and the data has none.",
            hint="Give y in the data, --labels, or --loss FILE.py:FUNCTION that takes the output.",
        )


def with_gradients(scan: Scan, module: nn.Module, feed: Feed, loss: Loss | None) -> Scan:
    """The Scan with the gradients of a few of the feed's batches; the model stays as it is.

    Raises:
        UsageError: the loss that was named raises or gives no tensor.
    """
    measured = _Measured(loss, scan.output.kind if scan.output is not None else "unknown")
    try:
        twin = copy.deepcopy(module)
    except Exception as error:  # noqa: BLE001 - a copy of somebody's model may raise anything
        said = printable(f"{type(error).__name__}: {error}")
        return replace(scan, gradients=measured.told(note=f"the model can't be copied ({said})"))
    thawed = thaw(twin)
    try:
        found = backward(twin, few(module, feed), measured.summed)
    except _NoLossError:
        note = (
            f"no loss is plain for this output ({measured.kind}) and its labels: name one, --loss"
        )
        return replace(scan, gradients=measured.told(note=note))
    return _told(scan, found, measured.told(found, thawed=thawed))


def thaw(module: nn.Module) -> bool:
    """Let everything be trained where nothing is; whether that was so."""
    given = [item for item in module.parameters() if item.is_floating_point() or item.is_complex()]
    if not given or any(item.requires_grad for item in given):
        return False
    for item in given:
        item.requires_grad_()
    return True


def few(module: nn.Module, feed: Feed) -> Iterator[Batch]:
    """At most 8 batches, spread evenly over the data, of at most 512 samples together."""
    batches = math.ceil((feed.samples or 0) / max(1, feed.batch_size))
    every = max(1, batches // MOST_BATCHES)
    most = MOST_SAMPLES // max(1, min(MOST_BATCHES, batches or MOST_BATCHES))
    fixed = batch_size_of(module) is not None
    for place, batch in enumerate(_first(whole_batches(module, feed), every * MOST_BATCHES)):
        if place % every == 0:
            yield batch if fixed else batch.split(most)[0]


def _first(batches: Iterable[Batch], many: int) -> Iterator[Batch]:
    """The first batches; the source is not asked for one more."""
    for place, batch in enumerate(batches, 1):
        yield batch
        if place >= many:
            return


@dataclass
class _Measured:
    """The loss in use: the one that was named, or what the first batch tells."""

    given: Loss | None
    kind: str
    assumed: bool = False

    def summed(self, result: Any, output: Tensor, labels: Tensor | None) -> Tensor:
        """The loss of a batch, summed over its samples."""
        if self.given is None:
            name = None if labels is None else inferred(self.kind, output, labels)
            if name is None:
                raise _NoLossError
            self.given = Loss(name, NAMED[name])
            self.assumed = True
        value = self._called(self.given, result, output, labels)
        if value.dim():
            return value.sum()
        return value * (len(labels) if labels is not None and labels.dim() else len(output))

    def _called(self, loss: Loss, result: Any, output: Tensor, labels: Tensor | None) -> Tensor:
        hint = "It is called with what the model gives and the labels, and gives a tensor."
        given = [result if loss.own else output]
        if labels is not None:
            given.append(labels.to(output.device))
        try:
            value = loss.function(*given)
        except Exception as error:
            if self.assumed:
                raise _NoLossError from error
            raise UsageError(f"--loss {loss.name} failed: {blame(error)}", hint=hint) from error
        if not isinstance(value, Tensor):
            kind = type(value).__name__
            raise UsageError(f"--loss {loss.name} gave a {kind}, not a tensor.", hint=hint)
        return value

    def told(
        self, found: Backward | None = None, *, thawed: bool = False, note: str = ""
    ) -> Gradients:
        """The record of the backward pass."""
        found = found or Backward(failure=note)
        value = found.loss / found.samples if found.samples else None
        return Gradients(
            loss=self.given.name if self.given else "",
            assumed=self.assumed,
            samples=found.samples,
            batches=found.batches,
            value=value if value is not None and math.isfinite(value) else None,
            thawed=thawed,
            note=found.failure,
        )


def _told(scan: Scan, found: Backward, record: Gradients) -> Scan:
    """The Scan with the gradients at its sites and weights."""
    if not found.samples:
        return replace(scan, gradients=record)
    parameters = {
        printable(name): _of_parameter(gradient, found.samples)
        for name, gradient in found.parameters.items()
    }
    sites = (
        replace(site, gradient=found.sites[site.name].to_record())
        if site.name in found.sites
        else site
        for site in scan.sites
    )
    weights = (replace(item, gradient=parameters.get(item.name)) for item in scan.weights)
    return replace(scan, gradients=record, sites=tuple(sites), weights=tuple(weights))


def _of_parameter(gradient: Tensor | None, samples: int) -> GradientStats:
    total = GradientAccumulator()
    if gradient is not None:
        total.update(gradient / samples)
    return total.to_record()
