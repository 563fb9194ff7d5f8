"""Folders of images: read on demand, subfolders are classes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from actdiag.errors import DataError
from actdiag.feed import open_data
from tests.feed.reading import labels_of

Image = pytest.importorskip("PIL.Image")


def write(path, value=0, size=(6, 4), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value if mode != "RGB" else (value, 0, 255)).save(path)


def test_subfolders_give_the_labels(tmp_path):
    write(tmp_path / "dog" / "1.png", 51)
    write(tmp_path / "cat" / "b.png", 102)
    write(tmp_path / "cat" / "a.png", 204)
    feed = open_data(tmp_path)
    (batch,) = feed
    assert batch.inputs[0].shape == (3, 3, 4, 6)
    assert torch.allclose(batch.inputs[0][:, 0, 0, 0], torch.tensor([0.8, 0.4, 0.2]))
    assert labels_of(batch).tolist() == [0, 0, 1]
    assert "labels are the subfolders: 0 = cat, 1 = dog" in feed.notes
    assert "images were scaled from 0..255 to 0..1" in feed.notes


def test_the_model_decides_on_grey_or_colour(tmp_path):
    write(tmp_path / "1.png", 255)
    (batch,) = open_data(tmp_path, module=nn.Sequential(nn.Conv2d(1, 2, 3)))
    assert batch.inputs[0].shape == (1, 1, 4, 6)
    assert batch.labels is None


def test_only_the_sampled_images_are_read(tmp_path):
    for number in range(20):
        write(tmp_path / f"{number:02}.png", number, mode="L")
    feed = open_data(tmp_path, max_samples=5)
    (batch,) = feed
    read = (batch.inputs[0][:, 0, 0, 0] * 255).round().int().tolist()
    assert len(read) == 5
    assert read == sorted(read)
    assert read != list(range(5))


def test_sizes_that_differ(tmp_path):
    write(tmp_path / "a.png")
    write(tmp_path / "b.png", size=(7, 4))
    with pytest.raises(DataError, match=r"b.png is 7 × 4 pixels, the first image 6 × 4"):
        list(open_data(tmp_path))


def test_folders_that_hold_no_images(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros(3))
    with pytest.raises(DataError, match="there are no images in") as caught:
        open_data(tmp_path)
    assert "It holds x.npy" in caught.value.hint


def test_images_beside_folders(tmp_path):
    write(tmp_path / "a.png")
    write(tmp_path / "cat" / "b.png")
    with pytest.raises(DataError, match="holds images beside folders of images"):
        open_data(tmp_path)


def test_damaged_and_deep_images(tmp_path):
    write(tmp_path / "a" / "a.png")
    data = (tmp_path / "a" / "a.png").read_bytes()
    (tmp_path / "a" / "a.png").write_bytes(data[:45])
    with pytest.raises(DataError, match="is no readable image"):
        open_data(tmp_path / "a")
    (tmp_path / "b").mkdir()
    Image.fromarray(np.full((4, 6), 1000, dtype=np.uint16)).save(tmp_path / "b" / "b.png")
    with pytest.raises(DataError, match="16 bits or more"):
        open_data(tmp_path / "b")


def test_an_image_too_large_to_be_meant(tmp_path, monkeypatch):
    write(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(DataError, match="is no readable image"):
        open_data(tmp_path)
