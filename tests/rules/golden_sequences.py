"""The messages of the rules on attention and on recurrent gates, on scans written by hand."""

from __future__ import annotations

from typing import Any

from actdiag.records import AttentionStats, Role, Scan, Site
from tests.rules.build import act, scan, site, units


def attention(name: str, entropy: tuple[float, ...], **changes: Any) -> Site:
    heads: dict[str, Any] = {
        "heads": len(entropy),
        "entropy": entropy,
        "max_logit": (12.0,) * len(entropy),
        "queries": 4000,
        "masked_rows": 0,
    }
    of_site: dict[str, Any] = {"nan": changes.pop("nan", 0)}
    heads |= changes
    stats = AttentionStats(**heads)
    return site(name, Role.ATTENTION, module_class="MultiheadAttention", attention=stats, **of_site)


MESSAGES: dict[str, tuple[Scan, str]] = {
    "ACT116": (
        scan(
            site("lstm", Role.RECURRENT, module_class="LSTM"),
            act(
                "lstm/input_gate.l0",
                "lstm",
                module="lstm",
                module_class="LSTM",
                function="sigmoid",
                role=Role.GATE,
                per_unit=units(saturated_low=(450,) * 7 + (90,) * 3, saturated_high=20),
            ),
        ),
        (
            "7 of 10 units of 'lstm/input_gate.l0' (LSTM) are below 0.01 or above 0.99 on at least "
            "85 % of 500 steps."
        ),
    ),
    "ATT301": (
        scan(attention("layers.0", (0.5,) * 4), attention("layers.1", (0.0, 0.003, 0.009, 0.4))),
        (
            "3 of 4 heads of 'layers.1' (MultiheadAttention) give all their weight to one key: "
            "their entropy is below 1 % of the largest possible, over 1,000 queries each."
        ),
    ),
    "ATT302": (
        scan(attention("layers.0", (0.9995, 0.9999, 1.0, 0.9))),
        (
            "3 of 4 heads of 'layers.0' (MultiheadAttention) look at every key alike: their "
            "entropy is above 99.9 % of the largest possible, over 1,000 queries each."
        ),
    ),
    "ATT303": (
        scan(attention("layers.0", (0.5,) * 4, max_logit=(30.0, 1240.0, 150.0, 80.0))),
        (
            "The logits of 'layers.0' (MultiheadAttention) reach 1,240 (head 1): 2 of 4 heads "
            "exceed 100, over 1,000 queries each."
        ),
    ),
    "ATT304": (
        scan(attention("layers.0", (0.5,) * 4, masked_rows=96, nan=1536)),
        (
            "96 of 4,000 rows of scores of 'layers.0' (MultiheadAttention) have every key masked: "
            "the softmax of nothing is NaN, of which the answer holds 1,536."
        ),
    ),
}
