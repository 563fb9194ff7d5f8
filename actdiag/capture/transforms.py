"""Calls inside ``torch.vmap``, ``torch.func.grad`` and so on: their tensors hold no plain values.

They are made and not looked at, which is told; what comes out is followed as what came of the
model's input, as for values that went through numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch._C import _functorch

from actdiag.capture.operations import Kind, Operation
from actdiag.capture.trail import Trail, merged
from actdiag.records import Role

if TYPE_CHECKING:
    from actdiag.capture.observer import Call, Observer


def transforming() -> bool:
    """Whether a transform of functions is running now."""
    return _functorch.peek_interpreter_stack() is not None


def transformed(observer: Observer, call: Call) -> Any:
    """Make the call; the tensors met later that nothing is known of are taken for its doing."""
    name = str(_functorch.peek_interpreter_stack().key()).rpartition(".")[2].lower()
    observer.note_unknown(Operation(Kind.OTHER, name))
    recorder = observer.recorder
    known = observer.trails(call)
    if recorder.left is None and not known:
        inputs = tuple(site.index for site in recorder.sites if site.role is Role.INPUT)
        known = [Trail(inputs)]
    if known:
        recorder.left = merged([*([recorder.left] if recorder.left else []), *known]).blurred()
    return call.make()
