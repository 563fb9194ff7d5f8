"""The sample models, each scanned once."""

import json
from functools import cache
from pathlib import Path

from actdiag import scan

MANIFEST = {
    entry["name"]: entry
    for entry in json.loads(Path("sample_models/manifest.json").read_text(encoding="utf-8"))
}


@cache
def scanned(name):
    """The report of a sample model on its data."""
    entry = MANIFEST[name]
    return scan(
        entry["file"],
        entry["data"],
        factory=entry["model"],
        train_data=entry["train_data"],
    )
