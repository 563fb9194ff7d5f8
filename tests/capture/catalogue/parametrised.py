"""Weights that are computed from others."""

import warnings

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, parametrize

from tests.capture.catalogue.case import Catalogue, drawn

PARAMETRISED = Catalogue()
X = drawn(4, 6)


def net():
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))


def normed(norm):
    model = net()
    norm(model[0])
    norm(model[2])
    return model


@PARAMETRISED.case(
    """
    input input input 6
    0 linear linear 5 input
    1 activation relu 5 0
    2 linear linear 3 1 (answer)
    """,
    X,
)
def parametrised_weight_norm():
    return normed(parametrizations.weight_norm)


@PARAMETRISED.case(
    """
    input input input 6
    0 linear linear 5 input
    1 activation relu 5 0
    2 linear linear 3 1 (answer)
    """,
    X,
)
def old_weight_norm():
    from torch.nn.utils import weight_norm

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return normed(weight_norm)


@PARAMETRISED.case(
    """
    input input input 6
    0 linear linear 5 input
    1 activation relu 5 0
    2 linear linear 3 1 (answer)
    """,
    X,
)
def parametrised_spectral_norm():
    return normed(parametrizations.spectral_norm)


@PARAMETRISED.case(
    """
    input input input 6
    0 linear linear 5 input
    1 activation relu 5 0
    2 linear linear 3 1 (answer)
    """,
    X,
)
def old_spectral_norm():
    return normed(torch.nn.utils.spectral_norm)


@PARAMETRISED.case(
    """
    input input input 6
    0 linear linear 5 input
    1 activation relu 5 0
    2 linear linear 3 1 (answer)
    """,
    X,
)
def orthogonal():
    return normed(parametrizations.orthogonal)


class Positive(nn.Module):
    def forward(self, weight):
        return F.softplus(weight)


@PARAMETRISED.case(
    """
    input input input 6
    0 linear linear 5 input
    1 activation relu 5 0
    2 linear linear 3 1 (answer)
    """,
    X,
)
def own_parametrisation():
    """An activation on the weights is none of the forward's."""
    model = net()
    parametrize.register_parametrization(model[0], "weight", Positive())
    return model


@PARAMETRISED.case(
    """
    input input input 6
    0 linear linear 5 input
    1 activation relu 5 0
    2 linear linear 3 1 (answer)
    """,
    X,
)
def pruned():
    from torch.nn.utils import prune

    return normed(lambda layer: prune.l1_unstructured(layer, "weight", 0.5))


@PARAMETRISED.case(
    """
    input input input 6
    0 linear linear 5 input
    1 activation relu 5 0
    2 linear linear 3 1 (answer)
    """,
    X,
)
def lazy():
    return nn.Sequential(nn.LazyLinear(5), nn.ReLU(), nn.LazyLinear(3))


@PARAMETRISED.case(
    """
    input input input 6
    0 linear linear 5 input
    1 activation relu 5 0
    2 linear linear 3 1 (answer)
    """,
    X,
)
def frozen():
    return net().requires_grad_(False)
