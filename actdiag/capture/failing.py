"""Where a forward raised, and whether it was the model that did."""

from __future__ import annotations

import dis
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import nn

from actdiag.capture.guard import preserved
from actdiag.capture.source import is_ours, raising_line
from actdiag.errors import OURS
from actdiag.records import Failure
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from actdiag.capture.relay import Relay


@dataclass(frozen=True, slots=True)
class Doubt:
    """An exception that looks like one of the capture's own, and what the forward was given."""

    error: Exception
    inputs: tuple[Any, ...]
    kwargs: dict[str, Any]

    def settle(self, model: nn.Module, forward: Callable[..., Any] | None = None) -> None:
        """Run the forward without a capture, and raise the exception where it then ends well.

        Where it raises there too, the model is to blame, and nothing is done.
        """
        with preserved(model):
            try:
                (forward or model)(*self.inputs, **self.kwargs)
            except Exception:  # noqa: BLE001 - whatever a model may raise
                return
        self.error.add_note(OURS)
        raise self.error


def failure_of(error: Exception, names: Mapping[nn.Module, str], relay: Relay) -> Failure:
    """The record of an exception; its module is the innermost whose forward is in the traceback.

    Args:
        error: as it was raised.
        names: of the modules.
        relay: knows where it was raised in a graph, which has no frames.
    """
    module, traceback = None, error.__traceback__
    if traceback is not None:
        traceback = traceback.tb_next  # where it was caught: looked into, that frame would keep it
    if error is relay.error:
        module, traceback = relay.failed_in, None
    while traceback is not None:
        candidate = traceback.tb_frame.f_locals.get("self")
        if isinstance(candidate, nn.Module) and candidate in names:
            module = names[candidate]
        traceback = traceback.tb_next
    return Failure(
        module=module,
        source=raising_line(error.__traceback__),
        exception=type(error).__name__,
        message=printable(error, limit=500),
    )


def looks_ours(error: Exception, names: Mapping[nn.Module, str]) -> bool:
    """Whether an exception came out of the capture's own code.

    Beneath its innermost frame no module of the model runs, and that frame was not just handing a
    call of the model's on, which is what calls with ``*args`` do here.
    """
    ours, traceback = False, error.__traceback__
    traceback = traceback and traceback.tb_next  # as above
    while traceback is not None:
        frame = traceback.tb_frame
        candidate = frame.f_locals.get("self")
        if is_ours(frame.f_code.co_filename):
            ours = not _hands_on(traceback)
        elif isinstance(candidate, nn.Module) and candidate in names:
            ours = False
        traceback = traceback.tb_next
    return ours


def _hands_on(traceback: TracebackType) -> bool:
    code = traceback.tb_frame.f_code.co_code
    return dis.opname[code[traceback.tb_lasti]] == "CALL_FUNCTION_EX"
