"""The progress bar: on stderr, and only where that is a terminal."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Report = Callable[[int, int | None, str], None]


def silent(_done: int, _total: int | None, _phase: str) -> None:
    """Show nothing."""


@contextmanager
def progress_bar() -> Iterator[Report]:
    """Give a function to call with samples done, samples in all (or None) and the phase."""
    if not sys.stderr.isatty():
        yield silent
        return
    columns = TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn()
    bar = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
    with bar:
        task = bar.add_task("loading", total=None)
        phase = "loading"

        def report(done: int, total: int | None, now: str) -> None:
            nonlocal phase
            if now != phase:
                bar.reset(task, description=now)
                phase = now
            bar.update(task, completed=done, total=total)

        yield report
