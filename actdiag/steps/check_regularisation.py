"""Debug step: check regularisation: dropout, normalisation, weight decay."""

from __future__ import annotations

from actdiag.records import Outcome, Scan
from actdiag.steps.base import Case, Result, Step


def regularisers(scan: Scan) -> dict[str, object]:
    """What holds the model back: dropout rates, normalisation layers, weight decay (or None)."""
    dropout = {
        item.name: item.settings.get("p")
        for item in scan.modules
        if "Dropout" in item.class_name and item.settings.get("p")
    }
    norms = [site.name for site in scan.sites if site.role == "norm"]
    return {
        "dropout": dropout,
        "normalisation": norms,
        "weight_decay": scan.model.training.get("weight_decay"),
    }


def carry_out(case: Case) -> Result:
    """List what regularises the model, and say where nothing does."""
    found = regularisers(case.scan)
    parts = [
        f"dropout in {len(found['dropout'])} places" if found["dropout"] else "no dropout",  # type: ignore[arg-type]
        f"{len(found['normalisation'])} normalisation layers"  # type: ignore[arg-type]
        if found["normalisation"]
        else "no normalisation",
        "weight decay unknown (no optimizer state in the file)"
        if found["weight_decay"] is None
        else f"weight decay {found['weight_decay']}",
    ]
    return Result(Outcome.DONE, f"The model has {', '.join(parts)}.", found)


STEP = Step("check-regularisation", "Check regularisation", carry_out)
