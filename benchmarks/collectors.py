"""What is measured: networks run plainly, under hooks alone, and under actdiag."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from actdiag.capture.capture import Capture
from actdiag.stats import native
from actdiag.stats.library import VARIABLE, backend
from actdiag.stats.site import SiteAccumulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.peers.adapters import Told


@contextlib.contextmanager
def nothing(model: nn.Module) -> Iterator[Callable[[Tensor, int], object]]:
    """A hook on every leaf that does nothing."""
    with _hooked(model, lambda *_: None):
        yield lambda batch, _: model(batch)


@contextlib.contextmanager
def floor(model: nn.Module) -> Iterator[Callable[[Tensor, int], object]]:
    """A hook on every leaf that reads its output once, by the fastest stock operation."""

    def read(_module: nn.Module, _given: object, made: object) -> None:
        for tensor in made if isinstance(made, tuple) else (made,):
            if isinstance(tensor, Tensor):
                tensor.sum()

    with _hooked(model, read):
        yield lambda batch, _: model(batch)


@contextlib.contextmanager
def _hooked(model: nn.Module, hook: Any) -> Iterator[None]:
    leaves = [module for module in model.modules() if not list(module.children())]
    handles = [module.register_forward_hook(hook) for module in leaves]
    yield
    for handle in handles:
        handle.remove()


@contextlib.contextmanager
def actdiag(model: nn.Module) -> Iterator[Callable[[Tensor, int], object]]:
    """Everything that a scan measures."""
    with Capture(model) as capture:

        def run(batch: Tensor, samples: int) -> object:
            return capture.run((batch,), {}, samples)

        yield run
        if capture.failure is not None:
            raise RuntimeError(capture.failure.message)


COLLECTORS = {
    "hooks that do nothing": nothing,
    "hooks that read once": floor,
    "actdiag, native": actdiag,
    "actdiag, stock": actdiag,
}


def watching(model: nn.Module) -> tuple[Callable[[Tensor, int], object], Callable[[], Told]]:
    """What runs a batch under actdiag, and what tells of it, for the check against numpy."""
    capture = Capture(model)
    closing = contextlib.ExitStack()
    closing.enter_context(capture)

    def told() -> Told:
        closing.close()
        return {
            site.name: {
                "mean": site.stats.mean,
                "mean of units": site.per_unit.mean,
                "max of units": site.per_unit.max,
            }
            for site in capture.sites()
            if site.per_unit is not None
        }

    return lambda batch, samples: capture.run((batch,), {}, samples), told


@contextlib.contextmanager
def measured_by(name: str) -> Iterator[str]:
    """Within the block, that backend measures; gives what it says of itself."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = name
    native.forget()
    yield f"{backend().name} ({backend().detail})"
    os.environ.pop(VARIABLE)
    if before is not None:
        os.environ[VARIABLE] = before
    native.forget()


@dataclass(slots=True)
class Inside:
    """Time and values inside the accumulators."""

    seconds: float = 0.0
    values: int = 0
    calls: int = 0


@contextlib.contextmanager
def timed_inside() -> Iterator[Inside]:
    """Count what the accumulators of sites are given, and how long they take."""
    inside = Inside()
    names = ("update", "update_input", "again", "input_again")
    originals = {name: getattr(SiteAccumulator, name) for name in names}

    def timed(original: Any) -> Any:
        def take(self: SiteAccumulator, tensor: Tensor, *given: Any, **axes: Any) -> Any:
            start = time.thread_time()
            result = original(self, tensor, *given, **axes)
            inside.seconds += time.thread_time() - start
            if result is not False:  # it was refused, and comes another way
                inside.values += tensor.numel()
                inside.calls += 1
            return result

        return take

    for name, original in originals.items():
        setattr(SiteAccumulator, name, timed(original))
    yield inside
    for name, original in originals.items():
        setattr(SiteAccumulator, name, original)


@contextlib.contextmanager
def threads(number: int) -> Iterator[None]:
    """Torch on so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    yield
    torch.set_num_threads(before)
