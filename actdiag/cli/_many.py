"""Several models scanned one after the other, or side by side in processes of their own."""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import redirect_stdout
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from actdiag._version import __version__
from actdiag.cli._failing import print_traceback, unexpected
from actdiag.cli._progress import progress_bar, silent
from actdiag.diagnosis.gate import not_checked
from actdiag.errors import ActdiagError
from actdiag.records import Report, ToolInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future


@dataclass(frozen=True, slots=True)
class Scanned:
    """A model's report, and the exit code of the error that kept it from being one."""

    report: Report
    broken: int | None = None


def scanned(
    models: Sequence[str], jobs: int, options: dict[str, Any], *, debug: bool = False
) -> Iterator[Scanned]:
    """Yield what came of each model, in order; ``options`` are those of the pipeline.

    One that can't be used is told in its report and doesn't keep the others from being scanned;
    with ``debug`` its traceback goes to stderr.
    """
    if jobs == 1 or len(models) == 1:
        for model in models:
            with progress_bar() as progress:
                yield _scanned(model, {**options, "progress": progress}, debug=debug)
        return
    workers = min(jobs, len(models))
    threads = max(1, (os.cpu_count() or 1) // workers)
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _prepared, (threads,))
    with pool, progress_bar() as progress:
        waiting = [pool.submit(_alone, model, options, debug=debug) for model in models]
        try:
            for done, (model, one) in enumerate(zip(models, waiting, strict=True), start=1):
                yield _result(model, one)
                progress(done, len(models), "checking")
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _prepared(threads: int) -> None:
    import torch

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback
    torch.set_num_threads(threads)


def _result(model: str, one: Future[Scanned]) -> Scanned:
    try:
        return one.result()
    except BrokenProcessPool:
        why = "A process of --jobs died, for want of memory perhaps: use fewer of them."
        return Scanned(
            not_checked(model, why, ToolInfo(version=__version__)), ActdiagError.exit_code
        )


def _alone(model: str, options: dict[str, Any], *, debug: bool) -> Scanned:
    return _scanned(model, {**options, "progress": silent}, debug=debug)


def piped(model: str, options: dict[str, Any]) -> Report:
    """Run the pipeline; what is printed meanwhile, by the user's own code too, goes to stderr.

    Raises:
        ActdiagError: the model or the data can't be used.
    """
    with redirect_stdout(sys.stderr):
        from actdiag import pipeline
        from actdiag.load import Trust

        everything, names = options["trust"]
        trust = Trust(everything=everything, names=frozenset(names))
        return pipeline.scan(model, **{**options, "trust": trust})


def _scanned(model: str, options: dict[str, Any], *, debug: bool) -> Scanned:
    try:
        return Scanned(piped(model, options))
    except ActdiagError as error:
        message, hint, code = error.message, error.hint, error.exit_code
        print_traceback(debug=debug)
    except Exception as error:  # noqa: BLE001 - one model must not take the others with it
        (message, hint), code = unexpected(error, debug=debug), ActdiagError.exit_code
        print_traceback(debug=debug)
    why = f"{message.rstrip('.')}. {hint}".strip()
    return Scanned(not_checked(model, why, ToolInfo(version=__version__)), code)
