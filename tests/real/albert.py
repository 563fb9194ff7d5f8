"""ALBERT (Lan et al. 2020) in the width of rxnmapper's weights, with the names of its file.

One block of weights is used twelve times. The pooler is in the file and has no part in the answer.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, arange, nn

VOCABULARY, NARROW, WIDE, HEADS, BLOCKS, EPSILON = 591, 128, 256, 8, 12, 1e-12


class Embeddings(nn.Module):
    """Tokens, positions and segments, summed."""

    def __init__(self) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(VOCABULARY, NARROW)
        self.position_embeddings = nn.Embedding(512, NARROW)
        self.token_type_embeddings = nn.Embedding(2, NARROW)
        self.LayerNorm = nn.LayerNorm(NARROW, eps=EPSILON)

    def forward(self, ids: Tensor) -> Tensor:
        """(N, T, 128) of one segment."""
        places = self.position_embeddings(arange(ids.shape[1], device=ids.device))
        return self.LayerNorm(
            self.word_embeddings(ids) + places + self.token_type_embeddings(ids * 0)
        )


class Attention(nn.Module):
    """Eight heads, with the residual and its norm."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key = nn.Linear(WIDE, WIDE), nn.Linear(WIDE, WIDE)
        self.value, self.dense = nn.Linear(WIDE, WIDE), nn.Linear(WIDE, WIDE)
        self.LayerNorm = nn.LayerNorm(WIDE, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, 256)."""

        def heads(part: Tensor) -> Tensor:
            return part.unflatten(2, (HEADS, -1)).transpose(1, 2)

        query, key, value = (heads(of(x)) for of in (self.query, self.key, self.value))
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self.LayerNorm(x + self.dense(mixed.transpose(1, 2).flatten(2)))


class Block(nn.Module):
    """Attention and a feed-forward network, each with the norm behind the residual."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = Attention()
        self.ffn, self.ffn_output = nn.Linear(WIDE, 2 * WIDE), nn.Linear(2 * WIDE, WIDE)
        self.activation = nn.GELU()
        self.full_layer_layer_norm = nn.LayerNorm(WIDE, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, 256)."""
        x = self.attention(x)
        return self.full_layer_layer_norm(self.ffn_output(self.activation(self.ffn(x))) + x)


class Group(nn.Module):
    """The layers that share their weights: one."""

    def __init__(self) -> None:
        super().__init__()
        self.albert_layers = nn.ModuleList([Block()])

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, 256)."""
        for layer in self.albert_layers:
            x = layer(x)
        return x


class Encoder(nn.Module):
    """The same group, twelve times."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding_hidden_mapping_in = nn.Linear(NARROW, WIDE)
        self.albert_layer_groups = nn.ModuleList([Group()])

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, 256)."""
        x = self.embedding_hidden_mapping_in(x)
        for _ in range(BLOCKS):
            x = self.albert_layer_groups[0](x)
        return x


class Albert(nn.Module):
    """Embeddings, encoder and the pooler that only classifiers use."""

    def __init__(self) -> None:
        super().__init__()
        self.embeddings, self.encoder = Embeddings(), Encoder()
        self.pooler = nn.Linear(WIDE, WIDE)

    def forward(self, ids: Tensor) -> Tensor:
        """(N, T, 256)."""
        return self.encoder(self.embeddings(ids))


class Predictions(nn.Module):
    """Logits for every token of the vocabulary."""

    def __init__(self) -> None:
        super().__init__()
        self.dense, self.activation = nn.Linear(WIDE, NARROW), nn.GELU()
        self.LayerNorm = nn.LayerNorm(NARROW, eps=EPSILON)
        self.decoder = nn.Linear(NARROW, VOCABULARY)
        self.bias = self.decoder.bias  # the file holds it under both names

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, 591)."""
        return self.decoder(self.LayerNorm(self.activation(self.dense(x))))


class RxnMapper(nn.Module):
    """Masked-language model over the tokens of a reaction (Schwaller et al. 2021)."""

    def __init__(self) -> None:
        super().__init__()
        self.albert, self.predictions = Albert(), Predictions()

    def forward(self, ids: Tensor) -> Tensor:
        """(N, T, 591) of token ids (N, T)."""
        return self.predictions(self.albert(ids))
