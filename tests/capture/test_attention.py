"""What heads attend to: fused, in MultiheadAttention and written by hand, against the weights."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from actdiag.capture import Capture
from actdiag.records import Role

SAMPLES, TOKENS, WIDTH, HEADS = 4, 7, 12, 3


def drawn(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


X = drawn(SAMPLES, TOKENS, WIDTH)


def measured(model, *inputs, samples=SAMPLES, **kwargs):
    """Sites that tell of attention, by name, and the model's answer."""
    with Capture(model.eval()) as capture:
        output = capture.run(inputs, kwargs, samples)
        assert capture.failure is None, capture.failure
        return {site.name: site for site in capture.sites() if site.attention}, output


def only(model, *inputs, samples=SAMPLES, **kwargs):
    found, _ = measured(model, *inputs, samples=samples, **kwargs)
    [site] = found.values()
    assert site.role is Role.ATTENTION
    return site.attention


def assert_as_weights(attention, weights, visible=None):
    """``weights`` of shape (samples, heads, queries, keys), of every query."""
    weights = weights.double().detach().numpy()
    keys = weights.shape[-1] if visible is None else visible.sum(-1).numpy()
    keys = np.broadcast_to(keys, weights.shape[:-1])
    terms = np.where(weights > 0, -weights * np.log(np.where(weights > 0, weights, 1)), 0)
    expected = []
    for head in range(weights.shape[1]):
        several = keys[:, head] > 1
        expected.append((terms[:, head].sum(-1)[several] / np.log(keys[:, head][several])).mean())
    assert attention.heads == weights.shape[1]
    assert attention.entropy == pytest.approx(expected, abs=1e-5)
    assert attention.queries == keys.size
    assert attention.masked_rows == (keys == 0).sum()


CAUSAL = torch.ones(TOKENS, TOKENS, dtype=torch.bool).tril()
PADDING = torch.arange(TOKENS) >= torch.tensor([7, 5, 3, 1]).unsqueeze(1)


class Heads(nn.Module):
    """Projections to heads; ``how`` makes weights and mixed values of them."""

    def __init__(self, how, key_heads=HEADS, fused=False):
        super().__init__()
        torch.manual_seed(0)
        self.how, self.key_heads = how, key_heads
        each = WIDTH // HEADS * key_heads
        self.split = [WIDTH, each, each]
        self.qkv = nn.Linear(WIDTH, sum(self.split))
        self.parts = None if fused else nn.ModuleList(nn.Linear(WIDTH, n) for n in self.split)
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        if self.parts is None:
            parts = self.qkv(x).split(self.split, dim=-1)
        else:
            parts = [part(x) for part in self.parts]
        heads = (HEADS, self.key_heads, self.key_heads)
        q, k, v = (
            part.view(len(x), -1, count, WIDTH // HEADS).transpose(1, 2)
            for part, count in zip(parts, heads, strict=True)
        )
        self.scores = q @ k.repeat_interleave(HEADS // self.key_heads, dim=1).mT
        return self.out(self.how(q, k, v).transpose(1, 2).flatten(2))


def fused(**given):
    return lambda q, k, v: F.scaled_dot_product_attention(q, k, v, **given)


def by_hand(hide, *, scale=None, drop=False):
    def how(q, k, v):
        scores = q @ k.transpose(-2, -1) * (q.shape[-1] ** -0.5 if scale is None else scale)
        weights = torch.softmax(hide(scores), dim=-1)
        return (F.dropout(weights, 0.5, training=False) if drop else weights) @ v

    return how


ADDED = torch.zeros(TOKENS, TOKENS).masked_fill(~CAUSAL, torch.finfo().min)
PLACES = -0.3 * (torch.arange(TOKENS) - torch.arange(TOKENS).unsqueeze(1)).abs()
MASKS = {
    "none": ({}, lambda scores: scores, None),
    "causal": ({"is_causal": True}, lambda s: s.masked_fill(~CAUSAL, -torch.inf), CAUSAL),
    "boolean": ({"attn_mask": CAUSAL}, lambda s: torch.where(CAUSAL, s, -1e9), CAUSAL),
    "padding": (
        {"attn_mask": ~PADDING[:, None, None]},
        lambda s: s.masked_fill(PADDING[:, None, None], float("-inf")),
        ~PADDING[:, None, None].expand(-1, HEADS, TOKENS, -1),
    ),
    "added": ({"attn_mask": ADDED}, lambda s: s + ADDED, CAUSAL),
    "bias": ({"attn_mask": PLACES}, lambda s: s + PLACES, None),
}


@pytest.mark.parametrize("separate", [True, False])
@pytest.mark.parametrize("mask", MASKS)
def test_fused_and_hand_written_attention_tell_the_weights(mask, separate):
    given_, hide, visible = MASKS[mask]
    heads = Heads(fused(**given_), fused=not separate)
    together, answer = measured(heads, X)
    weights = torch.softmax(hide(heads.scores / 2), dim=-1)
    assert list(together) == ["scaled_dot_product_attention"]
    [site] = together.values()
    assert_as_weights(site.attention, weights, visible)
    seen = hide(heads.scores / 2).masked_fill(
        torch.tensor(False) if visible is None else ~visible, -9
    )
    assert site.attention.max_logit == pytest.approx(seen.amax((0, 2, 3)).tolist(), abs=1e-5)
    heads.how = by_hand(hide)
    written, same_answer = measured(heads, X)
    assert list(written) == ["softmax"]
    assert written["softmax"].role is Role.ATTENTION
    assert_as_weights(written["softmax"].attention, weights, visible)
    assert torch.allclose(answer, same_answer, atol=1e-5)


def test_scale_and_dropout():
    heads = Heads(fused(scale=3.0, dropout_p=0.0))
    attention = only(heads, X)
    assert_as_weights(attention, torch.softmax(3 * heads.scores, dim=-1))
    heads.how = by_hand(lambda scores: scores, scale=3.0, drop=True)
    assert_as_weights(only(heads, X), torch.softmax(3 * heads.scores, dim=-1))


def test_heads_that_share_keys():
    heads = Heads(fused(enable_gqa=True), key_heads=1)
    assert_as_weights(only(heads, X), torch.softmax(heads.scores / 2, dim=-1))


class MultiHead(nn.Module):
    def __init__(self, given_, settings):
        super().__init__()
        torch.manual_seed(0)
        self.given = given_
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, **settings)

    def forward(self, x, memory):
        return self.attention(x, memory, memory, **self.given)[0]


FLOATING = torch.zeros(TOKENS, TOKENS).masked_fill(~CAUSAL, -torch.inf)
MULTI_HEAD = {
    "plain": ({}, {}, None),
    "weights asked for": ({"need_weights": True}, {}, None),
    "weights per head": ({"average_attn_weights": False}, {}, None),
    "no weights": ({"need_weights": False}, {}, None),
    "no bias": ({}, {"bias": False}, None),
    "boolean mask": ({"attn_mask": ~CAUSAL}, {}, CAUSAL),
    "added mask, no weights": ({"attn_mask": FLOATING, "need_weights": False}, {}, CAUSAL),
    "causal": ({"attn_mask": FLOATING, "is_causal": True, "need_weights": False}, {}, CAUSAL),
    "padding": ({"key_padding_mask": PADDING}, {}, ~PADDING[:, None, None]),
    "padding, no weights": (
        {"key_padding_mask": PADDING, "need_weights": False},
        {},
        ~PADDING[:, None, None],
    ),
    "separate widths": ({}, {"kdim": 5, "vdim": 5}, None),
    "bias of keys": ({}, {"add_bias_kv": True}, None),
    "a key of zeros": ({"need_weights": False}, {"add_zero_attn": True}, None),
}


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("case", MULTI_HEAD)
def test_multihead_attention_tells_the_weights_that_it_returns(case, batch_first):
    given_, settings, visible = MULTI_HEAD[case]
    model = MultiHead(given_, settings | {"batch_first": batch_first}).eval()
    memory = drawn(SAMPLES, TOKENS, settings.get("kdim", WIDTH), seed=2)
    inputs = (X, memory) if batch_first else (X.transpose(0, 1), memory.transpose(0, 1))
    asked = given_ | {"need_weights": True, "average_attn_weights": False, "is_causal": False}
    with torch.no_grad():
        expected = model(*inputs)
        weights = model.attention(inputs[0], inputs[1], inputs[1], **asked)[1]
    found, answer = measured(model, *inputs)
    assert torch.equal(answer, expected)
    assert list(found) == ["attention"]
    shown = None if visible is None else visible.expand(SAMPLES, HEADS, TOKENS, -1)
    assert_as_weights(found["attention"].attention, weights, shown)


def test_rows_with_every_key_masked_are_counted():
    everything = PADDING.clone()
    everything[1] = True
    model = MultiHead({"key_padding_mask": everything}, {"batch_first": True})
    found, answer = measured(model, X, X)
    assert found["attention"].attention.masked_rows == HEADS * TOKENS
    assert found["attention"].attention.queries == SAMPLES * HEADS * TOKENS
    assert torch.isnan(answer[1]).all()
    assert np.isfinite(found["attention"].attention.entropy).all()


def test_unbatched_sequences():
    model = MultiHead({}, {})
    attention = only(model, X[0], X[0], samples=1)
    assert (attention.heads, attention.queries) == (HEADS, HEADS * TOKENS)


def test_transformers_of_torch():
    torch.manual_seed(0)
    model = nn.Transformer(WIDTH, 2, 2, 1, 16, batch_first=True)
    found, _ = measured(model, X, X)
    assert list(found) == [
        "encoder.layers.0.self_attn",
        "encoder.layers.1.self_attn",
        "decoder.layers.0.self_attn",
        "decoder.layers.0.multihead_attn",
    ]
    assert {site.attention.heads for site in found.values()} == {2}


class Merged(nn.Module):
    """Heads merged into the batch, as fairseq does; ``einsum`` and ``bmm`` instead of ``@``."""

    def __init__(self, product):
        super().__init__()
        self.product = product
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)

    def forward(self, x):
        def merged(part):
            return part.view(len(x), -1, HEADS, 4).transpose(1, 2).reshape(-1, x.shape[1], 4)

        q, k, v = (merged(part) for part in self.qkv(x).chunk(3, dim=-1))
        if self.product == "bmm":
            return torch.bmm(torch.bmm(q, k.transpose(1, 2)).softmax(-1), v)
        weights = F.softmax(torch.einsum("bqd,bkd->bqk", q, k), dim=2)
        return torch.einsum("bqk,bkd->bqd", weights, v)


@pytest.mark.parametrize("product", ["bmm", "einsum"])
def test_heads_merged_into_the_batch(product):
    attention = only(Merged(product), X)
    assert (attention.heads, attention.queries) == (HEADS, SAMPLES * HEADS * TOKENS)


class NotAttention(nn.Module):
    """Softmaxes that turn no scores of queries and keys into weights."""

    def __init__(self):
        super().__init__()
        self.qkv, self.head = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, 5)

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        linear = q.softmax(dim=-1) @ (k.softmax(dim=1).mT @ v)
        return torch.softmax(self.head(linear), dim=-1)


def test_other_softmaxes_are_no_attention():
    assert measured(NotAttention(), X)[0] == {}


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("weights", [False, True])
def test_any_batches_give_the_same(weights, masked):
    """Also of samples of which most are passed over; the rows of empty ones are all told."""
    torch.manual_seed(0)
    model = MultiHead({"need_weights": weights}, {"batch_first": True}).eval()
    x, padding = drawn(90, 30, WIDTH), torch.zeros(90, 30, dtype=torch.bool)
    padding[:, 25:] = True
    padding[[3, 50, 51]] = True
    records = []
    for size in (90, 13):
        with Capture(model) as capture:
            for part, hides in zip(x.split(size), padding.split(size), strict=True):
                model.given = {"need_weights": weights}
                if masked:
                    model.given["key_padding_mask"] = hides
                capture.run((part, part), {}, len(part))
                assert capture.failure is None
            records.extend(s.attention for s in capture.sites() if s.attention)
    whole, parts = records
    assert whole.queries == parts.queries
    assert 16 * HEADS * 8 < whole.queries < 60 * HEADS * 8
    assert whole.masked_rows == parts.masked_rows == (3 * HEADS * 8 if masked else 0)
    assert whole.entropy == pytest.approx(parts.entropy, rel=1e-5)
    assert whole.max_logit == pytest.approx(parts.max_logit, rel=1e-5)


def test_of_a_few_samples_all_are_looked_at():
    model = nn.TransformerEncoderLayer(WIDTH, HEADS, 16, batch_first=True)
    attention = only(model, drawn(12, 30, WIDTH), samples=12)
    assert attention.queries == 12 * HEADS * 8
