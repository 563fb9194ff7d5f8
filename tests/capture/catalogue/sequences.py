"""Where the features lie: time first or last, rows of tokens, patches, bags."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.capture.catalogue.case import Catalogue, drawn, ids

SEQUENCES = Catalogue()
IMAGE, SEQUENCE = drawn(4, 3, 8, 8), drawn(4, 5, 8)


@SEQUENCES.case(
    """
    input input input 8
    0 linear linear 6 input
    1 activation relu 6 0
    2 norm layer_norm 6 1
    3 linear linear 3 2
    4 activation softmax 3 3 (answer)
    """,
    SEQUENCE,
)
def features_last():
    return nn.Sequential(
        nn.Linear(8, 6), nn.ReLU(), nn.LayerNorm(6), nn.Linear(6, 3), nn.Softmax(-1)
    )


@SEQUENCES.case(
    """
    input input input 8
    layer linear linear 6 input
    relu activation relu 6 layer
    head linear linear 2 relu (answer)
    """,
    SEQUENCE.transpose(0, 1),
)
class TimeFirst(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.head = nn.Linear(8, 6), nn.Linear(6, 2)

    def forward(self, x):
        return self.head(torch.relu(self.layer(x)).mean(0))


@SEQUENCES.case(
    """
    input input input 8
    conv conv conv1d 6 input
    gelu activation gelu 6 conv
    relu activation relu 6 gelu
    norm norm layer_norm 6 relu (answer)
    """,
    SEQUENCE,
)
class ConvOverTime(nn.Module):
    """Features last, first for the convolution, last again."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv1d(8, 6, 3, padding=1), nn.LayerNorm(6)

    def forward(self, x):
        x = F.gelu(self.conv(x.transpose(1, 2)))
        return self.norm(torch.relu(x.permute(0, 2, 1)))


@SEQUENCES.case(
    """
    input input input 3
    depth conv conv2d 3 input
    norm norm layer_norm 3 depth
    up linear linear 12 norm
    gelu activation gelu 12 up
    down linear linear 3 gelu
    output output output 3 input down (answer)
    """,
    IMAGE,
)
class ConvNeXt(nn.Module):
    def __init__(self):
        super().__init__()
        self.depth, self.norm = nn.Conv2d(3, 3, 3, padding=1, groups=3), nn.LayerNorm(3)
        self.up, self.down = nn.Linear(3, 12), nn.Linear(12, 3)

    def forward(self, x):
        h = self.norm(self.depth(x).permute(0, 2, 3, 1))
        return x + self.down(F.gelu(self.up(h))).permute(0, 3, 1, 2)


@SEQUENCES.case(
    """
    input input input 8
    layer linear linear 6 input
    relu activation relu 6 layer
    head linear linear 3 relu
    tanh activation tanh 3 head (answer)
    """,
    SEQUENCE,
)
class TokensAsRows(nn.Module):
    """Tokens flattened into rows and taken apart again."""

    def __init__(self):
        super().__init__()
        self.layer, self.head = nn.Linear(8, 6), nn.Linear(6, 3)

    def forward(self, x):
        rows = torch.relu(self.layer(x.reshape(-1, 8)))
        return self.head(rows).view(x.shape[0], x.shape[1], 3).tanh()


@SEQUENCES.case(
    """
    input input input 3
    patch conv conv2d 6 input
    norm norm layer_norm 6 patch
    relu activation relu 6 norm
    head linear linear 2 relu (answer)
    """,
    IMAGE,
)
class Patches(nn.Module):
    """A vision transformer's stem: patches by a convolution, a class token in front."""

    def __init__(self):
        super().__init__()
        self.patch, self.token = nn.Conv2d(3, 6, 4, 4), nn.Parameter(torch.zeros(1, 1, 6))
        self.norm, self.head = nn.LayerNorm(6), nn.Linear(6, 2)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.token.expand(x.shape[0], -1, -1), x), dim=1)
        return self.head(torch.relu(self.norm(x))[:, 0])


@SEQUENCES.case(
    """
    input input input ?
    bag block embedding_bag 6 input
    relu activation relu 6 bag
    table block embedding 6 input
    head linear linear 2 relu table (answer)
    """,
    ids(4, 5, below=9),
)
class Bags(nn.Module):
    def __init__(self):
        super().__init__()
        self.bag, self.table, self.head = nn.EmbeddingBag(9, 6), nn.Embedding(9, 6), nn.Linear(6, 2)

    def forward(self, x):
        return self.head(torch.relu(self.bag(x)) + self.table(x).sum(1))
