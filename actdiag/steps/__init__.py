"""The documented debug steps, one file each, carried out on a copy of the model.

Importing this package imports no torch: a step does so when it is carried out.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from actdiag.steps.base import Case, Step, needs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actdiag.records import StepOutcome

_NOT_STEPS = {"base", "bench", "depth", "updates"}


@cache
def registry() -> dict[str, Step]:
    """Every step by its id."""
    names = (item.name for item in pkgutil.iter_modules(__path__) if item.name not in _NOT_STEPS)
    steps = (importlib.import_module(f"{__name__}.{name}").STEP for name in names)
    return {step.id: step for step in steps}


def carry_out(ids: Iterable[str], case: Case, *, budget: str = "cheap") -> dict[str, StepOutcome]:
    """Carry out the named steps; one that fails is reported as such and the others go on.

    With the budget ``none``, no step is carried out and each says so.
    """
    outcomes = {}
    for step_id in dict.fromkeys(ids):
        step = registry()[step_id]
        if budget == "none":
            result = needs("Not carried out: --steps none. Leave it out to have it done.")
        elif step.works_on_copy and case.bench is None:
            result = needs("Not carried out: it needs the model itself, not only a saved scan.")
        else:
            result = _guarded(step, case)
        outcomes[step_id] = step.outcome(result)
    return outcomes


def _guarded(step: Step, case: Case):  # type: ignore[no-untyped-def]  # noqa: ANN202
    try:
        return step.carry_out(case)
    except Exception as error:  # noqa: BLE001 - a copy of somebody's model may raise anything
        return needs(f"Could not be carried out: {type(error).__name__}: {error}"[:300])
