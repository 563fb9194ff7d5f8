"""Building a module with the user's own factory: a function, a class, or a module that is ready."""

from __future__ import annotations

import contextlib
import inspect
import random
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from actdiag.errors import ModelFileError, UsageError
from actdiag.load import usercode
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import ModuleType

SEED = 0


@dataclass(frozen=True)
class Factory:
    """A factory while its module is imported.

    Attributes:
        code: where it was named.
        home: the module it lives in.
        target: the function, class or ready-made module.
    """

    code: usercode.UserCode
    home: ModuleType
    target: Callable[..., Any] | nn.Module

    @property
    def source_files(self) -> tuple[str, ...]:
        """The file of the user's code, if it was given as a file."""
        return (str(self.code.file),) if self.code.file else ()

    def accepts(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Those of ``arguments`` that the factory has a parameter for."""
        parameters = _parameters(self.target)
        if any(entry.kind is entry.VAR_KEYWORD for entry in parameters.values()):
            return dict(arguments)
        return {name: value for name, value in arguments.items() if name in parameters}

    def build(self, arguments: Mapping[str, Any]) -> nn.Module:
        """Call the factory with these keyword arguments; random numbers start from a fixed seed.

        Raises:
            ModelFileError: it raises, or gives something else than a module.
            UsageError: the arguments don't fit its signature.
        """
        if isinstance(self.target, nn.Module):
            if arguments:
                message = f"{self.code} is a ready-made module, so --model-args has no place to go."
                raise UsageError(message, hint="Name the class or a function that builds it.")
            return self.target
        self._check(arguments)
        try:
            with fixed_randomness():
                built = self.target(**arguments)
        except (Exception, SystemExit) as error:
            message = f"{self.code} failed while it built the model: {usercode.blame(error)}."
            hint = "Call it in Python to see the whole traceback, or give other --model-args."
            raise ModelFileError(message, hint=hint) from error
        if not isinstance(built, nn.Module):
            kind = printable(type(built).__name__)
            hint = "A factory is a class or function that returns a torch.nn.Module."
            raise ModelFileError(f"{self.code} gave a {kind}, not a module.", hint=hint)
        return built

    def _check(self, arguments: Mapping[str, Any]) -> None:
        parameters = _parameters(self.target)
        needed = [
            name
            for name, entry in parameters.items()
            if entry.default is entry.empty
            and entry.kind not in (entry.VAR_POSITIONAL, entry.VAR_KEYWORD)
            and name not in arguments
        ]
        if needed:
            example = ", ".join(f'"{name}": ...' for name in needed)
            message = f"{self.code} needs {_words(needed)}, which --model-args doesn't give."
            raise UsageError(message, hint=f"Add --model-args '{{{example}}}'.")
        for name in set(arguments) - set(self.accepts(arguments)):
            near = get_close_matches(name, list(parameters), n=1)
            known = _words(list(parameters)) if parameters else "no arguments"
            hint = f"Did you mean {near[0]}?" if near else f"It takes {known}."
            raise UsageError(f"{self.code} has no parameter {printable(name)}.", hint=hint)


@contextlib.contextmanager
def open_factory(text: str) -> Iterator[Factory]:
    """Import the factory that ``FILE.py:NAME`` or ``PKG.MOD:NAME`` names, for as long as needed.

    Raises:
        UsageError: the text has another form.
        ModelFileError: there is no such file, module or name, or importing it fails, or what is
            named can't be called.
    """
    code = usercode.parse(text)
    if code is None:
        message = f"{printable(text)} doesn't name a factory."
        raise UsageError(message, hint="Write FILE.py:NAME or PACKAGE.MODULE:NAME.")
    with fixed_randomness(), usercode.imported(code) as home:
        target = usercode.look_up(home, code)
        if not callable(target):
            kind = printable(type(target).__name__)
            hint = "A factory is a class or function that returns a torch.nn.Module."
            raise ModelFileError(f"{code} is a {kind}, not a factory.", hint=hint)
        yield Factory(code, home, target)


@contextlib.contextmanager
def fixed_randomness() -> Iterator[None]:
    """Seed torch and Python for the block, and put both generators back afterwards."""
    state = random.getstate()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            random.seed(SEED)
            yield
    finally:
        random.setstate(state)


def _parameters(target: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(target).parameters)
    except (TypeError, ValueError):  # no readable signature: anything goes
        anything = inspect.Parameter("arguments", inspect.Parameter.VAR_KEYWORD)
        return {"arguments": anything}


def _words(names: list[str]) -> str:
    return ", ".join(printable(name) for name in names)
