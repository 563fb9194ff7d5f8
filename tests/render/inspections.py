"""Inspections written by hand: a plain one, one that needs trust, and a hostile one."""

from __future__ import annotations

from actdiag.records import (
    Fit,
    Found,
    GatedFFN,
    Inspection,
    KindCount,
    Layer,
    Place,
    TensorFacts,
    ToolInfo,
    TrustVerdict,
)

PLACES = (
    ("hidden layer, MLP or CNN", "ReLU or GELU", "fast, works well"),
    ("hidden layer, Transformer FFN", "GELU, SwiGLU or GeGLU", "smoother, standard"),
    ("multi-class output", "softmax", "a distribution over classes"),
    ("attention scores", "softmax", "weights sum to 1"),
)
BLOCKS = 3


def linear(name, inputs, outputs, depth):
    weight = TensorFacts("weight", (outputs, inputs), "float32")
    settings = {"in_features": inputs, "out_features": outputs}
    path = "torch.nn.modules.linear.Linear"
    return Layer(name, depth, path, (weight,), inputs * outputs, settings=settings)


def block(number):
    name = f"layers.{number}"
    yield Layer(name, 2, "net.Block", parameters=3 * 12_288, functions={"act": "silu"})
    yield linear(f"{name}.gate_proj", 64, 192, 3)
    yield linear(f"{name}.up_proj", 64, 192, 3)
    yield linear(f"{name}.down_proj", 192, 64, 3)


def layers():
    embedding = TensorFacts("weight", (100, 64), "float32")
    return (
        Layer("", 0, "net.Net", parameters=123_392),
        Layer("embed", 1, "torch.nn.modules.sparse.Embedding", (embedding,), 6_400),
        Layer("layers", 1, "torch.nn.modules.container.ModuleList", parameters=110_592),
        *(layer for number in range(BLOCKS) for layer in block(number)),
        linear("head", 64, 100, 1),
    )


def gated(number):
    name = f"layers.{number}"
    parts = (f"{name}.gate_proj", f"{name}.up_proj", f"{name}.down_proj")
    return GatedFFN(name, "swiglu", "silu", "module", *parts, "names", 64, 192, 36_864, 24_576)


def safe():
    names = tuple(f"layers.{number}" for number in range(BLOCKS))
    stacked = "linear layers with nothing in between act as one"
    found = (
        (Found(None, ("0 → 1",), "order", Fit.DIFFERS, stacked),),
        (Found("swiglu", names, "class name", Fit.FITS),),
        (Found(None, ("head",), "order", Fit.DEPENDS, "right where the loss applies it"),),
        (),
    )
    fits = (Fit.DIFFERS, Fit.FITS, Fit.DEPENDS, Fit.ABSENT)
    rows = zip(PLACES, fits, found, strict=True)
    return Inspection(
        tool=ToolInfo(version="0"),
        path="runs/net.pt",
        format="pickled-module",
        title="a torch.save file",
        trust=TrustVerdict(safe=True),
        size=495_123,
        sha256="0123456789abcdef" * 4,
        class_name="Net",
        parameters=123_392,
        trainable_parameters=123_000,
        buffers=12,
        dtypes={"float32": 123_392},
        kinds=(KindCount("linear", 10, 116_992), KindCount("embedding", 1, 6_400)),
        training={"optimizer": "Adam", "lr": 0.0003, "step": 1200},
        places=tuple(Place(*place, fit, one, "") for place, fit, one in rows),
        gated=tuple(gated(number) for number in range(BLOCKS)),
        layers=layers(),
        notes=("Activation functions called in the forward can't be seen.",),
    )


def refused():
    return Inspection(
        tool=ToolInfo(version="0"),
        path="download.ckpt",
        format="pickled-module",
        title="a torch.save file",
        trust=TrustVerdict(
            safe=False,
            wants=tuple(f"package.module.Class{number}" for number in range(25)),
            why="loading it would run code from outside torch.nn.",
            advice="If you trust its source, add --trust.",
        ),
        size=1,
        sha256="f" * 64,
        opened=False,
        notes=("Its layers can't be told without loading it.",),
        proposal="def build():\n    return None\n",
    )


EVIL = "\x1b[31mred\n::add-mask::x [bold]b[/bold] <script>\u202e" + "long" * 30


def hostile():
    tensor = TensorFacts(EVIL, (2, 2), EVIL)
    found = Found(EVIL, (EVIL,), EVIL, Fit.DIFFERS, EVIL)
    return Inspection(
        tool=ToolInfo(version="0"),
        path=EVIL,
        format="state-dict",
        title="a torch.save file",
        trust=TrustVerdict(safe=False, wants=(EVIL,), why=EVIL, advice=EVIL),
        sha256="0" * 64,
        class_name=EVIL,
        parameters=4,
        dtypes={EVIL: 4},
        kinds=(KindCount("other", 1, 4),),
        training={"optimizer": EVIL},
        places=(Place(*PLACES[0], Fit.DIFFERS, (found,), EVIL),),
        layers=(Layer("", 0, EVIL), Layer(EVIL, 1, EVIL, (tensor,), 4, functions={EVIL: EVIL})),
        proposal=EVIL,
        notes=(EVIL,),
    )


ALL = {"safe": safe, "refused": refused, "hostile": hostile}
