"""Debug step: check regularisation: dropout, normalisation, weight decay, the last weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actdiag.records import Outcome, Scan
from actdiag.steps.base import Case, Result, Step
from actdiag.steps.depth import final_layer, number

if TYPE_CHECKING:
    from actdiag.records import WeightStats

_MATRIX = 2


def regularisers(scan: Scan) -> dict[str, Any]:
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
    """List what regularises the model and how large its last layer's weights have become."""
    found = regularisers(case.scan)
    parts = [
        _dropout(found["dropout"]),
        f"{len(found['normalisation'])} normalisation layers"
        if found["normalisation"]
        else "no normalisation",
        "weight decay unknown (no optimizer state in the file)"
        if found["weight_decay"] is None
        else f"weight decay {found['weight_decay']}",
    ]
    text = f"The model has {', '.join(parts)}."
    last = _last_weight(case.scan)
    if last is None or last.rms is None:
        return Result(Outcome.DONE, text, found)
    norm = last.rms * last.elements**0.5
    measured = {**found, "final_weight": last.name, "final_norm": norm, "xavier": last.xavier_ratio}
    text += f" The last layer's weights, {last.name}, have norm {number(norm)}"
    fresh = f", {number(last.xavier_ratio)} × a fresh one's" if last.xavier_ratio else ""
    return Result(Outcome.DONE, f"{text}{fresh}.", measured)


def _dropout(rates: dict[str, Any]) -> str:
    if not rates:
        return "no dropout"
    told = ", ".join(f"{name}: {rate}" for name, rate in list(rates.items())[:4])
    return f"dropout in {len(rates)} place{'s' if len(rates) > 1 else ''} ({told})"


def _last_weight(scan: Scan) -> WeightStats | None:
    final = final_layer(scan)
    own = (
        weight
        for weight in scan.weights
        if final is not None and weight.module == final.module and len(weight.shape) >= _MATRIX
    )
    return next(own, None)


STEP = Step("check-regularisation", "Check regularisation", carry_out)
