"""Builders for the sample models stored as state dicts, written the way a user would write them.

Each takes no argument and returns an untrained module: ``actdiag scan
sample_models/models/tiny_llama.pt sample_models/data/text.npz --model
sample_models/factories.py:tiny_llama``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class DigitsCNN(nn.Module):
    """Two convolutions with functional ReLU and pooling; images arrive as rows of 64 values."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, kernel_size=3, padding=1)
        self.fc = nn.Linear(16 * 2 * 2, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(n, 10)`` of images ``(n, 64)``."""
        x = x.view(-1, 1, 8, 8)
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        logits: Tensor = self.fc(x.flatten(1))
        return logits


class TanhNet(nn.Module):
    """Two hidden layers with ``torch.tanh`` called as a function."""

    def __init__(self, inputs: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(inputs, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.head = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(n, classes)`` of ``(n, inputs)``."""
        x = torch.tanh(self.fc1(x))
        x = torch.tanh(self.fc2(x))
        logits: Tensor = self.head(x)
        return logits


class LogFeaturesMLP(nn.Module):
    """Takes the logarithm of skewed measurements, normalises them and classifies."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(30)
        self.fc1 = nn.Linear(30, 32)
        self.fc2 = nn.Linear(32, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(n, 2)`` of positive measurements ``(n, 30)``."""
        x = self.norm(torch.log(x))
        logits: Tensor = self.fc2(F.relu(self.fc1(x)))
        return logits


class DigitsTransformer(nn.Module):
    """The eight rows of an image as tokens, two pre-norm encoder layers with GELU, mean pooling."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.embed = nn.Linear(8, width)
        self.position = nn.Parameter(torch.randn(8, width) * 0.1)
        layer = nn.TransformerEncoderLayer(
            width,
            nhead=4,
            dim_feedforward=64,
            dropout=0.1,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.encoder = nn.TransformerEncoder(layer, num_layers=2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(n, 10)`` of images ``(n, 64)``."""
        tokens = self.embed(x.view(-1, 8, 8)) + self.position
        logits: Tensor = self.head(self.norm(self.encoder(tokens)).mean(dim=1))
        return logits


class DigitsLSTM(nn.Module):
    """The eight rows of an image as a sequence; the last hidden state is classified."""

    def __init__(self, hidden: int = 32) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, hidden, batch_first=True)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(hidden, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(n, 10)`` of images ``(n, 64)``."""
        states, _ = self.lstm(x.view(-1, 8, 8))
        logits: Tensor = self.head(self.dropout(states[:, -1]))
        return logits


def rotate(x: Tensor, base: float = 10_000.0) -> Tensor:
    """Rotary position embedding: the halves of ``(..., tokens, size)`` turned by their position."""
    tokens, half = x.shape[-2], x.shape[-1] // 2
    frequency = base ** (-torch.arange(half, device=x.device) / half)
    angle = torch.arange(tokens, device=x.device)[:, None] * frequency
    first, second = x.chunk(2, dim=-1)
    return torch.cat(
        [first * angle.cos() - second * angle.sin(), first * angle.sin() + second * angle.cos()],
        dim=-1,
    )


class LlamaAttention(nn.Module):
    """Causal self-attention with rotary positions and no biases."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(width, width, bias=False)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width, bias=False)
        self.o_proj = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens ``(batch, tokens, width)`` in and out."""
        q, k, v = (
            projection(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed = F.scaled_dot_product_attention(rotate(q), rotate(k), v, is_causal=True)
        out: Tensor = self.o_proj(mixed.transpose(1, 2).flatten(2))
        return out


class SwiGLU(nn.Module):
    """Gated feed-forward network with three separate matrices."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(width, hidden, bias=False)
        self.up_proj = nn.Linear(width, hidden, bias=False)
        self.down_proj = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens ``(batch, tokens, width)`` in and out."""
        out: Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return out


class LlamaBlock(nn.Module):
    """Pre-norm attention and SwiGLU, each on a residual path."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(width)
        self.attention = LlamaAttention(width, heads)
        self.ffn_norm = nn.RMSNorm(width)
        self.ffn = SwiGLU(width, hidden)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens ``(batch, tokens, width)`` in and out."""
        x = x + self.dropout(self.attention(self.attention_norm(x)))
        out: Tensor = x + self.dropout(self.ffn(self.ffn_norm(x)))
        return out


class TinyLlama(nn.Module):
    """A Llama-style decoder over characters."""

    def __init__(
        self, vocabulary: int, width: int = 48, heads: int = 4, hidden: int = 96, layers: int = 2
    ) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.layers = nn.ModuleList(LlamaBlock(width, heads, hidden) for _ in range(layers))
        self.norm = nn.RMSNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits ``(batch, tokens, vocabulary)`` of the next ids for ids ``(batch, tokens)``."""
        x = self.embed(ids)
        for layer in self.layers:
            x = layer(x)
        logits: Tensor = self.head(self.norm(x))
        return logits


def functional_cnn() -> nn.Module:
    """The convolutional network of ``functional_cnn.pt``."""
    return DigitsCNN()


def tanh_digits() -> nn.Module:
    """The tanh network of ``tanh_digits.pt`` and ``saturated_pixels.pt``."""
    return TanhNet(64, 96, 10)


def log_of_zero() -> nn.Module:
    """The network of ``log_of_zero.pt``."""
    return LogFeaturesMLP()


def tiny_transformer() -> nn.Module:
    """The encoder of ``tiny_transformer.pt`` and ``diverged_transformer.pt``."""
    return DigitsTransformer()


def tiny_llama() -> nn.Module:
    """The character model of ``tiny_llama.pt``."""
    return TinyLlama(VOCABULARY)


def digits_lstm() -> nn.Module:
    """The recurrent network of ``digits_lstm.pt``."""
    return DigitsLSTM()


VOCABULARY = 66
