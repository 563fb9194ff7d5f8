"""Where reports go: stdout, or files that are written whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from rich.console import Console

from actdiag import render
from actdiag.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actdiag.records import Report


@dataclass(frozen=True, slots=True)
class Target:
    """A report to write: its format and the file."""

    name: str
    path: Path

    def write(self, report: Report) -> None:
        """Render the report and put it in place at once; devices and pipes are written straight."""
        text = render.render(self.name, report).encode()
        if self.path.exists() and not self.path.is_file():
            self.path.write_bytes(text)
            return
        place = self.path.resolve()  # a link keeps pointing where it did
        temporary = Path(_temporary(place.parent))
        try:
            temporary.write_bytes(text)
            temporary.chmod(_mode(place))
            temporary.replace(place)
        finally:
            temporary.unlink(missing_ok=True)


def targets(options: Iterable[str] | None, *, inputs: Iterable[str | None] = ()) -> list[Target]:
    """Read the values of ``--report`` and make sure that they can be written, before any work.

    Raises:
        UsageError: no ``FORMAT=PATH``, an unknown format, two reports in one file, a place that
            cannot be written to, or one of ``inputs``, which would be overwritten.
    """
    found: list[Target] = []
    taken = {Path(path).resolve(): f"{path} is an input" for path in inputs if path}
    for option in options or ():
        name, equals, path = option.partition("=")
        if not equals or not path:
            hint = "For example: --report json=scan.json"
            raise UsageError(f"--report {option}: FORMAT=PATH was expected", hint=hint)
        target = Target(render.require(name), Path(path))
        if target.path.resolve() in taken:
            reason = taken[target.path.resolve()]
            raise UsageError(f"--report {option}: {reason}", hint="Choose another file name.")
        taken[target.path.resolve()] = "another report goes there"
        _check_writable(target.path, option)
        found.append(target)
    return found


def print_report(name: str, report: Report) -> None:
    """Print the report in that format to stdout, fitted to the terminal if that is one."""
    write_out(render.render(name, report, display()))


def write_out(text: str) -> None:
    """Write text to stdout, as UTF-8 whatever the locale: it is ASCII where that can't be shown."""
    stream = getattr(sys.stdout, "buffer", None)
    if stream is None:
        sys.stdout.write(text)
    else:
        sys.stdout.flush()
        stream.write(text.encode())
    sys.stdout.flush()


def wrapped(text: str, start: str = "", *, most: int = 100) -> str:
    """Return paragraphs wrapped to what stdout can show, the first line after ``start``."""
    shown = display()
    width = max(min(shown.width, most), len(start) + 20)
    paragraphs = (" ".join(part.split()) for part in text.split("\n\n"))
    return "\n\n".join(
        fill(
            render.clean(("" if index else start) + part, unicode=shown.unicode),
            width,
            subsequent_indent=" " * len(start),
        )
        for index, part in enumerate(paragraphs)
    )


def display() -> render.Display:
    """Return what stdout can show, by NO_COLOR, FORCE_COLOR, TERM, COLUMNS and its encoding."""
    console = Console()
    colored = console.color_system is not None and not console.no_color
    return render.Display(
        width=console.width,
        color=colored and not console.legacy_windows,
        unicode=console.encoding.lower().replace("-", "").startswith("utf"),
    )


def _check_writable(path: Path, option: str) -> None:
    problem = ""
    try:
        if path.is_dir():
            problem = f"{path} is a folder"
        elif path.exists() and not os.access(path, os.W_OK):
            problem = f"{path} may not be written to"
        elif not path.exists() or path.is_file():
            Path(_temporary(path.resolve().parent)).unlink()
    except OSError as error:
        problem = f"cannot write in {path.parent}: {error.strerror or error}"
    if problem:
        hint = "Give the path of a file in a folder that exists and can be written to."
        raise UsageError(f"--report {option}: {problem}", hint=hint)


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
