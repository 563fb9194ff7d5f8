"""Settings from ``[tool.actdiag]`` in pyproject.toml or from actdiag.toml, checked key by key."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from actdiag.errors import UsageError, did_you_mean
from actdiag.records import Ignored

if TYPE_CHECKING:
    from collections.abc import Sequence

OWN_FILE = "actdiag.toml"
PROJECT_FILE = "pyproject.toml"

_Count = Annotated[int, Field(ge=1)]
_Words = Annotated[str, Field(pattern=r"\S")]


class Exemption(BaseModel):
    """``[[tool.actdiag.ignore]]``: what a rule finds in modules of these names is left out."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    rule: _Words
    modules: _Words = "*"
    reason: _Words


_WORD, _TABLE = "word", "table"
_Ignored = Annotated[
    Annotated[str, Tag(_WORD)] | Annotated[Exemption, Tag(_TABLE)],
    Discriminator(lambda entry: _WORD if isinstance(entry, str) else _TABLE),
]


class Settings(BaseModel):
    """What a configuration file can set; the command line wins.

    ``select`` and ``ignore`` hold codes, beginnings of codes or names of rules; ``rules`` the
    thresholds that replace a rule's defaults, by code and name. A table in ``ignore`` leaves out
    what a rule finds in some modules, and says why.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    select: list[str] = []
    ignore: list[_Ignored] = []
    batch_size: _Count | None = None
    max_samples: _Count | None = None
    steps: Literal["none", "cheap"] = "cheap"
    seed: Annotated[int, Field(ge=0)] = 0
    rules: dict[str, dict[str, float]] = {}

    def ignored(self, said: Sequence[str] = ()) -> tuple[str | Ignored, ...]:
        """Rules not to run, ``said`` on the command line or else set; and findings to leave out."""
        words = [entry for entry in self.ignore if isinstance(entry, str)]
        tables = [entry for entry in self.ignore if isinstance(entry, Exemption)]
        exempt = (Ignored(entry.rule, entry.modules, entry.reason) for entry in tables)
        return (*(said or words), *exempt)


def load(file: Path | None = None, *, start: Path | None = None) -> Settings:
    """Read ``file``, or the nearest configuration at or above ``start`` (the current folder).

    In one folder actdiag.toml wins over pyproject.toml; a pyproject.toml without
    ``[tool.actdiag]`` is passed over. Without any file all settings have their defaults.

    Raises:
        UsageError: a file that cannot be read, an unknown key, or a value that cannot be meant.
    """
    if file is not None:
        return _settings(file, _table(file) or {})
    here = (start or Path.cwd()).absolute()
    for folder in (here, *here.parents):
        for name in (OWN_FILE, PROJECT_FILE):
            found = folder / name
            table = _table(found) if found.is_file() else None
            if table is not None:
                return _settings(found, table)
    return Settings()


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


def _settings(file: Path, table: dict[str, Any]) -> Settings:
    try:
        return Settings.model_validate(table)
    except ValidationError as error:
        problem = error.errors()[0]
    parts = [part for part in problem["loc"] if part not in (_WORD, _TABLE)]
    key = ".".join(str(part) for part in parts)
    if problem["type"] == "extra_forbidden":
        fields = Settings.model_fields if len(parts) == 1 else Exemption.model_fields
        hint = did_you_mean(str(parts[-1]), fields)
        raise UsageError(f"{file}: unknown setting '{key}'", hint=hint)
    if _TABLE in problem["loc"] and parts[-1] in Exemption.model_fields:
        hint = 'For example: rule = "ACT101", modules = "head.*", reason = "pruned on purpose"'
        raise UsageError(f"{file}: {key} is missing or empty", hint=hint)
    raise UsageError(f"{file}: {key} = {problem['input']!r}: {problem['msg']}")
