"""Pages for what people set out to do: understand a block, read an architecture, choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag import functions
from actdiag.functions import places
from actdiag.topics.base import SITUATION, TABLE, Part, Topic

if TYPE_CHECKING:
    from collections.abc import Iterator

LOGITS = (2.0, 1.0, 0.1)
TEMPERATURES = (0.5, 1.0, 2.0)


def topics() -> Iterator[Topic]:
    """The situations, and the table of what belongs where."""
    yield FEED_FORWARD
    yield LLAMA
    yield ATTENTION
    yield _temperature()
    yield CHOOSING
    yield _depth()
    yield Topic(
        TABLE,
        "where to use what",
        "Where to use what",
        (
            Part(
                "", rows=tuple((one.place, f"{one.expected}: {one.reason}") for one in places.ALL)
            ),
            Part(
                "In a Transformer",
                "ReLU is not for the feed-forward network of a new model (ARC603).",
            ),
            Part(
                "For a model of yours", "actdiag inspect MODEL fills this table in for its layers."
            ),
        ),
        ("places", "table", "which activation where", "where to use which activation"),
    )


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
    ("llama", "mistral", "palm", "reading llama", "reading mistral", "llama architecture"),
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

CHOOSING = Topic(
    SITUATION,
    "choosing for a new model",
    "Choosing an activation function for a new model",
    (
        Part(
            "",
            rows=(
                ("Transformers", "GELU, or SwiGLU or GeGLU for a gated network"),
                ("CNNs and MLPs", "ReLU: simple, fast, works well"),
                ("dead ReLUs", "Leaky ReLU first; PReLU and ELU are the other fixes"),
                ("outputs", "by the task: explain 'where to use what'"),
            ),
        ),
        Part(
            "Why",
            "ReLU passes a gradient of 1 for x > 0, so active paths keep 1·1·1·1 = 1 where "
            "sigmoids keep 0.004. GELU has smoother gradients, a slight regularising effect and "
            "lets small negatives through. A gate learns which information passes, which is more "
            "expressive than a fixed function, at the price of a third matrix.",
        ),
    ),
    ("choosing", "new model", "which activation", "which activation function"),
)


def _temperature() -> Topic:
    rows = []
    for temperature in TEMPERATURES:
        shares = functions.softmax(LOGITS, temperature)
        rows.append((f"T = {temperature:g}", ", ".join(f"{share:.3f}" for share in shares)))
    return Topic(
        SITUATION,
        "temperature in generation",
        "Temperature",
        (
            Part(
                "What it is",
                "Softmax of x / T. T < 1 sharpens the distribution, T > 1 softens it, T = 1 "
                "changes nothing; the order of the classes never changes.",
            ),
            Part(f"softmax([{', '.join(f'{value:g}' for value in LOGITS)}])", rows=tuple(rows)),
            Part(
                "In generation",
                "A low temperature takes the likeliest token nearly always, a high one makes rare "
                "tokens likelier.",
            ),
            Part(
                "For calibration",
                "A temperature fitted on held-out data repairs over-confidence without changing a "
                "single answer: OUT202, and the step 'add temperature scaling at inference'.",
            ),
        ),
        ("temperature", "temperature scaling", "softmax temperature", "sampling temperature"),
        function="softmax",
    )


def _depth() -> Topic:
    slope = functions.get("sigmoid").max_slope or 0.0
    rows = tuple(
        (f"{layers} layers", f"sigmoid {slope**layers:.1g}, ReLU 1 along active paths")
        for layers in (1, 2, 4, 10)
    )
    return Topic(
        SITUATION,
        "vanishing gradient",
        "Vanishing gradients: what is left of a gradient after several layers",
        (
            Part(
                "What it is",
                "Each layer multiplies the gradient by its activation's slope. Sigmoid's is at "
                f"most {slope:g} and about 0 at the extremes; ReLU's is 1 for x > 0 and 0 "
                "otherwise.",
            ),
            Part("At best", rows=rows),
            Part(
                "In your model",
                "actdiag scan MODEL DATA measures the mean slope of each layer and its product "
                "over depth (ACT104).",
            ),
        ),
        ("vanishing gradients", "sigmoid depth", "vanishing"),
    )
