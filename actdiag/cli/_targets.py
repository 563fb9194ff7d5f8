"""Reports in files, each written whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from actdiag import render
from actdiag.cli._output import print_report
from actdiag.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actdiag.records import Report


@dataclass(frozen=True, slots=True)
class Target:
    """Where reports go: the format, and the file or, for figures, the folder."""

    name: str
    path: Path

    def write(self, *reports: Report) -> None:
        """Render the reports, as one document or as figures in a folder, and put them in place."""
        if self.name not in render.FOLDER_FORMATS:
            put(self.path, render.render_all(self.name, reports).encode())
            return
        try:
            self.path.mkdir(exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot make the folder {self.path}: {error.strerror}") from None
        for number, report in enumerate(reports, start=1):
            start = f"{number}-" if len(reports) > 1 else ""
            for name, content in render.files(self.name, report).items():
                put(self.path / f"{start}{name}", content)


def deliver(output: str, wanted: Iterable[Target], *reports: Report) -> None:
    """Write the reports, and print them; what can't be written doesn't keep the rest from it.

    Raises:
        UsageError: the first file that could not be written.
    """
    problem = write_all(wanted, *reports)
    print_report(output, *reports)
    if problem is not None:
        raise problem


def write_all(wanted: Iterable[Target], *reports: Report) -> UsageError | None:
    """Write all that can be written; the first problem, if there was one."""
    problem = None
    for target in wanted:
        try:
            target.write(*reports)
        except UsageError as error:
            problem = problem or error
    return problem


def put(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; devices and pipes are written straight.

    Raises:
        UsageError: it can't be written, for want of space perhaps.
    """
    try:
        _put(path, content)
    except BrokenPipeError:
        raise
    except OSError as error:
        hint = "Make room, or choose another place. A file that was there is as it was."
        raise UsageError(f"cannot write {path}: {error.strerror or error}", hint=hint) from None


def _put(path: Path, content: bytes) -> None:
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    place = path.resolve()  # a link keeps pointing where it did
    temporary = Path(_temporary(place.parent))
    try:
        temporary.write_bytes(content)
        temporary.chmod(_mode(place))
        temporary.replace(place)
    finally:
        temporary.unlink(missing_ok=True)


def targets(
    options: Iterable[str] | None,
    *,
    inputs: Iterable[str | None] = (),
    formats: tuple[str, ...] = (),
) -> list[Target]:
    """Read the values of ``--report`` and make sure that they can be written, before any work.

    ``formats`` are the ones there are: unless told, those of reports.

    Raises:
        UsageError: no ``FORMAT=PATH``, an unknown format, two reports in one file, a place that
            cannot be written to, or one of ``inputs``, which would be overwritten.
    """
    found: list[Target] = []
    each = ((path, text) for path in inputs if path for text in (path, path.rpartition(":")[0]))
    taken = {Path(text).resolve(): f"{path} is an input" for path, text in each if text}
    for option in options or ():
        name, equals, path = option.partition("=")
        if not equals or not path:
            hint = "For example: --report json=scan.json"
            raise UsageError(f"--report {option}: FORMAT=PATH was expected", hint=hint)
        target = Target(_known(name, formats), Path(path))
        if target.path.resolve() in taken:
            reason = taken[target.path.resolve()]
            raise UsageError(f"--report {option}: {reason}", hint="Choose another file name.")
        taken[target.path.resolve()] = "another report goes there"
        check_writable(target.path, f"--report {option}", folder=name in render.FOLDER_FORMATS)
        found.append(target)
    return found


def check_writable(path: Path, option: str, *, folder: bool = False) -> None:
    """Make sure that a file, or the files of a folder, can be written there.

    Raises:
        UsageError: they cannot; it names the option.
    """
    kind = "folder" if folder else "file"
    if problem := _problem(path, folder=folder):
        hint = f"Give the path of a {kind} in a folder that exists and can be written to."
        raise UsageError(f"{option}: {problem}", hint=hint)


def _problem(path: Path, *, folder: bool) -> str:
    try:
        if path.exists() and path.is_dir() is not folder:
            return f"{path} is {'not ' if folder else ''}a folder"
        if path.exists() and not os.access(path, os.W_OK):
            return f"{path} may not be written to"
        if folder or not path.exists() or path.is_file():
            within = path if path.is_dir() else path.resolve().parent
            Path(_temporary(within)).unlink()
    except OSError as error:
        return f"cannot write in {path.parent}: {error.strerror or error}"
    return ""


def _known(name: str, formats: tuple[str, ...]) -> str:
    known = formats or (*render.names(), *render.FOLDER_FORMATS)
    if name not in known:
        raise UsageError(f"there is no report format '{name}'", hint=did_you_mean(name, known))
    return name


def _temporary(folder: Path) -> str:
    handle, name = tempfile.mkstemp(prefix=".actdiag-", dir=folder)
    os.close(handle)
    return name


def _mode(place: Path) -> int:
    if place.exists():
        return stat.S_IMODE(place.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
