"""Nearest neighbours in blocks, against all distances at once."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from actdiag.stats import neighbours
from actdiag.stats.neighbours import WIDTH, Normaliser, nearest


@given(seed=st.integers(0, 10**6), queries=st.integers(0, 60), known=st.integers(2, 60))
def test_blocks_find_what_all_distances_at_once_say(seed, queries, known):
    generator = torch.Generator().manual_seed(seed)
    a = torch.randn(queries, 5, generator=generator)
    b = torch.randn(known, 5, generator=generator)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "_QUERIES", 7)
        patch.setattr(neighbours, "_KNOWN", 11)
        found, index = nearest(a, b)
        among, other = nearest(b, b, own=torch.arange(known))
    wanted = torch.cdist(a.double(), b.double()).min(1) if queries else None
    if wanted is not None:
        assert torch.allclose(found.double(), wanted.values, atol=1e-5)
        assert torch.equal(index, wanted.indices)
    apart = torch.cdist(b.double(), b.double()).fill_diagonal_(torch.inf).min(1)
    assert torch.allclose(among.double(), apart.values, atol=1e-5)
    assert torch.equal(other, apart.indices)


def test_features_of_different_kinds_count_alike_and_constant_ones_not_at_all():
    rows = torch.randn(500, 3, generator=torch.Generator().manual_seed(0))
    rows = rows * torch.tensor([1000.0, 0.01, 0.0]) + torch.tensor([5.0, -2.0, 7.0])
    scaled = Normaliser.fitted(rows)(rows)
    assert torch.allclose(scaled.mean(0), torch.zeros(3), atol=1e-4)
    assert torch.allclose(scaled.std(0, correction=0), torch.tensor([1.0, 1.0, 0.0]), atol=1e-4)


def test_features_of_one_kind_that_hardly_vary_count_little():
    deviation = torch.tensor([1.0, 1.0, 1.0, 0.01])
    rows = torch.randn(500, 4, generator=torch.Generator().manual_seed(0)) * deviation
    assert Normaliser.fitted(rows)(rows).std(0)[3] < 0.02


def test_a_sketch_keeps_distances():
    rows = torch.randn(200, 3000, generator=torch.Generator().manual_seed(0))
    scale = Normaliser.fitted(rows)
    sketch = scale(rows)
    assert sketch.shape == (200, WIDTH)
    full = torch.pdist((rows.double() - scale.offset) * scale.weight)
    assert torch.pdist(sketch.double()).div(full).sub(1).abs().quantile(0.95) < 0.12
