"""Ctrl-C: the batch at hand is finished, and what was found so far is told."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from actdiag.errors import Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Report = Callable[[int, int | None, str], None]

_IN_BATCHES = "measuring"  # in the other phases nothing is half counted, so they stop at once


class Stopping:
    """The first Ctrl-C ends the scan at the next batch, a second one ends the program.

    ``asked`` says afterwards whether it came to that.
    """

    def __init__(self, progress: Report) -> None:
        self._progress = progress
        self._measuring = False
        self.asked = False

    def __call__(self, done: int, total: int | None, phase: str) -> None:
        """Hand the progress on.

        Raises:
            Stopped: the user asked for it while the batch was measured.
        """
        self._progress(done, total, phase)
        if self.asked and self._measuring:
            self._measuring = False
            raise Stopped
        self._measuring = phase == _IN_BATCHES and done != total

    def on_signal(self, *_: Any) -> None:
        """Note that the user wants to stop.

        Raises:
            Stopped: at once, since no batch is being measured.
            KeyboardInterrupt: this was the second time.
        """
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        if not self._measuring:
            raise Stopped
        os.write(2, b"actdiag: stopping after this batch; Ctrl-C again stops at once\n")


@contextmanager
def stoppable(progress: Report) -> Iterator[Stopping]:
    """Give the progress function that stops the work where Ctrl-C was pressed meanwhile."""
    stopping = Stopping(progress)
    if threading.current_thread() is not threading.main_thread():
        yield stopping  # only the main thread is told of signals
        return
    before = signal.signal(signal.SIGINT, stopping.on_signal)
    try:
        yield stopping
    finally:
        signal.signal(signal.SIGINT, before)
