"""How much memory the activations of a batch take, from those of one sample."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import TorchDispatchMode

from actdiag.capture.containers import tensors_in
from actdiag.capture.guard import preserved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor, nn


class Live(TorchDispatchMode):  # type: ignore[no-untyped-call] # torch gives it no types
    """Counts the bytes of tensors that are alive at once while operations run.

    Attributes:
        peak: the most so far.

    Args:
        besides: tensors that do not count, such as the weights.
    """

    def __init__(self, besides: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak: int = 0
        self._besides = {_place(tensor) for tensor in besides}
        self._alive: dict[int, tuple[StorageWeakRef, int]] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else the first operation imports the compiler, which takes a second

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run ``func`` and count what it made."""
        result = func(*args, **kwargs or {})
        self._alive = {
            place: (reference, size)
            for place, (reference, size) in self._alive.items()
            if not reference.expired()  # type: ignore[no-untyped-call]
        }
        for tensor in tensors_in(result):
            place = _place(tensor)
            if place not in self._besides:
                storage = tensor.untyped_storage()
                reference = StorageWeakRef(storage)  # type: ignore[no-untyped-call]
                self._alive[place] = reference, storage.nbytes()
        self.peak = max(self.peak, sum(size for _, size in self._alive.values()))
        return result


def _place(tensor: Tensor) -> int:
    place: int = tensor.untyped_storage()._cdata  # noqa: SLF001 - tells storages apart, as torch does
    return place


def live_bytes(module: nn.Module, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> int | None:
    """The most bytes of activations that are alive at once in a forward pass over these inputs.

    The pass is that of a twin which shares the weights, so that the model stays as it was. What an
    operation takes for itself while it runs is not counted. None where the model can't be copied,
    or raises.
    """
    weights = [*module.parameters(), *module.buffers()]
    if any(map(is_lazy, weights)):
        return None
    live = Live(weights)
    try:
        twin = copy.deepcopy(module, {id(item): item for item in weights})
        with preserved(twin), live:
            twin(*inputs, **kwargs)
    except Exception:  # noqa: BLE001 - whatever a model may raise, it raises again in the scan
        return None
    return live.peak
