"""Attention statistics against numpy in float64, row by row."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from actdiag.stats import scores as scores_of
from actdiag.stats.attention import AttentionAccumulator


def drawn(*shape, seed=0, scale=1.0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * scale


def oracle(logits, visible):
    """Per head: entropies over log(keys) of the rows with two keys or more, and the rest."""
    heads = logits.shape[1]
    entropy, largest, masked = [[] for _ in range(heads)], [-np.inf] * heads, 0
    for group, head, row in np.ndindex(*logits.shape[:3]):
        seen = logits[group, head, row][visible[group, head, row]].astype(np.float64)
        masked += not len(seen)
        if not len(seen):
            continue
        largest[head] = max(largest[head], seen.max())
        weights = np.exp(seen - seen.max())
        weights /= weights.sum()
        if len(seen) > 1:
            positive = weights[weights > 0]
            entropy[head].append(-(positive * np.log(positive)).sum() / np.log(len(seen)))
    means = [float(np.mean(rows)) if rows else None for rows in entropy]
    return means, [top if np.isfinite(top) else None for top in largest], masked


def measured(blocks):
    found = AttentionAccumulator()
    for block in blocks:
        found.update(*block)
    return found.to_record()


def assert_as_oracle(record, logits, visible):
    entropy, largest, masked = oracle(logits, visible)
    assert record.heads == logits.shape[1]
    assert numbers(record.entropy) == pytest.approx(numbers(entropy), abs=1e-6, nan_ok=True)
    assert numbers(record.max_logit) == pytest.approx(numbers(largest), rel=1e-5, nan_ok=True)
    assert record.masked_rows == masked
    assert record.queries == np.prod(logits.shape[:3])


def numbers(values):
    return [np.nan if value is None else value for value in values]


def full(*shape):
    return np.ones(shape, dtype=bool)


@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0, 3000.0])
def test_entropy_and_largest_logit(scale):
    logits = drawn(3, 4, 5, 9, scale=scale)
    found = AttentionAccumulator()
    found.update(logits)
    assert_as_oracle(found.to_record(), logits.numpy(), full(3, 4, 5, 9))


@given(
    shape=st.tuples(*[st.integers(1, 4)] * 4), seed=st.integers(0, 99), dense=st.floats(0.0, 1.0)
)
def test_any_visible_keys(shape, seed, dense):
    logits = drawn(*shape, seed=seed, scale=4.0)
    visible = torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < dense
    found = AttentionAccumulator()
    found.update(logits, visible)
    assert_as_oracle(found.to_record(), logits.numpy(), visible.numpy())


def test_uniform_and_peaked_are_the_ends_of_the_scale():
    peaked = torch.zeros(1, 1, 2, 8)
    peaked[..., 3] = 200
    found = AttentionAccumulator()
    found.update(torch.cat((torch.zeros(1, 1, 2, 8), peaked), dim=1))
    assert found.to_record().entropy == pytest.approx((1.0, 0.0), abs=1e-6)


def test_logits_that_are_not_finite_are_in_no_entropy():
    logits = drawn(1, 2, 3, 4)
    logits[0, 0, 0, 0], logits[0, 1] = torch.nan, torch.inf
    found = AttentionAccumulator()
    found.update(logits)
    record = found.to_record()
    entropy, largest, _ = oracle(logits[:, :1, 1:].numpy(), full(1, 1, 2, 4))
    assert record.entropy == (pytest.approx(entropy[0], rel=1e-5), None)
    assert record.max_logit == (pytest.approx(largest[0]), None)


@given(cuts=st.lists(st.integers(0, 11), max_size=4), backwards=st.booleans())
def test_any_partition_gives_the_same(cuts, backwards):
    logits = drawn(11, 2, 3, 5, scale=3.0)
    visible = drawn(11, 1, 3, 5, seed=1) > -1
    whole, merged = AttentionAccumulator(), AttentionAccumulator()
    whole.update(logits, visible)
    edges = [0, *sorted(cuts), 11]
    parts = [slice(start, stop) for start, stop in itertools.pairwise(edges)]
    for part in reversed(parts) if backwards else parts:
        one = AttentionAccumulator()
        one.update(logits[part], visible[part])
        merged.merge(one)
    expected, found = whole.to_record(), merged.to_record()
    assert (found.queries, found.masked_rows) == (expected.queries, expected.masked_rows)
    assert found.entropy == pytest.approx(expected.entropy, rel=1e-12)
    assert found.max_logit == expected.max_logit


def test_nothing_seen_is_no_record():
    found = AttentionAccumulator()
    found.update(torch.empty(0, 2, 3, 4))
    assert found.to_record() is None


def test_another_number_of_heads_makes_them_one():
    found = AttentionAccumulator()
    found.update(drawn(1, 2, 3, 4))
    found.update(drawn(1, 5, 3, 4))
    record = found.to_record()
    assert (record.heads, record.queries) == (1, 6 + 15)


CASES = {
    "plain": {},
    "causal": {"causal": True},
    "scaled": {"scale": 2.5},
    "boolean mask": {"mask": drawn(3, 1, 20, 20, seed=5) > 0},
    "mask of one row": {"mask": drawn(3, 1, 1, 20, seed=5) > 0},
    "mask of two axes": {"mask": drawn(20, 20, seed=5) > 0},
    "added mask": {"mask": drawn(3, 4, 20, 20, seed=5).masked_fill(drawn(20, 20) > 1, -torch.inf)},
    "added huge mask": {"mask": (drawn(3, 1, 1, 20, seed=5) > 0) * torch.finfo().min},
}


@pytest.mark.parametrize("case", CASES)
def test_scores_are_those_of_scaled_dot_product_attention(case):
    """Softmax of every measured row, times the values, is torch's own answer for that query."""
    given_ = CASES[case]
    query, key, value = (drawn(3, 4, 20, 8, seed=seed) for seed in (1, 2, 3))
    blocks = list(scores_of.of_query_and_key(query, key, **given_))
    logits = torch.cat([block[0] for block in blocks])
    visible = torch.cat([
        torch.ones_like(block[0], dtype=torch.bool) if block[1] is None
        else block[1].expand(block[0].shape)
        for block in blocks
    ])  # fmt: skip
    hidden = logits.masked_fill(~visible, -torch.inf)
    weights = torch.nan_to_num(torch.softmax(hidden, dim=-1))
    torch_own = F.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=given_.get("mask"),
        is_causal=given_.get("causal", False),
        scale=given_.get("scale"),
    )
    rows = scores_of.positions(20, query.device)
    seen = visible.any(-1)
    assert torch.allclose((weights @ value)[seen], torch_own[:, :, rows][seen], atol=1e-5)
    assert_as_oracle(measured(blocks), logits.numpy(), visible.numpy())


@pytest.mark.parametrize("lead", [(), (3,), (2, 3), (2, 3, 2)])
def test_any_number_of_leading_axes(lead):
    query, key = drawn(*lead, 6, 8), drawn(*lead, 5, 8, seed=1)
    record = measured(scores_of.of_query_and_key(query, key))
    heads = lead[-1] if len(lead) > 1 else 1
    logits = (query @ key.mT / 8**0.5).reshape(-1, heads, 6, 5)
    assert_as_oracle(record, logits.numpy(), full(*logits.shape))


def test_of_three_axes_the_first_holds_the_heads_of_each_sample():
    query, key = drawn(6, 4, 8), drawn(6, 4, 8, seed=1)
    record = measured(scores_of.of_query_and_key(query, key, samples=2))
    logits = (query @ key.mT / 8**0.5).reshape(2, 3, 4, 4)
    assert_as_oracle(record, logits.numpy(), full(2, 3, 4, 4))
    ready = measured(scores_of.of_scores(query @ key.mT / 8**0.5, samples=2))
    assert_as_oracle(ready, logits.numpy(), full(2, 3, 4, 4))


def test_heads_of_the_query_that_share_one_of_the_key():
    query, key = drawn(2, 6, 4, 8), drawn(2, 2, 5, 8, seed=1)
    logits = (query @ key.repeat_interleave(3, dim=1).mT / 8**0.5).numpy()
    record = measured(scores_of.of_query_and_key(query, key, grouped=True))
    assert_as_oracle(record, logits, full(*logits.shape))
    single = measured(scores_of.of_query_and_key(query, key[:, :1]))
    logits = (query @ key[:, :1].mT / 8**0.5).numpy()
    assert_as_oracle(single, logits, full(*logits.shape))


def test_a_sample_of_evenly_spread_queries_is_measured():
    query, key = drawn(2, 1, 100, 8), drawn(2, 1, 30, 8, seed=1)
    rows = scores_of.positions(100, query.device)
    assert rows[[0, -1]].tolist() == [0, 99]
    assert set(rows.diff().tolist()) == {14, 15}
    assert [len(scores_of.positions(length, query.device)) for length in (3, 8, 1024, 10**6)] == [
        *(3, 8, 16, 64)
    ]
    record = measured(scores_of.of_query_and_key(query, key))
    logits = (query[:, :, rows] @ key.mT / 8**0.5).numpy()
    assert record.queries == 16
    assert_as_oracle(record, logits, full(*logits.shape))


def test_half_precision_is_measured_in_single():
    query = torch.full((1, 1, 2, 64), 200.0, dtype=torch.float16)
    record = measured(scores_of.of_query_and_key(query, query))
    assert record.max_logit == (320_000.0,)


def test_a_long_batch_is_cut_into_blocks_that_fit_the_cache():
    query = drawn(50, 8, 8, 4)
    blocks = list(scores_of.of_query_and_key(query, drawn(50, 8, 256, 4)))
    assert len(blocks) > 1
    assert all(block[0].numel() <= 1 << 16 for block in blocks)
    assert sum(len(block[0]) for block in blocks) == 50
