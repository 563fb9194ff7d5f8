"""Report formats: one module each, holding a pure ``render(report, *more) -> str``.

A new format is a new file; modules whose names start with an underscore are shared parts.
Nothing here imports torch.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from actdiag.errors import UsageError, did_you_mean
from actdiag.render._words import clean, defused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actdiag.comparison import Comparison
    from actdiag.records import Inspection, Report, Trial

__all__ = [
    "COMPARISON_FORMATS",
    "FOLDER_FORMATS",
    "Display",
    "clean",
    "defused",
    "files",
    "names",
    "render",
    "render_all",
    "render_comparison",
    "render_inspection",
    "render_trial",
    "require",
    "require_comparison",
    "require_inspection",
    "require_trial",
]

INSPECTION_FORMATS = ("json", "text")
TRIAL_FORMATS = ("json", "text")
COMPARISON_FORMATS = ("html", "json", "markdown", "text")
FOLDER_FORMATS = ("png",)  # several files each, so never printed


@dataclass(frozen=True, slots=True)
class Display:
    """What the place where the report is shown can do. ``width`` is in character cells."""

    width: int = 80
    color: bool = False
    unicode: bool = True


def names() -> tuple[str, ...]:
    """Return the names of the formats, sorted; finds them without importing them."""
    return tuple(
        sorted(
            module.name
            for module in pkgutil.iter_modules(__path__)
            if not module.name.startswith("_")
        )
    )


def require(name: str) -> str:
    """Return ``name`` when it is a format.

    Raises:
        UsageError: there is no such format; the hint names the nearest.
    """
    if name not in names():
        raise UsageError(f"there is no report format '{name}'", hint=did_you_mean(name, names()))
    return name


def files(name: str, report: Report) -> dict[str, bytes]:
    """Return the files of a report in a format that takes a folder, by their names in it."""
    module: Any = importlib.import_module(f"{__name__}._{name}")
    return dict(module.files(report))


def render(name: str, report: Report, display: Display | None = None) -> str:
    """Return the report in the format of that name.

    A format made to be looked at in a terminal is fitted to ``display`` (without one: 80 columns,
    no colour); the others come out the same everywhere.

    Raises:
        UsageError: there is no such format.
    """
    return render_all(name, (report,), display)


def render_all(name: str, reports: Sequence[Report], display: Display | None = None) -> str:
    """Return one or more reports as one document in the format of that name.

    Raises:
        UsageError: there is no such format.
    """
    module: Any = importlib.import_module(f"{__name__}.{require(name)}")
    if not getattr(module, "FITS_DISPLAY", False):
        return str(module.render(*reports))
    fitted = asdict(display or Display())
    return "\n".join(module.render(report, **fitted) for report in reports)


def require_inspection(name: str) -> str:
    """Return ``name`` when an inspection can be told in that format.

    Raises:
        UsageError: it cannot.
    """
    if name not in INSPECTION_FORMATS:
        message = f"there is no format '{name}' of an inspection"
        raise UsageError(message, hint=did_you_mean(name, INSPECTION_FORMATS))
    return name


def render_inspection(name: str, found: Inspection, display: Display | None = None) -> str:
    """Return what a model file is, as ``text`` fitted to ``display`` or as ``json``.

    Raises:
        UsageError: there is no such format.
    """
    module: Any = importlib.import_module(f"{__name__}._inspection")
    return str(module.render(require_inspection(name), found, display or Display()))


def require_comparison(name: str) -> str:
    """Return ``name`` when a comparison can be told in that format.

    Raises:
        UsageError: it cannot.
    """
    if name not in COMPARISON_FORMATS:
        message = f"there is no format '{name}' of a comparison"
        raise UsageError(message, hint=did_you_mean(name, COMPARISON_FORMATS))
    return name


def render_comparison(name: str, found: Comparison, display: Display | None = None) -> str:
    """Return what changed, as ``text`` fitted to ``display`` or in another of its formats.

    Raises:
        UsageError: there is no such format.
    """
    module: Any = importlib.import_module(f"{__name__}._comparison")
    return str(module.render(require_comparison(name), found, display or Display()))


def require_trial(name: str) -> str:
    """Return ``name`` when a trial of remedies can be told in that format.

    Raises:
        UsageError: it cannot.
    """
    if name not in TRIAL_FORMATS:
        message = f"there is no format '{name}' of a trial"
        raise UsageError(message, hint=did_you_mean(name, TRIAL_FORMATS))
    return name


def render_trial(name: str, trial: Trial, display: Display | None = None) -> str:
    """Return what came of trying remedies, as ``text`` fitted to ``display`` or as ``json``.

    Raises:
        UsageError: there is no such format.
    """
    module: Any = importlib.import_module(f"{__name__}._trial")
    return str(module.render(require_trial(name), trial, display or Display()))
