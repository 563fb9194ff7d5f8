"""Carrying out a load that :mod:`actdiag.load.trust` has decided on."""

from __future__ import annotations

import pickle
import warnings
from contextlib import contextmanager
from types import SimpleNamespace
from typing import IO, TYPE_CHECKING, Any

import torch
from torch import serialization

from actdiag.errors import ModelFileError
from actdiag.load.usercode import importable_from_here
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


def unpickle(
    source: str | IO[bytes],
    permitted: dict[str, Any] | None,
    *,
    mmap: bool = False,
    home: ModuleType | None = None,
) -> Any:
    """``torch.load`` onto the CPU, restricted to what is permitted.

    Args:
        source: path, or an open file.
        permitted: what :func:`actdiag.load.trust.permitted` decided.
        mmap: map the file into memory instead of reading it.
        home: the module of the user's factory, where classes of ``__main__`` are looked for.

    Returns:
        What the file holds; instances of module classes are shells unless everything is permitted.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's advice on pickles is ours to give
        if permitted is None:
            return _unpickle_freely(source, mmap=mmap, home=home)
        with _only(permitted), _sparse_checked():
            return torch.load(source, map_location="cpu", weights_only=True, mmap=mmap)


def _unpickle_freely(source: str | IO[bytes], *, mmap: bool, home: ModuleType | None) -> Any:
    loader = _pickle_with(home) if home else pickle
    try:
        with importable_from_here():
            return torch.load(
                source, map_location="cpu", weights_only=False, mmap=mmap, pickle_module=loader
            )
    except (AttributeError, ImportError) as error:
        if not str(error).startswith(("Can't get attribute", "No module named")):
            raise
        message = f"The file names code that can't be imported here: {printable(error)}."
        hint = "Install its package, or name the script that defines it: --model FILE.py:CLASS."
        raise ModelFileError(message, hint=hint) from error


@contextmanager
def _only(allowed: dict[str, Any]) -> Iterator[None]:
    """Let torch's unpickler know exactly these names, whatever this process allowed before."""
    before = serialization.get_safe_globals()
    serialization.clear_safe_globals()
    serialization.add_safe_globals([(value, name) for name, value in allowed.items()])
    try:
        yield
    finally:
        serialization.clear_safe_globals()
        serialization.add_safe_globals(before)


@contextmanager
def _sparse_checked() -> Iterator[None]:
    # Sparse tensors are rebuilt without a look at their indices unless this is on.
    switch: Any = torch.sparse.check_sparse_tensor_invariants
    before = switch.is_enabled()
    switch.enable()
    try:
        yield
    finally:
        if not before:
            switch.disable()


def _pickle_with(home: ModuleType) -> Any:
    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            try:
                return super().find_class(module, name)
            except (AttributeError, ImportError):
                if hasattr(home, name):
                    return getattr(home, name)
                raise

    def load(opened: IO[bytes], **options: Any) -> Any:
        return Unpickler(opened, **options).load()

    return SimpleNamespace(Unpickler=Unpickler, load=load, __name__="pickle")
