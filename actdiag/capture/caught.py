"""The attention or the softmax within a function of torch that is one site."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any

from torch.overrides import TorchFunctionMode

from actdiag.capture.observer import Call

if TYPE_CHECKING:
    from collections.abc import Callable


class Caught(TorchFunctionMode):
    """Remembers the attention or the softmax called inside a function that is one site."""

    def __init__(self) -> None:
        super().__init__()
        self.call: Call | None = None
        self.is_softmax = False

    def forward(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, run while this mode watches the functions inside it.

        A function of ``torch.nn.functional`` hands itself over to the mode before it runs. Its
        twin here asks a ``has_torch_function`` that says no, so what it calls is seen.
        """
        if not isinstance(function, FunctionType):
            return function
        names = function.__globals__ | {"has_torch_function": lambda _: False}
        twin = FunctionType(
            function.__code__,
            names,
            function.__name__,
            function.__defaults__,
            function.__closure__,
        )

        def watched(*args: Any, **kwargs: Any) -> Any:
            with self:
                return twin(*args, **kwargs)

        return watched

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run ``func``, and remember it if it is what is looked for."""
        name = getattr(func, "__name__", "")
        if name in ("softmax", "scaled_dot_product_attention"):
            self.call, self.is_softmax = Call(func, args, kwargs or {}), name == "softmax"
        return func(*args, **kwargs or {})
