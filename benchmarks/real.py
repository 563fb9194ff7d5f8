"""Two trained networks out of public wheels, on their own data, beside the shapes."""

from __future__ import annotations

import copy
import sys
from typing import TYPE_CHECKING

import torch

from actdiag.load import load_model
from benchmarks.models import Shape
from tests.real.models import MODELS
from tests.real.wheels import UnavailableError

if TYPE_CHECKING:
    from torch import Tensor

SIDE, MANY = 224, 4  # of the crops of photographs


def real_shapes() -> list[Shape]:
    """O-Net of facenet-pytorch on faces, and XFeat on crops of photographs; told if not there."""
    found = []
    for make in (_faces, _photographs):
        try:
            found.append(make())
        except UnavailableError as error:
            print(f"left out: {error}", file=sys.stderr)
    return found


def _faces() -> Shape:
    images, _ = MODELS["onet"].feed()
    images = torch.as_tensor(images)

    def make(generator: torch.Generator) -> Tensor:
        return images[torch.randint(len(images), (64,), generator=generator)]

    return _shape("O-Net", "onet", make, 64)


def _photographs() -> Shape:
    pictures = [one for one in MODELS["xfeat"].feed() if min(one.shape[2:]) >= SIDE]

    def make(generator: torch.Generator) -> Tensor:
        return torch.cat([_crop(pictures, generator) for _ in range(MANY)])

    return _shape("XFeat", "xfeat", make, MANY)


def _crop(pictures: list[Tensor], generator: torch.Generator) -> Tensor:
    def below(limit: int) -> int:
        return int(torch.randint(limit, (1,), generator=generator))

    picture = pictures[below(len(pictures))]
    top, left = (below(size - SIDE + 1) for size in picture.shape[2:])
    return picture[:, :, top : top + SIDE, left : left + SIDE]


def _shape(title: str, name: str, make: object, samples: int) -> Shape:
    known = MODELS[name]
    module = load_model(
        known.path, factory=known.factory, factory_args=dict(known.arguments)
    ).module
    if module is None:
        raise RuntimeError(f"{name} cannot be run")
    return Shape(title, lambda: copy.deepcopy(module), make, samples)  # type: ignore[arg-type]
