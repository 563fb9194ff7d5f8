"""Pages on the blocks of Transformers: the feed-forward network, Llama's form of it, attention."""

from __future__ import annotations

from actdiag import functions
from actdiag.topics.base import SITUATION, Part, Topic

FEED_FORWARD = Topic(
    SITUATION,
    "understanding a Transformer FFN",
    "The feed-forward network of a Transformer",
    (
        Part(
            "What it is",
            "Two linear layers with an activation between them, applied to each token by itself: "
            "W_down · act(W_up x). GPT and BERT use GELU. New models use a gated form.",
        ),
        Part(
            "The gated form",
            "(act(x W_gate) ⊙ (x W_up)) W_down: the gate learns what to keep, the up branch "
            "proposes values. A gate that is learned is more expressive than a fixed function.",
            rows=tuple(
                (functions.get(name).title, functions.get(name).formula)
                for name in ("swiglu", "geglu", "reglu", "glu", "bilinear")
            ),
        ),
        Part(
            "What it costs",
            "Three matrices instead of two. At hidden width h and model width d that is 3dh "
            "against 2dh, so h = 8d/3 instead of 4d keeps the parameters.",
        ),
        Part(
            "What goes wrong",
            "Gates shut for good (ACT114), outliers in the product of the two branches in half "
            "precision (ACT115), ReLU in a new model (ARC603): GELU lets small negatives through "
            "and its gradient is smoother.",
        ),
    ),
    (
        "transformer ffn",
        "ffn",
        "feed-forward",
        "feed-forward network",
        "gated ffn",
        "gated feed-forward network",
        "gated ffn (general)",
    ),
)

LLAMA = Topic(
    SITUATION,
    "reading a Llama/Mistral architecture",
    "Reading a Llama or Mistral architecture",
    (
        Part(
            "The feed-forward network is SwiGLU",
            "gate_proj, up_proj and down_proj are one gated network: down_proj(SiLU(gate_proj(x)) "
            "⊙ up_proj(x)). hidden_act = 'silu' in the configuration is the function on the gate.",
        ),
        Part(
            "Around it",
            "RMSNorm before each half of a block and a residual path around it, so the gradient "
            "does not depend on the activations alone. Attention is softmax over the keys that a "
            "token may see; q_proj, k_proj, v_proj and o_proj are its matrices.",
        ),
        Part(
            "What the product shows",
            "actdiag inspect MODEL names the gated networks, their branches and their parameters "
            "against a two-matrix network; actdiag scan MODEL DATA measures the share of gates "
            "shut and wide open.",
        ),
    ),
    (
        *("llama", "mistral", "palm", "reading llama", "reading mistral"),
        *("llama architecture", "mistral architecture"),
        *("reading llama architecture", "reading mistral architecture"),
    ),
)

ATTENTION = Topic(
    SITUATION,
    "understanding attention",
    "Attention",
    (
        Part(
            "What it is",
            "Each query is compared with every key it may see; softmax turns the scores "
            "q·k / √d into weights that sum to 1, and the answer is the values averaged with them.",
        ),
        Part(
            "How to read it",
            "The entropy of a head's weights over its maximum, the log of the number of keys: 0 is "
            "a head that looks at one position, 1 a head that looks at all alike. A few at either "
            "end are common; most heads of a layer are not.",
        ),
        Part(
            "What goes wrong",
            rows=(
                ("ATT301", "collapse: heads that look at one position only"),
                ("ATT302", "uniform: heads that average over everything"),
                ("ATT303", "logits beyond 100, which make softmax all or nothing"),
                ("ATT304", "rows with every key masked, which are NaN"),
                ("OUT208", "a softmax over another axis than the keys"),
            ),
        ),
    ),
    ("attention", "attention scores", "self-attention"),
)

TOPICS = (FEED_FORWARD, LLAMA, ATTENTION)
