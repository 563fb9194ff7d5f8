"""The catalogue of activation functions: one row each, checked against autograd by the tests."""

from actdiag.functions import scalar
from actdiag.functions.catalogue import (
    ALL,
    by_callable,
    by_module,
    by_operator,
    find,
    get,
    variant,
)
from actdiag.functions.row import ActivationFunction
from actdiag.functions.temperature import log_softmax, softmax

__all__ = [
    "ALL",
    "ActivationFunction",
    "by_callable",
    "by_module",
    "by_operator",
    "find",
    "get",
    "log_softmax",
    "scalar",
    "softmax",
    "variant",
]
