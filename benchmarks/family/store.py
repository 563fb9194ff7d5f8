"""Trained models and their scans, kept so that judging again needs neither training nor a pass.

A model is kept under its case and the code that trains it; a scan under the model and the code
that measures. Rules are never kept: they are what is being calibrated.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch

import actdiag
from actdiag.records import Report, Scan
from benchmarks.family import data, networks
from benchmarks.family.training import outcome, trained

if TYPE_CHECKING:
    from benchmarks.family.case import Case

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".cache" / "calibration"
TRAINS = (
    "benchmarks/family/data.py",
    "benchmarks/family/networks.py",
    "benchmarks/family/training.py",
    "sample_models/recipes/data.py",
)
MEASURES = (
    "benchmarks/family/store.py",
    *(f"actdiag/{name}.py" for name in ("records", "pipeline", "measure")),
    *(f"actdiag/{room}" for room in ("capture", "feed", "functions", "passes", "stats")),
)


@dataclass(frozen=True)
class Entry:
    """A case with what came of it, and its scans with and without labels."""

    case: Case
    outcome: str
    skill: float
    labelled: Scan
    unlabelled: Scan


@cache
def _code(*names: str) -> str:
    """Fingerprint of source files and folders."""
    digest = hashlib.sha256(torch.__version__.encode())
    for name in names:
        place = ROOT / name
        for file in sorted(place.rglob("*.py")) if place.is_dir() else (place,):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def entry(case: Case) -> Entry:
    """The case, trained and scanned; from the store where nothing about that has changed."""
    model_file = KEPT / f"{case.key}-{_code(*TRAINS)}.pt"
    scan_file = model_file.with_name(f"{model_file.stem}-{_code(*MEASURES)}.json.gz")
    if scan_file.exists():
        kept = json.loads(gzip.decompress(scan_file.read_bytes()))
        scans = [Report.from_json(document).scan for document in kept["reports"]]
        return Entry(case, kept["outcome"], kept["skill"], *scans)
    model = _model(case, model_file)
    came, skill = outcome(model, case)
    reports = _scanned(model, case)
    document = {"outcome": came, "skill": skill, "reports": [item.to_json() for item in reports]}
    scan_file.write_bytes(gzip.compress(json.dumps(document).encode(), 3, mtime=0))
    return Entry(case, came, skill, *(item.scan for item in reports))


def _model(case: Case, file: Path) -> torch.nn.Module:
    if not file.exists():
        model = trained(case)
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.save(model.state_dict(), file)
        return model
    model = networks.build(case)
    model.load_state_dict(torch.load(file))
    return model.eval()


def _scanned(model: torch.nn.Module, case: Case) -> tuple[Report, Report]:
    """Reports with labels, gradients and the training data beside, and with inputs alone."""
    split = data.scaled(case.data, case.scanned_as or case.scaling)
    train = data.scaled(case.data, case.scaling)
    x, y = torch.from_numpy(split.scan_x), torch.from_numpy(split.scan_y)
    beside = (torch.from_numpy(train.train_x), torch.from_numpy(train.train_y))
    apart = len(split.scan_x) == len(split.held_x)  # of small sets all is scanned: nothing is left
    return (
        actdiag.scan(
            model, (x, y), train_data=beside if apart else None, gradients=True, steps="none"
        ),
        actdiag.scan(model, x, steps="none"),
    )
