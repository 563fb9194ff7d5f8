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
from actdiag.stats.stretches import Stretch


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


def taken(found, logits, visible):
    """Let an accumulator take in logits of which some are masked."""
    found.update(logits.masked_fill(~visible, -torch.inf), visible.expand(logits.shape).sum(-1))


def measured(blocks):
    found = AttentionAccumulator()
    for block in blocks:
        found.update(block.scores, block.keys, block.weight)
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
    taken(found, logits, visible)
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
    taken(whole, logits, visible)
    edges = [0, *sorted(cuts), 11]
    parts = [slice(start, stop) for start, stop in itertools.pairwise(edges)]
    for part in reversed(parts) if backwards else parts:
        one = AttentionAccumulator()
        taken(one, logits[part], visible[part])
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
    logits = torch.cat([block.scores for block in blocks])
    visible = logits > -torch.inf
    weights = torch.nan_to_num(torch.softmax(logits, dim=-1))
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
    assert all(block.scores.numel() <= 1 << 16 for block in blocks)
    assert sum(len(block.scores) for block in blocks) == 50


def test_entropies_are_weighted_and_counts_are_not():
    early, late = drawn(2, 3, 5, 7), drawn(1, 3, 5, 7, seed=1, scale=9.0)
    found, repeated = AttentionAccumulator(), AttentionAccumulator()
    found.update(early)
    found.update(late, weight=4.0)
    repeated.update(torch.cat((early, *[late] * 4)))
    record, expected = found.to_record(), repeated.to_record()
    assert record.entropy == pytest.approx(expected.entropy, rel=1e-12)
    assert record.max_logit == expected.max_logit
    assert record.queries == 3 * 3 * 5


def test_of_rows_passed_over_only_those_without_a_key_count():
    logits, visible = drawn(3, 2, 4, 6), torch.ones(3, 1, 4, 6, dtype=torch.bool)
    visible[1, 0, :3] = False
    seen, passed = AttentionAccumulator(), AttentionAccumulator()
    taken(seen, logits, visible)
    expected = seen.to_record()
    passed.update(logits[:1])
    passed.pass_over((2, 2, 4), visible[1:].any(-1))
    record = passed.to_record()
    assert record.masked_rows == expected.masked_rows == 6
    assert record.queries == 2 * 4 + 6
    alone = AttentionAccumulator()
    alone.update(logits[:1])
    assert record.entropy == alone.to_record().entropy
    assert record.max_logit == alone.to_record().max_logit


HALF = (Stretch(0, 3, 1.0), Stretch(3, 8, 0.0), Stretch(8, 9, 2.5))


@pytest.mark.parametrize("layout", ["joined", "apart", "narrow"])
@pytest.mark.parametrize("windows", [1, 4])
def test_only_the_samples_that_are_looked_at_give_scores(windows, layout):
    """Each of nine samples holds one or four groups; in memory the heads may lie behind tokens."""
    many, width = 9 * windows, {"joined": 8, "apart": 128, "narrow": 8}[layout]
    query, key = drawn(many, 2, 6, width), drawn(many, 2, 70, width, seed=1)
    if layout != "joined":
        query, key = (part.transpose(1, 2).clone().transpose(1, 2) for part in (query, key))
    blocks = list(scores_of.of_query_and_key(query, key, samples=9, looked_at=HALF))
    assert [block.weight for block in blocks] == [1.0, 2.5]
    logits = (query @ key.mT / width**0.5).numpy()
    chosen = [*range(3 * windows), *range(8 * windows, 9 * windows)]
    found = torch.cat([block.scores for block in blocks])
    assert np.allclose(found, logits[chosen], atol=1e-5)


def test_masks_of_samples_passed_over_are_still_told():
    mask = torch.zeros(9, 1, 1, 7).masked_fill(torch.arange(9).view(9, 1, 1, 1) == 5, -1e4)
    query = drawn(9, 2, 3, 8)
    for given_ in (mask, mask > -1):
        *_, passed, last = scores_of.of_query_and_key(
            query, drawn(9, 2, 7, 8), mask=given_, samples=9, looked_at=HALF
        )
        assert (passed.scores, passed.rows, passed.weight) == (None, (5, 2, 3), 0.0)
        assert passed.keys.flatten().tolist() == [True, True, False, True, True]
        assert last.rows == (1, 2, 3)
    ready = list(scores_of.of_scores(query @ query.mT + mask[..., :3], samples=9, looked_at=HALF))
    assert [block.scores is None for block in ready] == [False, True, False]
    assert ready[1].keys.sum().item() == 4 * 2 * 3


def test_groups_that_are_of_no_sample_are_all_looked_at():
    [block] = scores_of.of_query_and_key(
        drawn(7, 2, 3, 8), drawn(7, 2, 3, 8), samples=9, looked_at=HALF
    )
    assert block.rows == (7, 2, 3)
