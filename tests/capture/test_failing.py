"""A forward that raised: what it made is not kept."""

import gc
import weakref

import torch
from torch import nn

from actdiag.capture import Capture


class Raises(nn.Module):
    """Tells of the tensor that it made before it raised."""

    def __init__(self):
        super().__init__()
        self.layer, self.made = nn.Linear(6, 5), None

    def forward(self, x):
        hidden = self.layer(x)
        self.made = weakref.ref(hidden)
        return self.inner(hidden)

    def inner(self, hidden):
        raise RuntimeError(f"cannot go on with {tuple(hidden.shape)}")


def test_tensors_are_freed_without_the_garbage_collector():
    model = Raises()
    gc.disable()
    try:
        with Capture(model) as capture:
            assert capture.run((torch.ones(4, 6),), {}, 4) is None
            assert capture.failure is not None
            assert model.made is not None
            assert model.made() is None
    finally:
        gc.enable()


def test_the_innermost_module_is_named_not_the_capture():
    model = nn.Sequential(nn.Linear(6, 6), Raises())
    with Capture(model) as capture:
        capture.run((torch.ones(4, 6),), {}, 4)
        assert (capture.failure.module, capture.failure.exception) == ("1", "RuntimeError")
        assert capture.failure.message == "cannot go on with (4, 5)"
