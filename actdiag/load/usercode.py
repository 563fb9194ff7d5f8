"""Importing the user's own Python code, named on the command line as FILE.py:NAME or PKG.MOD:NAME.

Naming code there is permission to run it. Nothing in this file is ever called with a name that
came out of a model file.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import re
import sys
import sysconfig
import traceback
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actdiag.errors import ModelFileError
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True)
class UserCode:
    """``where:name``: a file ending in ``.py`` or an importable module, and a name in it."""

    where: str
    name: str

    @property
    def file(self) -> Path | None:
        """The Python file, or null when ``where`` is an importable module."""
        return Path(self.where) if self.where.endswith(".py") else None

    def __str__(self) -> str:
        return printable(f"{self.where}:{self.name}")


def parse(text: str) -> UserCode | None:
    """Read ``file.py:name`` or ``pkg.mod:name``; null when the text has another form."""
    where, colon, name = text.rpartition(":")
    if not colon or not NAME.fullmatch(name):
        return None
    return UserCode(where, name) if where.endswith(".py") or NAME.fullmatch(where) else None


@contextlib.contextmanager
def imported(code: UserCode) -> Iterator[ModuleType]:
    """The module that ``code`` names, importable siblings included, while the block runs.

    ``sys.path`` is put back afterwards, and the modules that came from the file's folder leave
    ``sys.modules``, so that two model files beside different ``utils.py`` don't meet. What the
    code prints goes to stderr: stdout belongs to the report.

    Raises:
        ModelFileError: no such file or module, or it fails while being imported.
    """
    folder = str((code.file.parent if code.file else Path()).resolve())
    before, path = set(sys.modules), list(sys.path)
    sys.path.insert(0, folder)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield _import_file(code, code.file) if code.file else _import_module(code)
    finally:
        sys.path[:] = path
        if code.file:
            for name in set(sys.modules) - before:
                if _lies_in(sys.modules[name], folder):
                    del sys.modules[name]


@contextlib.contextmanager
def importable_from_here() -> Iterator[None]:
    """Python code in the working directory can be imported by name while the block runs."""
    path = list(sys.path)
    sys.path.insert(0, str(Path.cwd()))
    try:
        yield
    finally:
        sys.path[:] = path


def look_up(module: ModuleType, code: UserCode) -> Any:
    """The object that ``code`` names in its module.

    Raises:
        ModelFileError: there is none of that name.
    """
    found: Any = module
    for part in code.name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            own = [name for name in vars(module) if not name.startswith("_")]
            near = get_close_matches(code.name, own, n=3)
            here = [
                name
                for name in own
                if getattr(vars(module)[name], "__module__", "") == module.__name__
            ]
            hint = (
                f"Did you mean {' or '.join(printable(name) for name in near)}?"
                if near
                else f"It defines {', '.join(printable(name) for name in here[:8]) or 'nothing'}."
            )
            message = f"{printable(code.where)} has no {printable(code.name)}."
            raise ModelFileError(message, hint=hint) from None
    return found


def blame(error: BaseException, folder: str | None = None) -> str:
    """``Type: what it says``, with the last line of the user's own code that was running."""
    said = printable(error)
    text = type(error).__name__ + (f": {said}" if said else "")
    if isinstance(error, SyntaxError) and error.filename:
        return f"{text} ({printable(error.filename)}:{error.lineno})"
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if (folder is None or frame.filename.startswith(folder)) and _is_users(frame.filename)
    ]
    if not own:
        return text
    line = f": {printable(own[-1].line)}" if own[-1].line else ""
    return f"{text} (at {printable(own[-1].filename)}:{own[-1].lineno}{line})"


def _is_users(filename: str) -> bool:
    ours = str(Path(__file__).parent.parent)
    if filename.startswith((ours, "<")):
        return False
    if "site-packages" in filename or "dist-packages" in filename:
        return False
    return not filename.startswith(sysconfig.get_path("stdlib"))


def _import_file(code: UserCode, file: Path) -> ModuleType:
    if not file.is_file():
        near = get_close_matches(file.name, _python_files(file.parent), n=1)
        hint = f"Did you mean {printable(file.parent / near[0])}:{code.name}?" if near else ""
        raise ModelFileError(f"There is no file {printable(file)} (given as {code}).", hint=hint)
    name = file.stem if file.stem.isidentifier() and not _is_taken(file.stem) else f"_{file.stem}_"
    spec = importlib.util.spec_from_file_location(name, file.resolve())
    if spec is None or spec.loader is None:
        raise ModelFileError(f"{printable(file)} cannot be imported as Python code.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        message = f"{printable(file)} failed while it was imported: {blame(error)}."
        hint = "Put what trains or evaluates under `if __name__ == '__main__':`."
        raise ModelFileError(message, hint=hint) from error
    return module


def _import_module(code: UserCode) -> ModuleType:
    try:
        return importlib.import_module(code.where)
    except ModuleNotFoundError as error:
        if error.name and (code.where == error.name or code.where.startswith(error.name + ".")):
            message = f"There is no module {printable(error.name)} (given as {code})."
            hint = "Install it in this environment, or give the file as PATH/FILE.py:NAME."
            raise ModelFileError(message, hint=hint) from None
        raise _import_failed(code, error) from error
    except (Exception, SystemExit) as error:
        raise _import_failed(code, error) from error


def _import_failed(code: UserCode, error: BaseException) -> ModelFileError:
    message = f"{printable(code.where)} failed while it was imported: {blame(error)}."
    return ModelFileError(message, hint="Import it in Python to see the whole traceback.")


def _is_taken(name: str) -> bool:
    return name in sys.modules or name in sys.stdlib_module_names or name == "actdiag"


def _lies_in(module: ModuleType, folder: str) -> bool:
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or "site-packages" in file:
        return False
    return Path(file).resolve().is_relative_to(folder)


def _python_files(folder: Path) -> list[str]:
    try:
        return [item.name for item in folder.iterdir() if item.suffix == ".py"]
    except OSError:
        return []
