"""What a collector delivers, found out on a small network whose numbers numpy knows too."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.peers.adapters import Told

UNITS, DEAD = 24, 7
FUNCTIONAL = "functional"
_CLOSE = 0.01  # some tell three digits alone
NEAR = 0.05  # fastai's
_MOST, _SHORT = 0.99, 0.02  # delve's


class Known(nn.Module):
    """Two layers with ReLU, one a module and one a function; seven units of each never fire.

    A third layer stands behind the function, whose output no module's hook sees.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(10, UNITS), nn.Linear(UNITS, UNITS)
        self.relu, self.last = nn.ReLU(), nn.Linear(UNITS, 5)
        with torch.no_grad():
            self.first.bias[:DEAD] = -50.0
            self.second.bias[:DEAD] = -50.0
        self.seen: dict[str, list[np.ndarray[Any, Any]]] = {}

    def forward(self, x: Tensor) -> Tensor:
        """Remember what numpy is to know."""
        hidden = self.first(x)
        fired = self.relu(hidden)
        again = F.relu(self.second(fired))
        for name, value in (("first", hidden), ("relu", fired), (FUNCTIONAL, again)):
            self.seen.setdefault(name, []).append(value.detach().double().numpy().copy())
        result: Tensor = self.last(again)
        return result


@dataclass(frozen=True, slots=True)
class Delivered:
    """What was found.

    Attributes:
        right: statistics of a layer that agree with numpy.
        wrong: those that do not.
        per_unit: whether there is a number, or a value, for each unit.
        dead: whether the units that never fire can be told.
        functional: whether a function called in the forward is seen.
        all_batches: whether the numbers are of all batches, or of the last one alone.
    """

    right: tuple[str, ...]
    wrong: tuple[str, ...]
    per_unit: bool
    dead: bool
    functional: bool
    all_batches: bool

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`."""
        names = {which: tuple(document[which]) for which in ("right", "wrong")}
        return cls(**{**document, **names})


def check(
    watch: Callable[[nn.Module], tuple[Callable[[Tensor, int], object], Callable[[], Told]]],
) -> Delivered:
    """Let a collector watch the small network over two batches, and compare what it tells.

    Args:
        watch: from the network to what runs a batch, and what tells of it.
    """
    torch.manual_seed(0)
    model = Known().eval()
    run, told = watch(model)
    with torch.no_grad():
        for scale in (3.0, 1.0):  # a last batch that is unlike the whole
            run(scale * torch.randn(200, 10), 200)
    found = told()
    last = {name: arrays[-1] for name, arrays in model.seen.items()}
    whole = {name: np.concatenate(arrays) for name, arrays in model.seen.items()}
    right = {name: False for one in found.values() for name in one}
    functional = every = False
    for one in found.values():
        for layer in last:
            of_last, of_all = (_right(one, arrays[layer]) for arrays in (last, whole))
            right |= dict.fromkeys(of_last | of_all, True)
            functional = functional or (layer == FUNCTIONAL and one.keys() in (of_last, of_all))
            every = every or (one.keys() == of_all and one.keys() != of_last)
    values = [value for one in found.values() for value in one.values()]
    per_unit = [np.asarray(value) for value in values if np.shape(value)[-1:] == (UNITS,)]
    return Delivered(
        right=tuple(name for name, good in right.items() if good),
        wrong=tuple(name for name, good in right.items() if not good),
        per_unit=bool(per_unit),
        dead=any(_dead(array) == DEAD for array in per_unit),
        functional=functional,
        all_batches=every,
    )


def _dead(array: np.ndarray[Any, Any]) -> int:
    """Units that are never above 0, of values or of the greatest value of each unit."""
    return int((array.reshape(-1, UNITS).max(0) <= 0).sum())


def _right(told: dict[str, Any], array: np.ndarray[Any, Any]) -> set[str]:
    """The names of what numpy finds in a layer, too."""
    return {name for name, value in told.items() if _agrees(name, value, array)}


def _agrees(name: str, value: Any, array: np.ndarray[Any, Any]) -> bool:
    wanted = _oracle(name, array)
    same = wanted is not None and np.shape(wanted) == np.shape(value)
    return same and bool(np.allclose(value, wanted, rtol=_CLOSE, atol=1e-6))


def _oracle(name: str, array: np.ndarray[Any, Any]) -> Any:
    known: dict[str, Callable[[], Any]] = {
        "mean": array.mean,
        "std": lambda: array.std(ddof=1),
        "near_zero": (array <= NEAR).mean,
        "hist": lambda: np.histogram(array, 40, (0, 10))[0],
        "histogram": lambda: np.histogram(array, 64)[0],
        "edges": lambda: np.histogram(array, 64)[1],
        "least size": np.abs(array).min,
        "greatest size": np.abs(array).max,
        "values": lambda: array,
        "covariance-trace": lambda: np.trace(np.cov(array.T, ddof=0)),
        "saturation": lambda: _dimensions(array) / UNITS,
        "intrinsic-dimensionality": lambda: _dimensions(array),
        "mean of units": lambda: array.mean(0),
        "max of units": lambda: array.max(0),
    }
    return known[name]() if name in known else None


def _dimensions(array: np.ndarray[Any, Any]) -> int:
    """Directions with less than 99 % of the variance, and one more where 2 % are short of it."""
    values = np.linalg.eigvalsh(np.cov(array.T, ddof=0))[::-1]
    shares = values.cumsum() / values.sum()
    many = max(int((shares < _MOST).sum()), 1)
    return many + int(_MOST - shares[many - 1] > _SHORT)
