"""Small blocks, so that small tensors are cut everywhere."""

from __future__ import annotations

import pytest

from actdiag.stats import clean, layout, picks


@pytest.fixture
def tiny_blocks(monkeypatch):
    monkeypatch.setattr(layout, "CACHE_ELEMENTS", 8)
    monkeypatch.setattr(layout, "WIDEST", 4)
    monkeypatch.setattr(clean, "FLUSH", 2)
    monkeypatch.setattr(picks, "AT_ONCE", 8)
