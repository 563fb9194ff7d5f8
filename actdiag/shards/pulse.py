"""Signs of life between the processes of one scan, so that none waits for ever for a dead one."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from actdiag.errors import ActdiagError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.distributed.distributed_c10d import Store

_EVERY = 1.0  # seconds between two signs of life; our choice, as is the next
_POLL = 0.05


class LostError(ActdiagError):
    """Another process of the same scan has failed, or is silent."""

    def __init__(self, message: str, *, hint: str = "", exit_code: int = 2) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code  # type: ignore[misc]  # that of the process that failed


@dataclass
class Pulse:
    """What this process tells the others of itself, and what it hears of them.

    Attributes:
        store: that all of them share.
        rank: of this process.
        size: number of processes.
        patience: seconds after which a process that gives no sign of life counts as lost.
    """

    store: Store
    rank: int
    size: int
    patience: float
    clock: Callable[[], float] = time.monotonic
    _beats: int = 0
    _beaten: float = -_EVERY
    _heard: dict[int, tuple[bytes, float]] = field(default_factory=dict)

    def beat(self) -> None:
        """Give a sign of life, and look whether another process has failed; once a second."""
        if self.clock() - self._beaten < _EVERY:
            return
        self._beaten, self._beats = self.clock(), self._beats + 1
        self.store.set(f"pulse/{self.rank}", str(self._beats))
        self.look()

    def look(self) -> None:
        """Raise LostError where another process has failed."""
        for key in ("failed/0",) if self.rank else ("failed/other",):
            if self.store.check([key]):
                rank, code, message = json.loads(self.store.get(key))
                raise LostError(
                    f"process {rank + 1} of {self.size} failed: {message}",
                    hint="No report was written.",
                    exit_code=code,
                )

    def wait(self, key: str, of: int) -> None:
        """Wait until a process has set a key.

        Raises:
            LostError: it has failed, or gives no sign of life.
        """
        self._heard[of] = b"", self.clock()
        while not self.store.check([key]):
            self.beat()
            self._listen(of)
            time.sleep(_POLL)

    def _listen(self, of: int) -> None:
        name = f"pulse/{of}"
        value = self.store.get(name) if self.store.check([name]) else b""
        before, since = self._heard[of]
        if value != before:
            self._heard[of] = value, self.clock()
        elif self.clock() - since > self.patience:
            raise LostError(
                f"process {of + 1} of {self.size} gave no sign of life for {self.patience:g} s",
                hint="No report was written. Look at what it printed; where a single batch takes "
                "that long, raise --patience.",
            )

    def fail(self, error: Exception, *, grace: float = 5.0) -> bool:
        """Tell the others that this process fails; whether the first one tells the user of it."""
        told = [self.rank, getattr(error, "exit_code", 2), str(error)]
        self.store.set("failed/other" if self.rank else "failed/0", json.dumps(told))
        if not self.rank:
            return False
        until = self.clock() + grace
        while self.clock() < until:
            if self.store.check(["failed/0"]):
                return True
            time.sleep(_POLL)
        return False
