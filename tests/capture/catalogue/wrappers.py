"""Weights that are computed, modules inside wrappers, forwards that are not plain calls."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, parametrize
from torch.utils.checkpoint import checkpoint

from tests.capture.catalogue.case import Catalogue, drawn

WRAPPERS = Catalogue()
X = drawn(4, 6)


def net():
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))


def normed(norm):
    model = net()
    norm(model[0])
    norm(model[2])
    return model


@WRAPPERS.case("", X)
def parametrised_weight_norm():
    return normed(parametrizations.weight_norm)


@WRAPPERS.case("", X)
def old_weight_norm():
    from torch.nn.utils import weight_norm

    with __import__("warnings").catch_warnings():
        __import__("warnings").simplefilter("ignore")
        return normed(weight_norm)


@WRAPPERS.case("", X)
def parametrised_spectral_norm():
    return normed(parametrizations.spectral_norm)


@WRAPPERS.case("", X)
def old_spectral_norm():
    return normed(torch.nn.utils.spectral_norm)


@WRAPPERS.case("", X)
def orthogonal():
    return normed(parametrizations.orthogonal)


class Positive(nn.Module):
    def forward(self, weight):
        return F.softplus(weight)


@WRAPPERS.case("", X)
def own_parametrisation():
    """An activation on the weights is none of the forward's."""
    model = net()
    parametrize.register_parametrization(model[0], "weight", Positive())
    return model


@WRAPPERS.case("", X)
def pruned():
    from torch.nn.utils import prune

    return normed(lambda layer: prune.l1_unstructured(layer, "weight", 0.5))


@WRAPPERS.case("", X)
def lazy():
    return nn.Sequential(nn.LazyLinear(5), nn.ReLU(), nn.LazyLinear(3))


@WRAPPERS.case("", X)
def frozen():
    return net().requires_grad_(False)


@WRAPPERS.case("", X)
def data_parallel():
    return nn.DataParallel(net())


@WRAPPERS.case("", X)
def compiled():
    return torch.compile(net())


@WRAPPERS.case("", X)
class Checkpointed(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = net(), nn.Linear(3, 3)

    def forward(self, x):
        x = checkpoint(self.first, x, use_reentrant=False)
        return checkpoint(lambda h: torch.tanh(self.second(h)), x, use_reentrant=True)


@WRAPPERS.case("", X)
class ForwardCalledDirectly(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = net()

    def forward(self, x):
        return torch.relu(self.body.forward(x))


@WRAPPERS.case("", X)
class NoGrad(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = net()

    @torch.no_grad()
    def forward(self, x):
        with torch.inference_mode():
            x = self.body[0](x)
        return self.body[2](torch.relu(x.clone()))


@WRAPPERS.case("", X)
class Autocast(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = net()

    def forward(self, x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return self.body(x).float()


@WRAPPERS.case("", X)
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


@WRAPPERS.case("", X)
def own_hooks():
    """A hook of the user's applies the activation."""
    model = net()
    model[0].register_forward_hook(lambda _module, _inputs, output: torch.sigmoid(output))
    model[2].register_forward_pre_hook(lambda _module, inputs: (inputs[0] * 2,))
    return model
