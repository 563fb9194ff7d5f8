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

Run = "Callable[[Tensor, int], object]"


@contextlib.contextmanager
def plain(model: nn.Module) -> Iterator[Callable[[Tensor, int], object]]:
    """The network alone."""
    yield lambda batch, _: model(batch)


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
    "hooks that do nothing": (plain, nothing),
    "hooks that read once": (plain, floor),
    "actdiag, native": (plain, actdiag),
    "actdiag, stock": (plain, actdiag),
}


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
    originals = {name: getattr(SiteAccumulator, name) for name in ("update", "update_input")}

    def timed(original: Any) -> Any:
        def update(self: SiteAccumulator, tensor: Tensor, **axes: Any) -> None:
            start = time.thread_time()
            original(self, tensor, **axes)
            inside.seconds += time.thread_time() - start
            inside.values += tensor.numel()
            inside.calls += 1

        return update

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
