"""``file.py:name`` and ``pkg.mod:name``: an object from code that the user names."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actdiag.errors import DataError
from actdiag.feed.isolation import isolated
from actdiag.feed.names import listed, nearest, printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

_FORM = re.compile(r"(?P<module>.+\.py|[A-Za-z_][\w.]*):(?P<name>[A-Za-z_][\w.]*)")


def is_python_name(text: str) -> bool:
    """Whether ``text`` has the form of a name in a file or module."""
    return _FORM.fullmatch(text) is not None


def load_name(text: str, option: str, seed: int = 0) -> Any:
    """The object that ``text`` names. Importing runs the code of the file: the user asked for it.

    Raises:
        DataError: no such file, module or name, or the code raised. ``option`` says which option
            the text came from.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise DataError(f"{option} {printable(text)} is not of the form file.py:name")
    source, name = match["module"], match["name"]
    try:
        found: Any = isolated(seed, lambda: _module(source, option))
    except DataError:
        raise
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise DataError(
            f"{option}: importing {printable(source)} failed: "
            f"{type(error).__name__}: {printable(error)}",
            hint="It must be importable on its own; --debug shows the traceback.",
        ) from error
    for part in name.split("."):
        if not hasattr(found, part):
            public = [known for known in vars(found) if not known.startswith("_")]
            raise DataError(
                f"{option}: there is no {printable(name)} in {printable(source)}",
                hint=f"{nearest(part, public)}It holds {listed(public)}.",
            )
        found = getattr(found, part)
    return found


def _module(source: str, option: str) -> ModuleType:
    if not source.endswith(".py"):
        with _importable(Path.cwd()):
            return importlib.import_module(source)
    path = Path(source)
    if not path.is_file():
        folder = path.parent
        files = [other.name for other in folder.glob("*.py")] if folder.is_dir() else []
        raise DataError(
            f"{option}: there is no file {printable(source)}",
            hint=f"{nearest(path.name, files)}Check the path.",
        )
    # A name of its own, so that a file called data.py doesn't hide or replace a module "data".
    name = f"actdiag_data_{path.stem}_{abs(hash(path.resolve()))}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise DataError(f"{option}: {printable(source)} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickling of workers look it up
    try:
        with _importable(path.resolve().parent):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let modules beside the code be imported, as ``python file.py`` would."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(folder))
