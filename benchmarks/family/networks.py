"""The networks of the family: written as people write them, some with modules, some with calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from benchmarks.family import data
from sample_models.factories import LlamaAttention

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.family.case import Case

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "softplus": nn.Softplus,
    "hardswish": nn.Hardswish,
    "mish": nn.Mish,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "hardtanh": nn.Hardtanh,
    "identity": nn.Identity,
}
HEADS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "softmax": lambda: nn.Softmax(dim=-1),
}
ROWS, PIXELS, HEADS_OF_ATTENTION = 8, 8, 4


def build(case: Case) -> nn.Module:
    """The untrained network of a case, on rows of features or of character ids."""
    split = data.raw(case.data)
    inputs = split.train_x.shape[1]
    body = NETWORKS[case.network](case, inputs, split.outputs)
    return nn.Sequential(body, HEADS[case.head]()) if case.head != "none" else body


def _between(case: Case, width: int, *, images: bool = False) -> list[nn.Module]:
    """What follows a layer: a norm, the activation, dropout; identities are left out."""
    norms: dict[str, Callable[[], nn.Module]] = {
        "batch": lambda: (nn.BatchNorm2d if images else nn.BatchNorm1d)(
            width, momentum=case.momentum
        ),
        "layer": lambda: nn.GroupNorm(1, width) if images else nn.LayerNorm(width),
    }
    found = [norms[case.norm]()] if case.norm != "none" else []
    if case.activation != "identity":
        found.append(ACTIVATIONS[case.activation]())
    return [*found, nn.Dropout(case.dropout)] if case.dropout else found


def mlp(case: Case, inputs: int, outputs: int) -> nn.Module:
    """``depth`` hidden layers."""
    layers: list[nn.Module] = []
    for depth in range(case.depth):
        layers.append(nn.Linear(inputs if depth == 0 else case.width, case.width))
        layers += _between(case, case.width)
    return nn.Sequential(*layers, nn.Linear(case.width, outputs))


def cnn(case: Case, inputs: int, outputs: int) -> nn.Module:
    """``depth`` convolutions, pooled twice, on images of 8 x 8."""
    layers: list[nn.Module] = [nn.Unflatten(1, (1, PIXELS, PIXELS))]
    for depth in range(case.depth):
        layers.append(nn.Conv2d(1 if depth == 0 else case.width, case.width, 3, padding=1))
        layers += _between(case, case.width, images=True)
        if depth < 2:  # noqa: PLR2004 - 8 to 4 to 2
            layers.append(nn.MaxPool2d(2))
    side = PIXELS // 2 ** min(case.depth, 2)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(case.width * side * side, outputs))


class Residual(nn.Module):
    """Blocks of two layers on a residual path, with or without a norm at their start."""

    def __init__(self, case: Case, inputs: int, outputs: int) -> None:
        super().__init__()
        width = case.width
        self.stem = nn.Linear(inputs, width)
        self.norms = nn.ModuleList(
            nn.LayerNorm(width) if case.norm != "none" else nn.Identity() for _ in range(case.depth)
        )
        self.inner = nn.ModuleList(nn.Linear(width, width) for _ in range(case.depth))
        self.outer = nn.ModuleList(nn.Linear(width, width) for _ in range(case.depth))
        self.act = ACTIVATIONS[case.activation]()
        self.head = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(n, outputs)`` of ``(n, inputs)``."""
        x = self.stem(x)
        for norm, inner, outer in zip(self.norms, self.inner, self.outer, strict=True):
            x = x + outer(self.act(inner(norm(x))))
        out: Tensor = self.head(x)
        return out


class Encoder(nn.Module):
    """The rows of an image as tokens, encoder layers, mean over tokens."""

    def __init__(self, case: Case, inputs: int, outputs: int) -> None:
        super().__init__()
        self.embed = nn.Linear(inputs // ROWS, case.width)
        self.position = nn.Parameter(torch.randn(ROWS, case.width) * 0.1)
        layer = nn.TransformerEncoderLayer(
            case.width,
            HEADS_OF_ATTENTION,
            2 * case.width,
            case.dropout,
            activation=ACTIVATIONS[case.activation](),
            batch_first=True,
            norm_first=case.norm == "pre",
        )
        self.encoder = nn.TransformerEncoder(layer, case.depth, enable_nested_tensor=False)
        self.head = nn.Linear(case.width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(n, outputs)`` of images ``(n, 64)``."""
        tokens = self.embed(x.reshape(len(x), ROWS, -1)) + self.position
        out: Tensor = self.head(self.encoder(tokens).mean(dim=1))
        return out


class Block(nn.Module):
    """Causal attention and a gated feed-forward network, each behind a norm."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        width, hidden = case.width, 2 * case.width
        self.attention_norm, self.ffn_norm = nn.RMSNorm(width), nn.RMSNorm(width)
        self.attention = LlamaAttention(width, HEADS_OF_ATTENTION)
        self.gate_proj = nn.Linear(width, hidden, bias=False)
        self.up_proj = nn.Linear(width, hidden, bias=False)
        self.down_proj = nn.Linear(hidden, width, bias=False)
        self.act = ACTIVATIONS[case.activation]()

    def forward(self, x: Tensor) -> Tensor:
        """Tokens ``(batch, tokens, width)`` in and out."""
        x = x + self.attention(self.attention_norm(x))
        y = self.ffn_norm(x)
        out: Tensor = x + self.down_proj(self.act(self.gate_proj(y)) * self.up_proj(y))
        return out


class Decoder(nn.Module):
    """A language model over characters with gated feed-forward networks."""

    def __init__(self, case: Case, inputs: int, outputs: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(outputs, case.width)
        self.layers = nn.ModuleList(Block(case) for _ in range(case.depth))
        self.norm = nn.RMSNorm(case.width)
        self.dropout = nn.Dropout(case.dropout)
        self.head = nn.Linear(case.width, outputs, bias=False)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits ``(batch, tokens, outputs)`` of ids ``(batch, tokens)``."""
        x = self.embed(ids)
        for layer in self.layers:
            x = layer(x)
        out: Tensor = self.head(self.dropout(self.norm(x)))
        return out


class Recurrent(nn.Module):
    """An LSTM over the rows of an image, or over embedded characters."""

    def __init__(self, case: Case, inputs: int, outputs: int) -> None:
        super().__init__()
        self.of_text = case.data == "text"
        self.embed = nn.Embedding(outputs, case.width) if self.of_text else nn.Identity()
        size = case.width if self.of_text else inputs // ROWS
        self.lstm = nn.LSTM(size, case.width, case.depth, batch_first=True)
        self.dropout = nn.Dropout(case.dropout)
        self.head = nn.Linear(case.width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of each token of ``(batch, tokens)`` ids, or of images ``(n, 64)``."""
        states, _ = self.lstm(self.embed(x) if self.of_text else x.reshape(len(x), ROWS, -1))
        out: Tensor = self.head(self.dropout(states if self.of_text else states[:, -1]))
        return out


NETWORKS: dict[str, Callable[[Case, int, int], nn.Module]] = {
    "mlp": mlp,
    "cnn": cnn,
    "residual": Residual,
    "transformer": Encoder,
    "decoder": Decoder,
    "lstm": Recurrent,
}
