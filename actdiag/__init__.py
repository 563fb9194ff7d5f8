"""actdiag: find out why a PyTorch model's activations are sick, from its file and your data.

``actdiag.scan(model, data)`` returns a :class:`Report`, ``actdiag.diagnose(report)`` its diagnoses,
``actdiag.assert_healthy(model, data)`` fails a test.
Nothing heavy is imported until used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from actdiag._version import __version__

if TYPE_CHECKING:
    from actdiag.diagnosis.reports import diagnose
    from actdiag.errors import ActdiagError
    from actdiag.pipeline import scan
    from actdiag.records import Diagnosis, Finding, Report, Scan, Site
    from actdiag.testing import assert_healthy

__all__ = [
    "ActdiagError",
    "Diagnosis",
    "Finding",
    "Report",
    "Scan",
    "Site",
    "__version__",
    "assert_healthy",
    "diagnose",
    "scan",
]

_HOMES = {
    "ActdiagError": "actdiag.errors",
    "Diagnosis": "actdiag.records",
    "Finding": "actdiag.records",
    "Report": "actdiag.records",
    "Scan": "actdiag.records",
    "Site": "actdiag.records",
    "assert_healthy": "actdiag.testing",
    "diagnose": "actdiag.diagnosis.reports",
    "scan": "actdiag.pipeline",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'actdiag' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
