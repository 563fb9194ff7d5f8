"""Where the channels lie: convolutions of every kind, norms, pixel shuffles."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.capture.catalogue.case import Catalogue, drawn

CONVOLUTIONS = Catalogue()
IMAGE, SEQUENCE = drawn(4, 3, 8, 8), drawn(4, 5, 8)


def chain(*layers):
    return nn.Sequential(*layers)


@CONVOLUTIONS.case(
    """
    input input input 3
    0 conv conv1d 6 input
    1 activation relu 6 0
    2 block AvgPool1d 6 1
    4 linear linear 2 2 (answer)
    """,
    drawn(4, 3, 9),
)
def conv1d():
    return chain(nn.Conv1d(3, 6, 3), nn.ReLU(), nn.AvgPool1d(2), nn.Flatten(), nn.Linear(18, 2))


@CONVOLUTIONS.case(
    """
    input input input 2
    0 conv conv3d 5 input
    1 norm batch_norm 5 0
    2 activation tanh 5 1
    3 block AdaptiveAvgPool3d 5 2 (answer)
    """,
    drawn(4, 2, 4, 4, 4),
)
def conv3d():
    return chain(nn.Conv3d(2, 5, 3), nn.BatchNorm3d(5), nn.Tanh(), nn.AdaptiveAvgPool3d(1))


@CONVOLUTIONS.case(
    """
    input input input 3
    0 conv conv_transpose2d 6 input
    1 activation leaky_relu 6 0
    2 conv conv_transpose2d 1 1 (answer)
    """,
    drawn(4, 3, 4, 4),
)
def transposed():
    return chain(nn.ConvTranspose2d(3, 6, 2), nn.LeakyReLU(), nn.ConvTranspose2d(6, 1, 2))


@CONVOLUTIONS.case(
    """
    input input input 3
    0 conv conv2d 6 input
    1 activation relu6 6 0
    2 conv conv2d 6 1
    3 activation silu 6 2 (answer)
    """,
    IMAGE,
)
def grouped():
    return chain(nn.Conv2d(3, 6, 3, groups=3), nn.ReLU6(), nn.Conv2d(6, 6, 3, groups=6), nn.SiLU())


@CONVOLUTIONS.case(
    """
    input input input 3
    0 conv conv2d 6 input
    1 activation relu 6 0 (answer)
    """,
    drawn(3, 8, 8),
    samples=1,
)
def unbatched():
    return chain(nn.Conv2d(3, 6, 3), nn.ReLU())


@CONVOLUTIONS.case(
    """
    input input input 3
    0 conv conv2d 6 input
    1 norm batch_norm 6 0
    2 activation relu 6 1
    3 conv conv2d 2 2 (answer)
    """,
    IMAGE.contiguous(memory_format=torch.channels_last),
)
def channels_last():
    model = chain(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 2, 1))
    return model.to(memory_format=torch.channels_last)


@CONVOLUTIONS.case(
    """
    input input input 3
    0 conv conv2d 8 input
    1 block PixelShuffle 2 0
    2 activation relu 2 1
    3 block PixelUnshuffle 8 2
    4 activation tanh 8 3 (answer)
    """,
    IMAGE,
)
def pixel_shuffle():
    return chain(nn.Conv2d(3, 8, 3), nn.PixelShuffle(2), nn.ReLU(), nn.PixelUnshuffle(2), nn.Tanh())


@CONVOLUTIONS.case(
    """
    input input input 3
    0 conv conv2d 4 input
    2 activation relu 144 0
    3 linear linear 5 2
    4 activation sigmoid 5 3 (answer)
    """,
    IMAGE,
)
def flattened():
    return chain(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.ReLU(), nn.Linear(144, 5), nn.Sigmoid())


@CONVOLUTIONS.case(
    """
    input input input 3
    0 conv conv2d 4 input
    1 norm group_norm 4 0
    2 activation relu 4 1
    3 norm instance_norm 4 2
    4 norm layer_norm 6 3 (answer)
    """,
    IMAGE,
)
def norms():
    return chain(
        nn.Conv2d(3, 4, 3),
        nn.GroupNorm(2, 4),
        nn.ReLU(),
        nn.InstanceNorm2d(4),
        nn.LayerNorm([6, 6]),
    )


@CONVOLUTIONS.case(
    """
    input input input 3
    down conv conv2d 4 input
    relu activation relu 4 down
    mid conv conv2d 4 relu
    relu#2 activation relu 4 mid
    up conv conv2d 2 relu#2 input
    sigmoid activation sigmoid 2 up (answer)
    """,
    IMAGE,
)
class UNet(nn.Module):
    """Concatenated along the channels, upsampled in between."""

    def __init__(self):
        super().__init__()
        self.down, self.mid, self.up = (
            nn.Conv2d(3, 4, 3, 2, 1),
            nn.Conv2d(4, 4, 1),
            nn.Conv2d(7, 2, 1),
        )

    def forward(self, x):
        h = torch.relu(self.mid(torch.relu(self.down(x))))
        return self.up(torch.cat((F.interpolate(h, scale_factor=2.0), x), dim=1)).sigmoid()
