"""Which rules run, and with which thresholds: what a person asked for, checked word by word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from actdiag.errors import UsageError, did_you_mean
from actdiag.rules.base import Limits, Rule

Settings = Mapping[str, Limits]


def chosen(rules: Mapping[str, Rule], select: Iterable[str], ignore: Iterable[str]) -> list[Rule]:
    """Rules that are selected (all, if ``select`` is empty) and not ignored.

    A word is a code, the beginning of codes such as ``ACT`` or ``ACT1``, or a rule's name.

    Raises:
        UsageError: a word that means no rule.
    """
    wanted = _codes(rules, select) or set(rules)
    unwanted = _codes(rules, ignore)
    return [rule for code, rule in rules.items() if code in wanted and code not in unwanted]


def _codes(rules: Mapping[str, Rule], words: Iterable[str]) -> set[str]:
    return {code for word in words for code in meant(rules, word)}


def meant(rules: Mapping[str, Rule], word: str) -> list[str]:
    """Codes of the rules that a word stands for.

    Raises:
        UsageError: it stands for none; the hint names the nearest.
    """
    prefix = word.strip().upper()
    codes = [
        code
        for code, rule in rules.items()
        if rule.name == word.strip().lower() or (prefix and code.startswith(prefix))
    ]
    if not codes:
        known = [*rules, *(rule.name for rule in rules.values())]
        near = get_close_matches(word.upper() if word.isalnum() else word.lower(), known, n=1)
        hint = f"Did you mean {near[0]}?" if near else "actdiag rules lists them."
        raise UsageError(f"no rule is called {word!r}", hint=hint)
    return codes


def check_settings(rules: Mapping[str, Rule], settings: Settings) -> None:
    """Refuse thresholds of unknown rules and unknown thresholds.

    Raises:
        UsageError: naming the word and the nearest one that exists.
    """
    for code, changed in settings.items():
        if code not in rules:
            hint = did_you_mean(code, list(rules))
            raise UsageError(
                f"thresholds are set for {code!r}, and no rule has that code", hint=hint
            )
        names = [threshold.name for threshold in rules[code].thresholds]
        for name in changed:
            if name not in names:
                raise UsageError(
                    f"{code} has no threshold {name!r}", hint=did_you_mean(name, names)
                )
