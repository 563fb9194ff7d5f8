"""Rules: one file each, pure functions from a Scan to findings."""

from __future__ import annotations

from actdiag.rules.base import HEADINGS, Limits, Place, Rule, Threshold
from actdiag.rules.judging import judge
from actdiag.rules.registry import registry

__all__ = ["HEADINGS", "Limits", "Place", "Rule", "Threshold", "judge", "registry"]
