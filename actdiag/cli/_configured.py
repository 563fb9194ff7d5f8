"""Commands whose options a configuration file can set: the command line wins, then the file."""

from __future__ import annotations

import functools
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand

from actdiag import config as configuration
from actdiag.cli._failing import told_once
from actdiag.cli._options import Config, ShowConfig
from actdiag.cli._settings import Setting, settings_of
from actdiag.cli._shown import COMMAND_LINE, show
from actdiag.cli._table import values_of, without_rivals
from actdiag.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


def configured(command: Callable[..., None]) -> Callable[..., None]:
    """The command with ``--config`` and ``--show-config`` among its options."""
    own = inspect.signature(command, eval_str=True)
    takes_config = "config" in own.parameters

    @functools.wraps(command)
    def with_config(*, config: Any = None, show_config: bool, **options: Any) -> None:  # noqa: ARG001 - acted on in parse_args
        command(**options, **({"config": config} if takes_config else {}))

    kind = inspect.Parameter.KEYWORD_ONLY
    added = [inspect.Parameter("show_config", kind, default=False, annotation=ShowConfig)]
    if not takes_config:
        added.insert(0, inspect.Parameter("config", kind, default=None, annotation=Config))
    vars(with_config)["__signature__"] = own.replace(parameters=[*own.parameters.values(), *added])
    return with_config


_MAY_BE_EMPTY = ("select", "ignore")  # lists, of no rule then


class ConfiguredCommand(TyperCommand):
    """A command that takes what its options were not given from the configuration."""

    def make_parser(self, ctx: Any) -> Any:
        """Understand ``--no-FLAG`` too, which takes back a flag that a file sets."""
        parser = super().make_parser(ctx)
        for one in self.params:
            if getattr(one, "is_flag", False) and not getattr(one, "secondary_opts", ()):
                opposite = [f"--no-{name.removeprefix('--')}" for name in one.opts]
                parser.add_option(one, opposite, one.name, action="store_const", const=False)  # type: ignore[arg-type]  # click's own options
        return parser

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line over the configuration; or show both, and leave."""
        if ctx.resilient_parsing or {"-h", "--help"} & set(args):
            return super().parse_args(ctx, args)
        read, _, _ = self.make_parser(ctx).parse_args(args=list(args))
        said = {key: value for key, value in read.items() if _was_said(value)}
        name, commands = str(self.name), _settings_of_all(ctx.parent)
        with told_once(debug=bool(said.get("debug"))):
            self._refuse_empty(said)
            found = configuration.find(_path(said.get("config")))
            values = values_of(name, found, commands)
        by_parameter = {commands[name][key].parameter: value for key, value in values.items()}
        chosen = without_rivals(by_parameter, said)
        origins = dict.fromkeys(chosen, str(found.file)) | dict.fromkeys(said, COMMAND_LINE)
        # Not every version of typer asks the map for arguments. A file's word is never an option.
        models = [] if "wanted" in said else chosen.pop("wanted", [])
        words = [f"./{one}" if one.startswith("-") else one for one in models]
        ctx.default_map = chosen
        if not said.get("show_config"):
            return super().parse_args(ctx, [*args, *words])
        for one in self.params:
            one.required = False
        super().parse_args(ctx, [*args, *words])
        with told_once(debug=bool(said.get("debug"))):
            show(ctx, name, commands[name], found, origins)
        raise typer.Exit

    def _refuse_empty(self, said: dict[str, Any]) -> None:
        """An empty path would mean the working directory, and is an unset variable as a rule."""
        for one in self.params:
            value = said.get(str(one.name))
            words = [value] if isinstance(value, str) else value
            if one.name not in _MAY_BE_EMPTY and isinstance(words, list | tuple) and "" in words:
                told = one.opts[-1] if one.param_type_name == "option" else str(one.metavar)
                hint = "Is the variable that it comes from set? Leave it out or give a value."
                raise UsageError(f"{told.removesuffix('...')} is empty", hint=hint)


def _was_said(value: object) -> bool:
    """Whether the parser read it off the command line; versions differ in what else it gives."""
    return isinstance(value, bool | str) or (isinstance(value, list | tuple) and bool(value))


def _settings_of_all(group: Any) -> dict[str, dict[str, Setting]]:
    return {
        name: settings_of(command.callback)
        for name, command in group.command.commands.items()
        if isinstance(command, ConfiguredCommand) and command.callback is not None
    }


def _path(text: object) -> Path | None:
    return Path(text) if isinstance(text, str) else None
