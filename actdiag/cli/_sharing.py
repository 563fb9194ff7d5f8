"""Under torchrun: the scan is shared with the other processes, and one of them tells of it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from actdiag.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from actdiag.shards.team import Team

_SET = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # by torchrun, in each process


@contextmanager
def shared(options: Mapping[str, Any], patience: float) -> Iterator[Team | None]:
    """The team of processes within the block; null where this one is alone.

    Where a process fails, the first one tells of it if it still can.

    Raises:
        UsageError: the options have no meaning for several processes.
        typer.Exit: this process failed, and the first one says so.
    """
    if not all(name in os.environ for name in _SET):
        yield None
        return
    for flag in ("shard", "mergeable"):
        if options.get(flag) and os.environ["RANK"] != "0":
            raise typer.Exit(UsageError.exit_code)
        if options.get(flag):
            raise UsageError(
                f"--{flag} is for separate jobs, and torchrun started this one",
                hint="Leave it out: under torchrun the parts are merged right away.",
            )
    from actdiag.shards.team import Team

    with Team(device=str(options.get("device")), patience=patience) as team:
        try:
            yield team
        except Exception as error:
            if team.fail(error):
                raise typer.Exit(getattr(error, "exit_code", 2)) from error
            raise
