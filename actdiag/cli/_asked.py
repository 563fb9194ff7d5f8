"""The options that commands share with scan, and what they ask of the pipeline."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from actdiag.cli._options import json_object, words
from actdiag.cli.scan import scan

if TYPE_CHECKING:
    from collections.abc import Collection

_ARGUMENTS = ("model", "data")
_ONLY_SCAN = ("mergeable", "patience", "shard")  # one scan in parts, of which others know nothing


def shared_with_scan(own: inspect.Signature, left_out: Collection[str] = ()) -> inspect.Signature:
    """A command's own parameters and, in place of ``**options``, those of scan's options."""
    named = [p for p in own.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    scans = inspect.signature(scan, eval_str=True).parameters.values()
    leave = {*_ARGUMENTS, *_ONLY_SCAN, *left_out}
    return inspect.Signature([*named, *(p for p in scans if p.name not in leave)])


def asked(options: dict[str, Any]) -> dict[str, Any]:
    """The pipeline's options, with what only a configuration file can say."""
    from actdiag import config as configuration

    settings = configuration.load(options.pop("config"))
    chosen = {
        "select": words(options.pop("select")),
        "ignore": (*words(options.pop("ignore")), *settings.exempt()),
        "steps": options.pop("steps").value,
        "data": options.pop("data_option"),
        "trust": (options.pop("trust"), tuple(options.pop("allow") or ())),
        "factory_args": json_object("--model-args", options.pop("factory_args")),
        "settings": settings.rules,
    }
    return {**options, **chosen}
