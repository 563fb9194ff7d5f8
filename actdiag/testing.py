"""``assert_healthy``: a model's health as a test, in pytest or anywhere else.

Nothing heavy is imported before it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from torch import nn

    from actdiag.records import Report

# Told of every report there is, healthy or not: the pytest plugin collects them here.
listeners: list[Callable[[Report], None]] = []


def assert_healthy(
    model: nn.Module | str | Path,
    data: object = None,
    *,
    ignore: str | Iterable[str] = (),
    fail_on: str = "error",
    labels: object = None,
    config: Path | None = None,
    **options: Any,
) -> Report:
    """Scan a model on data and fail with what is wrong, one line for each finding.

    Args:
        model: a live module, or the path of a model file.
        data: as for :func:`actdiag.scan`; random input without it.
        ignore: codes, beginnings of codes or names of rules that may find what they find; in
            addition to those of the configuration.
        fail_on: the least severity that fails: ``error``, ``warning`` or ``info``.
        labels: as for :func:`actdiag.scan`.
        config: the configuration that says which rules run, with which thresholds and exemptions;
            by default the nearest at or above the current folder.
        options: further arguments of :func:`actdiag.scan`.

    Returns:
        The report, whose findings are milder than ``fail_on``.

    Raises:
        AssertionError: something was found, or nothing could be measured; the message is the
            report in the format ``concise``.
        ActdiagError: the model or the data can't be used, or an argument can't be meant.
    """
    __tracebackhide__ = True
    from actdiag import pipeline
    from actdiag.config import load
    from actdiag.diagnosis import gate

    severity, settings = _severity(fail_on), load(config)
    words = (ignore,) if isinstance(ignore, str) else tuple(ignore)
    asked = {"select": settings.select, "settings": settings.rules, "labels": labels, **options}
    report = pipeline.scan(model, data, ignore=(*words, *settings.ignored()), **asked)
    for listener in listeners:
        listener(report)
    if gate.exit_code(report, fail_on=severity, strict_skips=False):
        from actdiag.render import concise

        raise AssertionError(concise.render(report).rstrip())
    return report


def _severity(word: str) -> Any:
    from actdiag.errors import UsageError, did_you_mean
    from actdiag.records import Severity

    known = [each.value for each in Severity]
    if word not in known:
        raise UsageError(f"fail_on={word!r} is no severity", hint=did_you_mean(word, known))
    return Severity(word)
