"""A backward pass under observation: the gradient at every site and at every parameter.

The sites are those of a :class:`Capture`, opened by the same calls; a hook on each site's tensor
takes its gradient as it comes by. It also comes by functions called in a forward, and a tensor
that is overwritten later has the gradient of what it held at its site.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from actdiag.capture.capture import Capture
from actdiag.capture.guard import preserved
from actdiag.capture.recorder import Recorder
from actdiag.stats.gradients import GradientAccumulator
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import nn

    from actdiag.capture.opened import OpenSite
    from actdiag.capture.trail import Trail

Loss = Callable[[Any, Tensor, Tensor | None], Tensor]


class _Recorder(Recorder):
    """Opens the same sites, and waits for their gradients in place of measuring them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, GradientAccumulator] = {}

    def measure(
        self,
        site: OpenSite,
        tensor: Tensor,
        trail: Trail,
        *,
        called: bool = False,  # noqa: ARG002
    ) -> None:
        """Take the gradient at the site when it comes by."""
        if tensor.requires_grad:
            tensor.register_hook(partial(self._arrived, site.name))  # type: ignore[no-untyped-call]
        self.follow(site, tensor, trail)

    def measure_input(self, site: OpenSite, tensor: Tensor, trail: Trail) -> None:  # noqa: ARG002
        """Nothing of the function's input is asked."""
        site.given = weakref.ref(tensor)

    def _arrived(self, name: str, gradient: Tensor) -> None:
        self.found.setdefault(name, GradientAccumulator()).update(gradient)


@dataclass
class Backward:
    """What the backward passes over a few batches gave.

    Attributes:
        sites: gradients by the site's name; each sample counts with its own loss.
        parameters: gradient of the mean loss by the parameter's name; null where none arrives.
        samples: number of samples.
        batches: number of batches.
        loss: the summed loss of all samples.
        failure: why it went no further, or ``""``.
    """

    sites: dict[str, GradientAccumulator] = field(default_factory=dict)
    parameters: dict[str, Tensor | None] = field(default_factory=dict)
    samples: int = 0
    batches: int = 0
    loss: float = 0.0
    failure: str = ""

    def add(self, names: Iterable[str], gradients: Iterable[Tensor | None]) -> None:
        """Add the gradients of one batch's summed loss."""
        for name, gradient in zip(names, gradients, strict=True):
            before = self.parameters.setdefault(name, None)
            if gradient is not None:
                wide = gradient.to(torch.promote_types(gradient.dtype, torch.float32))
                self.parameters[name] = wide if before is None else before + wide


def backward(copy: nn.Module, batches: Iterable[Any], loss: Loss) -> Backward:
    """Run a copy of a model forward and backward over batches; it stays in eval mode.

    Args:
        copy: the model, of which ``requires_grad`` says what is trained.
        batches: as :func:`actdiag.measure.measure` takes them.
        loss: of what the model gave, the tensor among it that is its answer, and the labels; the
            summed loss of the samples.

    Raises:
        Whatever ``loss`` raises.
    """
    found = Backward()
    trained = {name: item for name, item in copy.named_parameters() if item.requires_grad}
    with preserved(copy), torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):
        for batch in batches:
            value = _observed(copy, batch, loss, found)
            if value is None:
                return found
            if not value.requires_grad:
                found.failure = "the loss depends on no parameter that is trained"
                return found
            try:
                gradients = _differentiated(value, [*trained.values()])
            except Exception as error:  # noqa: BLE001 - whatever a model's backward may raise
                found.failure = _told("backward", error)
                return found
            found.add(trained, gradients)
            found.samples += batch.samples
            found.batches += 1
            found.loss += value.item()
    return found


def _observed(copy: nn.Module, batch: Any, loss: Loss, found: Backward) -> Tensor | None:
    """The loss of one batch, with hooks on its sites; null where the forward raised."""
    given: list[Any] = []

    def forward(*args: Any, **kwargs: Any) -> Any:
        given.append(copy(*args, **kwargs))
        return given[0]

    recorder = _Recorder()
    recorder.found = found.sites
    with Capture(copy, forward=forward, recorder=recorder) as capture, torch.enable_grad():
        output = capture.run(batch.inputs, batch.kwargs, batch.samples)
    if output is None:
        if capture.doubt is not None:
            capture.doubt.settle(copy)
        failure = capture.failure
        found.failure = (
            "the model gave no tensor of numbers"
            if failure is None
            else f"the forward raised {failure.exception} with gradients on: {failure.message}"
        )
        return None
    return loss(given[0], output, batch.labels)


def _differentiated(value: Tensor, by: list[Tensor]) -> tuple[Tensor | None, ...]:
    """Gradients; null of what the value doesn't depend on.

    The capture's own operators in a TorchScript graph have no derivative of their own, of which
    torch warns; what they run has one, and autograd has recorded it.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*actdiag::")
        return torch.autograd.grad(value, by, allow_unused=True)


def _told(what: str, error: Exception) -> str:
    said = printable(error, limit=200)
    return f"the {what} raised {type(error).__name__}: {said}"
