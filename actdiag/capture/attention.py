"""Calls of attention, fused or written out: each site learns what its heads attend to."""

from __future__ import annotations

from dataclasses import replace
from types import FunctionType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from actdiag.capture.activations import activation
from actdiag.capture.containers import tensors_in
from actdiag.capture.layers import layer, matmul
from actdiag.capture.observer import Call
from actdiag.records import Role
from actdiag.stats.attention import AttentionAccumulator
from actdiag.stats.scores import of_query_and_key, of_scores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from actdiag.capture.observer import Observer
    from actdiag.capture.opened import OpenSite
    from actdiag.capture.operations import Operation
    from actdiag.stats.scores import Block

_FUSED = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal", "scale", "enable_gqa")
_HEADS_PLACE = 4  # of num_heads among the arguments of multi_head_attention_forward


def fused(observer: Observer, operation: Operation, call: Call) -> Any:
    """``scaled_dot_product_attention``: its scores are computed again for some of the queries."""
    result = layer(observer, operation, call)
    _attend(observer.opened(result), _scores_of_fused(call, observer.recorder.samples))
    return result


def multi_head(observer: Observer, operation: Operation, call: Call) -> Any:
    """``multi_head_attention_forward``: one site, whose inner scores are caught on the way."""
    caught = _Caught()
    result = layer(observer, operation, Call(caught.forward(call.function), call.args, call.kwargs))
    if caught.call is not None:
        given = call.args[_HEADS_PLACE : _HEADS_PLACE + 1] or (call.kwargs.get("num_heads"),)
        attend_within(observer, result, caught.call, softmax=caught.is_softmax, heads=given[0])
    return result


def attend_within(
    observer: Observer, result: Any, inner: Call, *, softmax: bool, heads: int | None
) -> None:
    """The site that just gave ``result`` attends as the call inside it does.

    ``heads`` is null where nothing tells it: then it is how often the samples fit into the scores.
    """
    site, samples = observer.opened(result), observer.recorder.samples
    if softmax:
        fits = inner.args[0].shape[0] // max(samples, 1)
        _attend(site, of_scores(inner.args[0], heads=heads or max(fits, 1)))
    else:
        _attend(site, _scores_of_fused(inner, samples))


def softmax(observer: Observer, operation: Operation, call: Call) -> Any:
    """A softmax over the last axis of what may be scores; :func:`weighted_sum` tells."""
    scores = call.first()
    trail = None if scores is None else observer.recorder.trails.of(scores)
    result = activation(observer, operation, call)
    if scores is None or trail is None or not trail.product or scores.dim() < 3:  # noqa: PLR2004
        return result
    axis = call.kwargs.get("dim", call.args[1] if len(call.args) > 1 else None)
    if axis in (-1, scores.dim() - 1) and scores.is_floating_point():
        _attend(observer.opened(result), of_scores(scores, samples=observer.recorder.samples))
    return result


def weighted_sum(observer: Observer, operation: Operation, call: Call) -> Any:
    """A matrix product of a softmax of scores with something computed is an attention."""
    trails = observer.recorder.trails
    sides = [trails.of(side) for side in tensors_in((call.args, call.kwargs), depth=2)]
    known = [trail for trail in sides if trail is not None]
    for trail in known if len(known) > 1 else ():
        if trail.straight and len(trail.sites) == 1:
            site = observer.recorder.sites[trail.sites[0]]
            site.role = Role.ATTENTION if site.attention is not None else site.role
    result = matmul(observer, operation, call)
    after = trails.of(result) if isinstance(result, Tensor) else None
    if len(known) > 1 and after is not None:
        trails.put(result, replace(after, product=True))
    return result


def _attend(site: OpenSite | None, blocks: Iterator[Block]) -> None:
    if site is None:
        return
    site.attention = site.attention or AttentionAccumulator()
    with torch.no_grad():
        for scores, visible in blocks:
            site.attention.update(scores, visible)


def _scores_of_fused(call: Call, samples: int) -> Iterator[Block]:
    given = dict(zip(_FUSED, call.args, strict=False)) | call.kwargs
    query, key = given["query"], given["key"]
    if query.is_nested or key.is_nested:
        return
    yield from of_query_and_key(
        query,
        key,
        mask=given.get("attn_mask"),
        causal=bool(given.get("is_causal")),
        scale=given.get("scale"),
        samples=samples,
        grouped=bool(given.get("enable_gqa")),
    )


class _Caught(TorchFunctionMode):
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
