"""The frozen records that travel between rooms, and their JSON form (schema version 1).

Plain numbers, strings and tuples only: importing this module imports neither torch nor numpy.
Every fraction lies in [0, 1]. Every float is finite or ``None``: :func:`to_json` writes a
non-finite one as null, so NaN and Infinity never appear in a report.
"""

from __future__ import annotations

from actdiag.records.about import Coverage, DataInfo, Failure, ModelInfo, Padding, ToolInfo
from actdiag.records.document import from_json, to_json
from actdiag.records.inspection import (
    Fit,
    Found,
    GatedFFN,
    Inspection,
    KindCount,
    Layer,
    Place,
    TensorFacts,
    TrustVerdict,
)
from actdiag.records.mergeable import Mergeable
from actdiag.records.output import (
    Agreement,
    Mistake,
    OutputStats,
    Pairing,
    ReliabilityBin,
    TemperatureFit,
)
from actdiag.records.passes import Gradients, TrainEval, TrainingData, UpdateStats
from actdiag.records.report import Cause, Diagnosis, Finding, Ignored, Report, Skip, StepOutcome
from actdiag.records.scan import Scan, Timings
from actdiag.records.sites import (
    AttentionStats,
    GatedUnit,
    GradientStats,
    ModuleInfo,
    Site,
    SiteStats,
    UnitStats,
)
from actdiag.records.trial import RemedyTrial, Trial, TrialArm, TrialRecipe, TrialVerdict
from actdiag.records.weights import WeightStats
from actdiag.records.words import (
    SCHEMA_VERSION,
    CauseVerdict,
    Confidence,
    Measured,
    Outcome,
    ReportVerdict,
    Role,
    Severity,
)

__all__ = [
    "SCHEMA_VERSION",
    "Agreement",
    "AttentionStats",
    "Cause",
    "CauseVerdict",
    "Confidence",
    "Coverage",
    "DataInfo",
    "Diagnosis",
    "Failure",
    "Finding",
    "Fit",
    "Found",
    "GatedFFN",
    "GatedUnit",
    "GradientStats",
    "Gradients",
    "Ignored",
    "Inspection",
    "KindCount",
    "Layer",
    "Measured",
    "Mergeable",
    "Mistake",
    "ModelInfo",
    "ModuleInfo",
    "Outcome",
    "OutputStats",
    "Padding",
    "Pairing",
    "Place",
    "ReliabilityBin",
    "RemedyTrial",
    "Report",
    "ReportVerdict",
    "Role",
    "Scan",
    "Severity",
    "Site",
    "SiteStats",
    "Skip",
    "StepOutcome",
    "TemperatureFit",
    "TensorFacts",
    "Timings",
    "ToolInfo",
    "TrainEval",
    "TrainingData",
    "Trial",
    "TrialArm",
    "TrialRecipe",
    "TrialVerdict",
    "TrustVerdict",
    "UnitStats",
    "UpdateStats",
    "WeightStats",
    "from_json",
    "to_json",
]
