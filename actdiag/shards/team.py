"""The processes that torchrun started, as one team that shares a scan."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import distributed
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from actdiag.errors import ActdiagError, UsageError
from actdiag.feed.parts import Part
from actdiag.shards.merging import whole
from actdiag.shards.piece import Piece
from actdiag.shards.pulse import LostError, Pulse

if TYPE_CHECKING:
    from types import TracebackType

    from actdiag.records import Scan

PATIENCE = 600.0  # seconds; our choice: no batch and no loading of a model should take longer

_LOCAL = ("LOCAL_RANK", "LOCAL_WORLD_SIZE")

Progress = Callable[[int, int | None, str], None]


@dataclass
class Team:
    """One process among those that share a scan. Use as a context manager.

    Args:
        device: what ``--device`` says: on CUDA each process takes the GPU of its own number.
        patience: seconds after which a silent process counts as lost.
    """

    device: str = "cpu"
    patience: float = PATIENCE

    def __post_init__(self) -> None:
        self.rank, self.size = (_number(name) for name in ("RANK", "WORLD_SIZE"))
        self.part = Part(self.rank, self.size)
        self._place = torch.device("cpu")
        self._pulse: Pulse

    def __enter__(self) -> Self:
        """Make the process group; all processes have to come."""
        backend = "gloo"
        local, beside = (int(os.environ.get(name, "0")) for name in _LOCAL)
        if self.device in ("auto", "cuda") and torch.cuda.is_available():
            torch.cuda.set_device(local % torch.cuda.device_count())
            if 0 < beside <= torch.cuda.device_count():
                backend, self._place = "nccl", torch.device("cuda", local)
        wait = timedelta(seconds=self.patience)
        try:
            store, _, _ = next(rendezvous("env://", self.rank, self.size, timeout=wait))
            distributed.init_process_group(
                backend, store=store, rank=self.rank, world_size=self.size, timeout=wait
            )
        except (RuntimeError, ValueError) as error:
            raise LostError(
                f"the {self.size} processes did not find each other in {self.patience:g} s: "
                f"{str(error).partition(chr(10))[0]}",
                hint="Start them with torchrun, and look at what the others printed.",
            ) from error
        attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        own = PrefixStore(f"actdiag/{attempt}", store)
        self._pulse = Pulse(own, self.rank, self.size, self.patience)
        self._pulse.beat()
        if not self.rank:
            signal.signal(signal.SIGTERM, _ended)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Take the process group down."""
        distributed.destroy_process_group()
        if not self.rank:
            signal.signal(signal.SIGTERM, signal.SIG_IGN if error is not None else signal.SIG_DFL)

    def progress(self, shown: Progress) -> Progress:
        """``shown``, which also gives signs of life."""

        def beating(done: int, total: int | None, phase: str) -> None:
            self._pulse.beat()
            shown(done, total, phase)

        return beating

    def hand_over(self, piece: Piece) -> None:
        """Give the first process what this one has found.

        Raises:
            LostError: it has failed, or gives no sign of life.
        """
        with _explained():
            self._pulse.store.set(f"ready/{self.rank}", "")
            self._pulse.wait(f"take/{self.rank}", of=0)
            content = torch.frombuffer(bytearray(piece.sent()), dtype=torch.uint8).to(self._place)
            distributed.send(torch.tensor([len(content)], device=self._place), 0)
            distributed.send(content, 0)
            self._pulse.wait(f"taken/{self.rank}", of=0)

    def gathered(self, piece: Piece) -> Scan:
        """The scan of the whole data, from this first process's piece and those of the others.

        Raises:
            LostError: another process has failed, or gives no sign of life.
            UsageError: the processes have not measured the same model and data.
        """
        others = (self._received(rank) for rank in range(1, self.size))
        return whole(chain([piece], others))

    def _received(self, rank: int) -> Piece:
        with _explained():
            self._pulse.wait(f"ready/{rank}", of=rank)
            self._pulse.store.set(f"take/{rank}", "")
            size = torch.zeros(1, dtype=torch.int64, device=self._place)
            distributed.recv(size, rank)
            content = torch.empty(int(size), dtype=torch.uint8, device=self._place)
            distributed.recv(content, rank)
            self._pulse.store.set(f"taken/{rank}", "")
        return Piece.received(content.cpu().numpy().tobytes())

    def fail(self, error: Exception) -> bool:
        """Tell the others that this process fails; whether the first one tells the user of it."""
        try:
            return self._pulse.fail(error)
        except RuntimeError:  # the store is gone, and with it whoever could be told
            return False


class _explained:  # noqa: N801 - a context manager, read as a word
    """Turn an error of the connection into a message."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, RuntimeError) and not isinstance(error, ActdiagError):
            raise LostError(
                f"the connection to another process broke: {str(error).partition(chr(10))[0]}",
                hint="No report was written. Look at what the other processes printed.",
            ) from error


def _number(name: str) -> int:
    try:
        return int(os.environ[name])
    except ValueError:
        raise UsageError(
            f"the environment variable {name} is {os.environ[name]!r}, which is no number",
            hint="torchrun sets it; unset it to scan with one process.",
        ) from None


def _ended(_signal: int, _frame: Any) -> None:
    raise KeyboardInterrupt("ended by torchrun, as another process died; nothing was written")
