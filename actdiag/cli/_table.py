"""What a configuration file says to one command, checked whole before any of it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actdiag.cli._anchoring import anchored
from actdiag.cli._settings import Setting, model_of, shared, top_of
from actdiag.config import validated
from actdiag.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actdiag.config import Configuration

# Options that say the same in different ways: where the command line has one, no file has another.
_RIVALS = (("data", "data_option", "input_shape"), ("steps", "epochs"))


def values_of(
    command: str,
    found: Configuration,
    commands: Mapping[str, Mapping[str, Setting]],
) -> dict[str, Any]:
    """What the file sets of a command, by the setting's key.

    Args:
        command: the name of the command.
        found: the file.
        commands: the settings of every command by key, with which the whole file is checked.

    Raises:
        UsageError: names the file and the key that can't be meant, or may not stand there.
    """
    if found.table:
        _check(found, commands)
    own = commands[command]
    top = {key: found.table[key] for key in shared(command, own) if key in found.table}
    if "ignore" in top:
        top["ignore"] = [entry for entry in top["ignore"] if isinstance(entry, str)]
    chosen = {**top, **found.table.get(command, {})}
    return {key: anchored(key, chosen[key], found) for key in own if key in chosen}


def _check(found: Configuration, commands: Mapping[str, Mapping[str, Setting]]) -> None:
    for key, value in found.table.items():
        if key in commands and isinstance(value, dict):
            continue  # the command's own table
        owners = [name for name, own in commands.items() if key in own]
        if owners and not any(key in shared(name, commands[name]) for name in owners):
            where = " or ".join(f"[tool.actdiag.{name}]" for name in owners)
            message = f"{found.file}: '{key}' is set for one command, not for all"
            raise UsageError(message, hint=f"Put it under {where} ([{owners[0]}] in actdiag.toml).")
    validated(top_of(commands), found.table, found.file)
    for name in commands.keys() & found.table.keys():
        validated(model_of(name, commands[name]), found.table[name], found.file, name)


def without_rivals(values: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a file, by parameter, without those that the command line says differently."""
    beaten = {
        name
        for rivals in _RIVALS
        if any(isinstance(said.get(name), str) for name in rivals)
        for name in rivals
    }
    return {name: value for name, value in values.items() if name not in beaten}
