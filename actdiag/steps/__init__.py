"""The documented debug steps, one file each, carried out on a copy of the model.

Importing this package imports no torch: a step does so when it is carried out.
"""

from __future__ import annotations

import importlib
import pkgutil
import time
from functools import cache
from typing import TYPE_CHECKING

from actdiag.records import Outcome
from actdiag.steps.base import Case, Result, Step, needs
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actdiag.records import StepOutcome

_NOT_STEPS = {"base", "bench", "depth", "initialising", "updates"}


@cache
def registry() -> dict[str, Step]:
    """Every step by its id."""
    names = (item.name for item in pkgutil.iter_modules(__path__) if item.name not in _NOT_STEPS)
    steps = (importlib.import_module(f"{__name__}.{name}").STEP for name in names)
    return {step.id: step for step in steps}


def carry_out(
    ids: Iterable[str],
    case: Case,
    *,
    budget: str = "cheap",
    seconds: dict[str, float] | None = None,
) -> dict[str, StepOutcome]:
    """Carry out the named steps; one that fails is reported as such and the others go on.

    With the budget ``none``, no step is carried out and each says so. ``seconds`` is told what each
    step took that had something to do, by its id.
    """
    outcomes = {}
    for step_id in dict.fromkeys(ids):
        step = registry()[step_id]
        begun = time.perf_counter()
        result, tried = _result(step, case, budget)
        if tried and seconds is not None:
            seconds[step_id] = time.perf_counter() - begun
        outcomes[step_id] = step.outcome(result)
    return outcomes


def _result(step: Step, case: Case, budget: str) -> tuple[Result, bool]:
    """What came out of a step, and whether it had anything to do."""
    if budget == "none":
        return needs("Not carried out: --steps none. Leave it out to have it done."), False
    if step.works_on_copy and case.bench is None:
        return needs("Not carried out: it needs the model itself, not only a saved scan."), False
    try:
        result = step.carry_out(case)
    except Exception as error:  # noqa: BLE001 - a copy of somebody's model may raise anything
        said = printable(f"{type(error).__name__}: {error}", 300)
        return needs(f"Could not be carried out: {said}"), True
    return result, result.outcome not in (Outcome.NEEDS_INPUT, Outcome.NOT_APPLICABLE)
