"""Where the units lie: convolutions of every kind, sequences, heads, moves and reshapes."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.capture.catalogue.case import Catalogue, drawn, ids

AXES = Catalogue()
IMAGE, SEQUENCE = drawn(4, 3, 8, 8), drawn(4, 5, 8)


def chain(*layers):
    return nn.Sequential(*layers)


@AXES.case("", drawn(4, 3, 9))
def conv1d():
    return chain(nn.Conv1d(3, 6, 3), nn.ReLU(), nn.AvgPool1d(2), nn.Flatten(), nn.Linear(18, 2))


@AXES.case("", drawn(4, 2, 4, 4, 4))
def conv3d():
    return chain(nn.Conv3d(2, 5, 3), nn.BatchNorm3d(5), nn.Tanh(), nn.AdaptiveAvgPool3d(1))


@AXES.case("", drawn(4, 3, 4, 4))
def transposed():
    return chain(nn.ConvTranspose2d(3, 6, 2), nn.LeakyReLU(), nn.ConvTranspose2d(6, 1, 2))


@AXES.case("", IMAGE)
def grouped():
    return chain(nn.Conv2d(3, 6, 3, groups=3), nn.ReLU6(), nn.Conv2d(6, 6, 3, groups=6), nn.SiLU())


@AXES.case("", drawn(3, 8, 8))
def unbatched():
    return chain(nn.Conv2d(3, 6, 3), nn.ReLU())


@AXES.case("", IMAGE.contiguous(memory_format=torch.channels_last))
def channels_last():
    model = chain(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 2, 1))
    return model.to(memory_format=torch.channels_last)


@AXES.case("", SEQUENCE)
def features_last():
    return chain(nn.Linear(8, 6), nn.ReLU(), nn.LayerNorm(6), nn.Linear(6, 3), nn.Softmax(-1))


@AXES.case("", SEQUENCE.transpose(0, 1))
class TimeFirst(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.head = nn.Linear(8, 6), nn.Linear(6, 2)

    def forward(self, x):
        return self.head(torch.relu(self.layer(x)).mean(0))


@AXES.case("", SEQUENCE)
class ConvOverTime(nn.Module):
    """Features last, first for the convolution, last again."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv1d(8, 6, 3, padding=1), nn.LayerNorm(6)

    def forward(self, x):
        x = F.gelu(self.conv(x.transpose(1, 2)))
        return self.norm(torch.relu(x.permute(0, 2, 1)))


@AXES.case("", IMAGE)
class ConvNeXt(nn.Module):
    def __init__(self):
        super().__init__()
        self.depth, self.norm = nn.Conv2d(3, 3, 3, padding=1, groups=3), nn.LayerNorm(3)
        self.up, self.down = nn.Linear(3, 12), nn.Linear(12, 3)

    def forward(self, x):
        h = self.norm(self.depth(x).permute(0, 2, 3, 1))
        return x + self.down(F.gelu(self.up(h))).permute(0, 3, 1, 2)


@AXES.case("", IMAGE)
def pixel_shuffle():
    return chain(nn.Conv2d(3, 8, 3), nn.PixelShuffle(2), nn.ReLU(), nn.PixelUnshuffle(2), nn.Tanh())


@AXES.case("", IMAGE)
def flattened():
    return chain(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.ReLU(), nn.Linear(144, 5), nn.Sigmoid())


@AXES.case("", SEQUENCE)
class TokensAsRows(nn.Module):
    """Tokens flattened into rows and taken apart again."""

    def __init__(self):
        super().__init__()
        self.layer, self.head = nn.Linear(8, 6), nn.Linear(6, 3)

    def forward(self, x):
        rows = torch.relu(self.layer(x.reshape(-1, 8)))
        return self.head(rows).view(x.shape[0], x.shape[1], 3).tanh()


@AXES.case("", IMAGE)
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


@AXES.case("", IMAGE)
def norms():
    return chain(
        nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.ReLU(), nn.InstanceNorm2d(4), nn.LayerNorm([6, 6])
    )


@AXES.case("", ids(4, 5, below=9))
class Bags(nn.Module):
    def __init__(self):
        super().__init__()
        self.bag, self.table, self.head = nn.EmbeddingBag(9, 6), nn.Embedding(9, 6), nn.Linear(6, 2)

    def forward(self, x):
        return self.head(torch.relu(self.bag(x)) + self.table(x).sum(1))


@AXES.case("", IMAGE)
class UNet(nn.Module):
    """Concatenated along the channels, upsampled in between."""

    def __init__(self):
        super().__init__()
        self.down, self.mid, self.up = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, 1), nn.Conv2d(7, 2, 1)

    def forward(self, x):
        h = torch.relu(self.mid(torch.relu(self.down(x))))
        return self.up(torch.cat((F.interpolate(h, scale_factor=2.0), x), dim=1)).sigmoid()
