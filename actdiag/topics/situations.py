"""Pages for what people set out to do: understand a block, read an architecture, choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag import functions
from actdiag.functions import places
from actdiag.topics import architectures
from actdiag.topics.base import SITUATION, TABLE, Part, Topic

if TYPE_CHECKING:
    from collections.abc import Iterator

LOGITS = (2.0, 1.0, 0.1)
TEMPERATURES = (0.5, 1.0, 2.0)


def topics() -> Iterator[Topic]:
    """The situations, and the table of what belongs where."""
    yield from architectures.TOPICS
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
        "vanishing gradients",
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
        ("sigmoid depth", "vanishing"),
    )
