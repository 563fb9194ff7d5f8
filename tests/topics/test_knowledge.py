"""The documented knowledge, restated, against what ``actdiag explain`` says."""

from __future__ import annotations

import math

import pytest

from actdiag import functions, topics
from actdiag.functions import places
from actdiag.steps import registry as steps

# One row each: how people call it, what its page must say, and at which x it has which value.
FUNCTIONS = [
    ("none", ["regression", "collapse", "W2(W1 x + b1) + b2 = W'x + b'"], {2.0: 2.0}),
    ("linear", ["regression"], {-3.0: -3.0}),
    ("ReLU", ["max(0, x)", "Hidden layers", "CNNs and MLPs", "Dying ReLU"], {-1.0: 0.0, 2.0: 2.0}),
    ("Leaky ReLU", ["0.01", "fix for dying ReLU", "first thing to try"], {-1.0: -0.01, 2.0: 2.0}),
    ("PReLU", ["learned", "fix for dying ReLU", "0", "linear"], {2.0: 2.0}),
    ("ELU", ["α(eˣ − 1)", "fix for dying ReLU", "Saturates at −α"], {-1.0: math.exp(-1) - 1}),
    ("GELU", ["x · Φ(x)", "GPT, BERT", "negative tail", "small negatives"], {1.0: 0.841345}),
    ("Swish", ["x · σ(x)", "SwiGLU", "GELU"], {1.0: 0.731059}),
    ("SiLU", ["x · σ(x)"], {-1.0: -0.268941}),
    ("SwiGLU", ["Swish(xW) ⊙ (xV)", "Llama, Mistral and PaLM", "Three matrices"], {}),
    ("GeGLU", ["GELU(xW) ⊙ (xV)", "third matrix"], {}),
    ("ReGLU", ["ReLU(xW) ⊙ (xV)", "dead unit"], {}),
    ("GLU", ["σ(xW) ⊙ (xV)", "shut"], {}),
    ("bilinear", ["(xW) ⊙ (xV)"], {}),
    ("Sigmoid", ["0 to 1", "0.25", "0.004", "Binary outputs", "LSTM and GRU"], {0.0: 0.5}),
    ("Tanh", ["-1 to 1", "RNN cells", "older MLPs", "Saturates at both ends"], {0.0: 0.0}),
    ("Softmax", ["temperature T", "attention scores", "Over-confidence", "wrong axis"], {}),
]
CARDS = {
    "MODEL OUTPUTS ALL THE SAME VALUE": (
        ["predictions are identical whatever the input", "loss does not decrease"],
        ["Dead ReLUs", "stuck at 0", "too small or too large", "sigmoid or tanh at an extreme"],
        [
            "Check activation statistics (mean, std, % zeros)",
            "Try Leaky ReLU instead of ReLU",
            "Check weight initialisation (Xavier/He)",
            "Reduce the learning rate if activations are exploding",
        ],
    ),
    "MODEL VERY CONFIDENT BUT WRONG": (
        ["Softmax outputs near 0 or 1", "high confidence on wrong predictions"],
        ["Over-fitting", "Missing regularisation", "Logits too large going into softmax"],
        [
            "Add dropout before the final layer",
            "Use label smoothing",
            "Add temperature scaling at inference",
            "Check for data leakage",
        ],
    ),
    "MODEL ISN'T LEARNING": (
        ["Dead ReLUs first", "vanishing gradients", "saturation"],
        ["Dead ReLUs", "Vanishing gradients"],
        [],
    ),
}
SITUATIONS = {
    "understanding a Transformer FFN": ["act(x W_gate) ⊙ (x W_up)) W_down", "what to keep"],
    "gated FFN (general)": ["the up branch proposes values"],
    "reading a Llama/Mistral architecture": ["SwiGLU", "gate_proj", "RMSNorm"],
    "reading a Llama architecture": ["SwiGLU"],
    "the model isn't learning": ["Dead ReLUs first"],
    "all outputs are the same": ["identical whatever the input"],
    "understanding attention": ["weights that sum to 1", "entropy"],
    "temperature in generation": ["0.864, 0.117, 0.019", "0.659, 0.242, 0.099"],
    "choosing for a new model": ["GELU", "ReLU", "simple, fast", "1·1·1·1 = 1", "more expressive"],
    "vanishing gradients": ["sigmoid 0.004"],
    "where to use what": ["ReLU is not for the feed-forward network of a new model"],
}
PLACES = [
    ("hidden layer, MLP or CNN", "ReLU or GELU", "fast, works well"),
    ("hidden layer, Transformer FFN", "GELU, SwiGLU or GeGLU", "smoother, standard"),
    ("binary output", "sigmoid", "a probability"),
    ("multi-class output", "softmax", "a distribution over classes"),
    ("regression output", "none", "unconstrained range"),
    ("attention scores", "softmax", "weights sum to 1"),
    ("gates of LSTM/GRU", "sigmoid", "flow in [0, 1]"),
]


def page(words):
    """All text of a page, as one string."""
    topic = topics.look_up(words)
    said = [topic.title]
    for part in topic.parts:
        said += [part.heading, part.text, *(f"{label} {text}" for label, text in part.rows)]
    return "\n".join(said)


@pytest.mark.parametrize(("name", "facts", "values"), FUNCTIONS, ids=[row[0] for row in FUNCTIONS])
def test_every_function_is_reachable_and_right(name, facts, values):
    said = page(name)
    assert [fact for fact in facts if fact not in said] == []
    row = functions.get(topics.look_up(name).function)
    for x, y in values.items():
        assert row.value(x, functions.scalar, **row.settings) == pytest.approx(y, abs=1e-6)


def test_prelu_names_both_ways_in_which_it_degenerates():
    assert "α may go to 0, which makes it a ReLU again, or to 1, which makes it linear" in page(
        "prelu"
    )


@pytest.mark.parametrize("title", CARDS)
def test_every_problem_card_is_told_whole(title):
    signs, causes, debug_steps = CARDS[title]
    said = page(title)
    assert [text for text in (*signs, *causes) if text not in said] == []
    places_of = [said.index(f"{place} {text}.") for place, text in enumerate(debug_steps, 1)]
    assert places_of == sorted(places_of)
    assert set(debug_steps) <= {step.text for step in steps().values()}


@pytest.mark.parametrize("words", SITUATIONS)
def test_every_situation_is_answered(words):
    said = page(words)
    assert [fact for fact in SITUATIONS[words] if fact not in said] == []


def test_the_table_of_places():
    assert [tuple(one) for one in places.ALL] == PLACES
    said = page("where to use what")
    assert all(f"{place} {expected}: {reason}" in said for place, expected, reason in PLACES)


def test_slopes_multiply_as_documented():
    sigmoid, relu = functions.get("sigmoid"), functions.get("relu")
    assert sigmoid.max_slope == 0.25
    assert sigmoid.max_slope**4 == pytest.approx(0.004, abs=1e-4)
    assert [relu.slope(x, functions.scalar) for x in (3.0, -3.0)] == [1.0, 0.0]
