"""The diagnoses of a report, however it came about: measured just now, loaded, merged, edited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag import diagnosis
from actdiag.steps import carry_out, registry
from actdiag.steps.base import Case

if TYPE_CHECKING:
    from actdiag.records import Diagnosis, Report


def diagnose(report: Report) -> tuple[Diagnosis, ...]:
    """What the report's symptoms are, a verdict on each documented cause, and each debug step.

    Debug steps that read the numbers are carried out on those of the report, also where it was
    made with ``steps="none"``. Those that work on a copy of the model keep the outcome that the
    report holds; where it holds none, they say so.

    Returns:
        Nothing where the findings show none of the symptoms that ``actdiag explain`` lists.
    """
    case = Case(report.scan, report.findings)
    held = {step.id: step for one in report.diagnoses for step in one.steps}
    wanted = diagnosis.steps_called_for(report.scan, report.findings)
    kept = {name: held[name] for name in wanted if name in held and registry()[name].works_on_copy}
    done = carry_out((name for name in wanted if name not in kept), case)
    return diagnosis.diagnose(report.scan, report.findings, {**done, **kept})
