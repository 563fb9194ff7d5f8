"""Where a step works: a copy of the model, a bounded part of the data, and what to do with them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from actdiag.capture import preserved
from actdiag.capture.containers import primary_output
from actdiag.measure import Batch, Measurement, measure
from actdiag.stats.kinds import IGNORED

if TYPE_CHECKING:
    from collections.abc import Sequence

Forward = Callable[..., Any]


@dataclass(frozen=True)
class Bench:
    """A live model and ``batches``, the part of its data that experiments run on."""

    module: nn.Module
    batches: Sequence[Batch]

    @property
    def samples(self) -> int:
        """Number of samples that experiments run on."""
        return sum(batch.samples for batch in self.batches)

    def copy(self) -> nn.Module:
        """A deep copy of the model, to be changed freely."""
        return copy.deepcopy(self.module)

    def measure(self, module: nn.Module, forward: Forward | None = None) -> Measurement:
        """Measure a copy on the batches."""
        return measure(module, self.batches, forward=forward)

    def gradient(self, module: nn.Module, forward: Forward | None = None) -> float | None:
        """Rms of the loss's gradient at the first layer with weights; None where there is none.

        The loss is the cross-entropy of the labels where the batch has class labels and the
        model gives a score per class, else the variance of the output between samples.
        """
        first = next((item for item in module.parameters() if item.dim() > 1), None)
        if first is None:
            return None
        total = 0.0
        with preserved(module), torch.enable_grad():
            first.requires_grad_()
            for batch in self.batches:
                output = primary_output((forward or module)(*batch.inputs, **batch.kwargs))
                if output is None:
                    return None
                (slope,) = torch.autograd.grad(
                    _loss(output, batch.labels) * batch.samples, first, allow_unused=True
                )
                if slope is not None:
                    total += float(slope.double().square().sum())
        rms = (total / first.numel()) ** 0.5 / max(self.samples, 1)
        return rms if rms == rms else None  # noqa: PLR0124 - NaN is no gradient


def _loss(output: Tensor, labels: Tensor | None) -> Tensor:
    classes = output.shape[-1] if output.dim() > 1 else 0
    if labels is None or labels.is_floating_point() or classes < 2:  # noqa: PLR2004
        return output.float().var(dim=0, correction=0).mean()
    flat, wanted = output.float().reshape(-1, classes), labels.reshape(-1)
    if len(flat) != len(wanted) or int(wanted.max()) >= classes:
        return output.float().var(dim=0, correction=0).mean()
    return F.cross_entropy(flat, wanted.long().where(wanted >= 0, IGNORED), ignore_index=IGNORED)


class Replaced(TorchFunctionMode):
    """While entered, torch functions are replaced in the forward, and so in the backward too."""

    def __init__(self, replace: Callable[[str, Forward], Forward | None]) -> None:
        super().__init__()
        self._replace = replace
        self.replaced = 0

    def __torch_function__(
        self, func: Forward, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run the replacement of ``func``, or ``func`` itself."""
        other = self._replace(getattr(func, "__name__", ""), func)
        self.replaced += other is not None
        return (other or func)(*args, **(kwargs or {}))


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Random numbers from ``seed`` inside, the random states as they were after."""
    used = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    devices = range(torch.cuda.device_count()) if used else ()
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield
