"""Trained models and their scans, kept so that judging again needs neither training nor a pass.

A model is kept under its case and the code that trains it; a scan under the model and the code
that measures. Rules are never kept: they are what is being calibrated.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch

import actdiag
from actdiag.records import Report, Scan
from benchmarks.family import data, networks
from benchmarks.family.drawing import counterparts
from benchmarks.family.harm import SEEDS, impaired
from benchmarks.family.training import WORKED, Held, held_out, trained, training_data

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
COMPARES = ("benchmarks/family/drawing.py", "benchmarks/family/mistakes.py")
MEASURES = (
    "benchmarks/family/store.py",
    *(f"actdiag/{name}.py" for name in ("pipeline", "measure")),
    *(f"actdiag/{room}" for room in ("records", "capture", "feed", "functions", "passes", "stats")),
)


@dataclass(frozen=True)
class Entry:
    """A case with what came of it, and its scans with and without labels.

    ``impaired``: it worked, and its counterparts do better (:mod:`benchmarks.family.harm`).
    """

    case: Case
    held: Held
    impaired: bool
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
    if not scan_file.exists():
        reports = _scanned(_model(case, model_file), case)
        document = json.dumps([item.to_json() for item in reports])
        scan_file.write_bytes(gzip.compress(document.encode(), 3, mtime=0))
    kept = json.loads(gzip.decompress(scan_file.read_bytes()))
    own, *others = _held(case, model_file)
    scans = (Report.from_json(document).scan for document in kept)
    return Entry(case, own, impaired(own, others), *scans)


def _model(case: Case, file: Path) -> torch.nn.Module:
    if not file.exists():
        model = trained(case)
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.save(model.state_dict(), file)
        return model
    model = networks.build(case)
    model.load_state_dict(torch.load(file))
    return model.eval()


def _held(case: Case, model_file: Path) -> list[Held]:
    """How the model does on held-out data, and, if it works, how its counterparts do."""
    file = model_file.with_name(f"{model_file.stem}-{_code(*COMPARES)}-held.json")
    if not file.exists():
        found = [held_out(_model(case, model_file), case)]
        if found[0].outcome == WORKED:
            found += [held_out(trained(one), one) for one in counterparts(case, SEEDS)]
        file.write_text(json.dumps([asdict(one) for one in found]))
    return [Held(**one) for one in json.loads(file.read_text())]


def _scanned(model: torch.nn.Module, case: Case) -> tuple[Report, Report]:
    """Reports with labels, gradients and the training data beside, and with inputs alone."""
    split = data.shown(case)
    x, y = torch.from_numpy(split.scan_x), torch.from_numpy(split.scan_y)
    apart = len(split.scan_x) == len(split.held_x)  # of small sets all is scanned: nothing is left
    beside = training_data(case) if apart else None
    return (
        actdiag.scan(model, (x, y), train_data=beside, gradients=True, steps="none"),
        actdiag.scan(model, x, steps="none"),
    )
