"""Where settings are kept: ``[tool.actdiag]`` in pyproject.toml, or actdiag.toml; how rules judge.

The options of the commands are checked in :mod:`actdiag.cli`, which knows them; here it is what
every way into the program shares: which rules run, which findings are exempt, which thresholds.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from actdiag.errors import UsageError, did_you_mean
from actdiag.records import Ignored

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

OWN_FILE = "actdiag.toml"
_HEADINGS = ("actdiag", "tool")  # right in pyproject.toml, and often copied from there
PROJECT_FILE = "pyproject.toml"

_Words = Annotated[str, Field(pattern=r"\S")]
_Model = TypeVar("_Model", bound=BaseModel)


class Exemption(BaseModel):
    """``[[tool.actdiag.ignore]]``: what a rule finds in modules of these names is left out."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    rule: _Words
    modules: _Words = "*"
    reason: _Words


_WORD, _TABLE = "word", "table"
IgnoredEntry = Annotated[
    Annotated[str, Tag(_WORD)] | Annotated[Exemption, Tag(_TABLE)],
    Discriminator(lambda entry: _WORD if isinstance(entry, str) else _TABLE),
]


class Settings(BaseModel):
    """How rules judge, by a configuration file; its other keys are the commands' business.

    ``select`` and ``ignore`` hold codes, beginnings of codes or names of rules; ``rules`` the
    thresholds that replace a rule's defaults, by code and name. A table in ``ignore`` leaves out
    what a rule finds in some modules, and says why.
    """

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    select: list[str] = []
    ignore: list[IgnoredEntry] = []
    rules: dict[str, dict[str, float]] = {}

    def over(
        self,
        select: Iterable[str] | None,
        ignore: Iterable[str | Ignored] | None,
        rules: Mapping[str, Mapping[str, Any]] | None,
    ) -> tuple[tuple[str, ...], tuple[str | Ignored, ...], dict[str, Mapping[str, Any]]]:
        """What arguments say, and where they say nothing, the file; exemptions of both."""
        words = tuple(ignore or ())
        ignored = (*words, *self.exempt()) if words else self.ignored()
        return tuple(select or self.select), ignored, {**self.rules, **(rules or {})}

    def ignored(self, said: Sequence[str] = ()) -> tuple[str | Ignored, ...]:
        """Rules not to run, ``said`` on the command line or else set; and findings to leave out."""
        words = [entry for entry in self.ignore if isinstance(entry, str)]
        return (*(said or words), *self.exempt())

    def exempt(self) -> tuple[Ignored, ...]:
        """The findings to leave out, whatever rules run."""
        tables = (entry for entry in self.ignore if isinstance(entry, Exemption))
        return tuple(Ignored(entry.rule, entry.modules, entry.reason) for entry in tables)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What one file holds, as it stands there; ``named`` if the user named that file."""

    file: Path | None = None
    named: bool = False
    table: dict[str, Any] = field(default_factory=dict)


def load(file: Path | None = None, *, start: Path | None = None) -> Settings:
    """How rules judge, by ``file`` or else the one that :func:`find` finds.

    Raises:
        UsageError: a file that cannot be read, or a value that cannot be meant.
    """
    found = find(file, start=start)
    return validated(Settings, found.table, found.file)


def find(file: Path | None = None, *, start: Path | None = None) -> Configuration:
    """Read ``file``, or the nearest configuration at or above ``start`` (the current folder).

    In one folder actdiag.toml wins over pyproject.toml; a pyproject.toml without
    ``[tool.actdiag]`` is passed over. Files are never merged.

    Raises:
        UsageError: a file that cannot be read.
    """
    if file is not None:
        return Configuration(file, named=True, table=_table(file) or {})
    here = (start or Path.cwd()).absolute()
    for folder in (here, *here.parents):
        for name in (OWN_FILE, PROJECT_FILE):
            found = folder / name
            table = _table(found) if found.is_file() else None
            if table is not None:
                return Configuration(found, table=table)
    return Configuration()


def validated(
    model: type[_Model], table: dict[str, Any], file: Path | None, section: str = ""
) -> _Model:
    """The table as a model; ``section`` is its name where it isn't the whole of the file.

    Raises:
        UsageError: names the file, the key and what is wrong with it.
    """
    try:
        return model.model_validate(table)
    except ValidationError as error:
        problem = error.errors()[0]
    parts = [part for part in problem["loc"] if part not in (_WORD, _TABLE)]
    key = ".".join(str(part) for part in ([section] if section else []) + parts)
    if problem["type"] == "extra_forbidden":
        known = _keys(model if len(parts) == 1 else Exemption)
        hint = did_you_mean(str(parts[-1]), known)
        if key in _HEADINGS:
            hint = f"In {OWN_FILE} the settings stand at the top: leave out [actdiag]."
        raise UsageError(f"{file}: unknown setting '{key}'", hint=hint)
    if _TABLE in problem["loc"] and parts[-1] in Exemption.model_fields:
        hint = 'For example: rule = "ACT101", modules = "head.*", reason = "pruned on purpose"'
        raise UsageError(f"{file}: {key} is missing or empty", hint=hint)
    raise UsageError(f"{file}: {key} = {problem['input']!r}: {problem['msg']}")


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _table(file: Path) -> dict[str, Any] | None:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        hint = "Give the path of an actdiag.toml or pyproject.toml."
        raise UsageError(
            f"cannot read the configuration {file}: {error.strerror}", hint=hint
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not valid TOML: {error}", hint="Correct that line.") from None
    if file.name != PROJECT_FILE:
        return document
    tool = document.get("tool")
    table = tool.get("actdiag") if isinstance(tool, dict) else None
    return table if isinstance(table, dict) else None
