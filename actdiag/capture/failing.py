"""Where a forward raised."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from actdiag.capture.source import raising_line
from actdiag.records import Failure
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actdiag.capture.relay import Relay


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
