"""Leaves the model, the random state and torch's switches exactly as they were."""

from __future__ import annotations

import contextlib
import random
import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.jit import ScriptModule
from torch.nn.parameter import is_lazy

from actdiag.capture.attributes import attributes_kept

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn


@contextlib.contextmanager
def preserved(model: nn.Module, *, train: bool = False) -> Iterator[None]:
    """Within the block the model is in eval mode (or train mode), and everything is put back after.

    Put back, also after an exception: the training flag of every module, every buffer that
    changed, which buffers there are, the attributes of TorchScript modules, the random state of
    Python, numpy and torch, and the switch of the fused Transformer path. Gradients are off
    inside; tensors made there are ordinary ones, not inference tensors, since a model may keep
    one in a cache.
    """
    modules = list(model.modules())
    flags = [(module, module.training) for module in modules if hasattr(module, "training")]
    ordinary = [module for module in modules if not isinstance(module, ScriptModule)]
    buffers = [(module, dict(module._buffers)) for module in ordinary]  # noqa: SLF001
    copies = [
        (buffer, buffer.clone(), buffer._version)  # noqa: SLF001
        for _, owned in buffers
        for buffer in owned.values()
        if buffer is not None and not is_lazy(buffer) and buffer.device.type != "meta"
    ]
    fused = torch.backends.mha.get_fastpath_enabled()
    try:
        with _random_state(), torch.no_grad(), attributes_kept(model), _compiling_off():
            torch.backends.mha.set_fastpath_enabled(False)
            for module, _ in flags:
                module.training = train
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
        for module, training in flags:
            module.training = training
        for module, owned in buffers:
            module._buffers.clear()  # noqa: SLF001
            module._buffers.update(owned)  # noqa: SLF001
        with torch.no_grad():
            for buffer, copy, version in copies:
                if buffer._version != version:  # noqa: SLF001
                    buffer.copy_(copy)


def _compiling_off() -> contextlib.AbstractContextManager[Any]:
    """Compiled functions and modules run their original code, which can be observed."""
    if "torch._dynamo" not in sys.modules:  # nothing was compiled, and importing it takes seconds
        return contextlib.nullcontext()
    eager: contextlib.AbstractContextManager[Any] = torch.compiler.set_stance("force_eager")
    return eager


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Within the block torch does not complain of what the capture asks for: no gradients."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="None of the inputs have requires_grad=True")
        yield


@contextlib.contextmanager
def _random_state() -> Iterator[None]:
    python_state = random.getstate()
    numpy_state = np.random.get_state()  # noqa: NPY002 - the global state is what is kept
    started = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    cuda = list(range(torch.cuda.device_count())) if started else []
    try:
        with torch.random.fork_rng(devices=cuda):
            yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
