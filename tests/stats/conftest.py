"""Small blocks, so that small tensors are cut everywhere; one thread, since tensors are tiny."""

from __future__ import annotations

import pytest
import torch

from actdiag.stats import clean, layout, picks


@pytest.fixture(autouse=True, scope="package")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def tiny_blocks(monkeypatch):
    monkeypatch.setattr(layout, "CACHE_ELEMENTS", 8)
    monkeypatch.setattr(layout, "WIDEST", 4)
    monkeypatch.setattr(clean, "FLUSH", 2)
    monkeypatch.setattr(picks, "AT_ONCE", 8)
