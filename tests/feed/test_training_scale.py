"""Built-in transforms by the training data's statistics, and layouts that are left alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from actdiag.errors import DataError
from actdiag.feed import open_data, synthetic
from tests.feed.reading import inputs_of

TRAIN = np.array([[0.0, 10.0], [2.0, 30.0]], "f4")


@pytest.mark.parametrize(
    ("transform", "expected", "word"),
    [("standardize", [[3.0, -2.0]], "standardized"), ("scale01", [[2.0, -0.5]], "scaled to 0..1")],
)
def test_the_training_data_decides(transform, expected, word):
    train = open_data(TRAIN, transform=transform)
    feed = open_data(np.array([[4.0, 0.0]], "f4"), transform=transform, scaled_like=train)
    assert torch.allclose(inputs_of(feed), torch.tensor(expected))
    assert f"each feature was {word} by the training data's statistics" in feed.notes
    assert f"each feature was {word} by the data's own statistics" in train.notes


def test_training_data_of_another_width():
    train = open_data(np.ones((4, 3), "f4"), transform="standardize")
    with pytest.raises(DataError, match="has 3 features where the data has 2"):
        open_data(TRAIN, transform="standardize", scaled_like=train)


class Reshapes(nn.Module):
    """Takes rows of 64 and makes images of them."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)

    def forward(self, x):
        return self.conv(x.view(-1, 1, 8, 8)).flatten(1)


def test_what_the_model_takes_is_not_mended():
    rows, model = np.ones((4, 64), "f4"), Reshapes()

    def probe(batch):
        return model(*batch.inputs)

    assert open_data(rows, module=model, fix_input=True, probe=probe).sample_shape == (64,)
    assert open_data(rows, module=model, fix_input=True).sample_shape == (1, 8, 8)
    plain = nn.Conv2d(1, 2, 3)
    mended = open_data(rows, module=plain, fix_input=True, probe=lambda b: plain(*b.inputs))
    assert mended.sample_shape == (1, 8, 8)


def test_synthetic_input_is_tried_until_each_sample_has_an_answer():
    model = Reshapes()
    feed = synthetic(model, probe=lambda batch: model(*batch.inputs))
    assert feed.sample_shape == (1, 8, 8)
    assert feed.notes == ("the shape was inferred from Conv2d 'conv' and tried on the model",)


def test_synthetic_rows_for_a_model_that_cuts_them():
    lstm = nn.LSTM(8, 4, batch_first=True)
    model = nn.Module()
    model.lstm = lstm
    model.forward = lambda x: lstm(x.view(-1, 8, 8))[0][:, -1]
    feed = synthetic(model, probe=lambda batch: model.forward(*batch.inputs))
    assert feed.sample_shape == (64,)


def test_synthetic_input_that_the_model_never_takes_says_so():
    def probe(batch):
        raise ValueError

    feed = synthetic(nn.Linear(3, 2), probe=probe)
    assert feed.sample_shape == (3,)
    assert feed.notes[0].endswith("but the model takes no shape that was tried")
