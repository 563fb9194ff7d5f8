"""Modules inside wrappers, and forwards that are not plain calls."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from tests.capture.catalogue.case import Catalogue, drawn
from tests.capture.catalogue.parametrised import net

WRAPPERS = Catalogue()
X = drawn(4, 6)


@WRAPPERS.case(
    """
    input input input 6
    0 linear linear 5 input
    1 activation relu 5 0
    2 linear linear 3 1 (answer)
    """,
    X,
)
def data_parallel():
    return nn.DataParallel(net())


@WRAPPERS.case(
    """
    input input input 6
    0 linear linear 5 input
    1 activation relu 5 0
    2 linear linear 3 1 (answer)
    """,
    X,
)
def compiled():
    return torch.compile(net())


@WRAPPERS.case(
    """
    input input input 6
    first.0 linear linear 5 input
    first.1 activation relu 5 first.0
    first.2 linear linear 3 first.1
    second linear linear 3 first.2
    tanh activation tanh 3 second (answer)
    """,
    X,
)
class Checkpointed(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = net(), nn.Linear(3, 3)

    def forward(self, x):
        x = checkpoint(self.first, x, use_reentrant=False)
        return checkpoint(lambda h: torch.tanh(self.second(h)), x, use_reentrant=True)


@WRAPPERS.case(
    """
    input input input 6
    body.0 linear linear 5 input
    body.1 activation relu 5 body.0
    body.2 linear linear 3 body.1
    relu activation relu 3 body.2 (answer)
    """,
    X,
)
class ForwardCalledDirectly(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = net()

    def forward(self, x):
        return torch.relu(self.body.forward(x))


@WRAPPERS.case(
    """
    input input input 6
    body.0 linear linear 5 input
    relu activation relu 5 body.0
    body.2 linear linear 3 relu (answer)
    """,
    X,
)
class NoGrad(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = net()

    @torch.no_grad()
    def forward(self, x):
        with torch.inference_mode():
            x = self.body[0](x)
        return self.body[2](torch.relu(x.clone()))


@WRAPPERS.case(
    """
    input input input 6
    body.0 linear linear 5 input
    body.1 activation relu 5 body.0
    body.2 linear linear 3 body.1 (answer)
    """,
    X,
)
class Autocast(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = net()

    def forward(self, x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return self.body(x).float()


@WRAPPERS.case(
    """
    input input input 6
    linear linear linear 5 input
    hardswish activation hardswish 5 linear
    head linear linear 2 hardswish (answer)
    """,
    X,
)
class OwnCall(nn.Module):
    """``__call__`` is overridden, so no hook of it ever runs."""

    class Layer(nn.Linear):
        def __call__(self, x):
            return F.hardswish(F.linear(x, self.weight, self.bias))

    def __init__(self):
        super().__init__()
        self.layer, self.head = self.Layer(6, 5), nn.Linear(5, 2)

    def forward(self, x):
        return self.head(self.layer(x))


@WRAPPERS.case(
    """
    input input input 6
    0 linear linear 5 input
    0/sigmoid activation sigmoid 5 0
    1 activation relu 5 0/sigmoid
    2 linear linear 3 1 (answer)
    """,
    X,
)
def own_hooks():
    """A hook of the user's applies the activation."""
    model = net()
    model[0].register_forward_hook(lambda _module, _inputs, output: torch.sigmoid(output))
    model[2].register_forward_pre_hook(lambda _module, inputs: (inputs[0] * 2,))
    return model
