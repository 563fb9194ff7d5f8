"""Made-up inputs: they fit, they say that they're made up, they repeat."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from actdiag.errors import UsageError
from actdiag.feed import shape_candidates, synthetic
from tests.feed.reading import inputs_of

MODELS = {
    "linear": (nn.Sequential(nn.Linear(30, 2)), (30,)),
    "grey": (nn.Sequential(nn.Conv2d(1, 2, 3)), (1, 28, 28)),
    "colour": (nn.Sequential(nn.Conv2d(3, 2, 3)), (3, 64, 64)),
    "signal": (nn.Sequential(nn.Conv1d(2, 2, 3)), (2, 128)),
    "volume": (nn.Sequential(nn.Conv3d(2, 2, 3)), (2, 16, 32, 32)),
    "ids": (nn.Sequential(nn.Embedding(7, 2)), (16,)),
    "lstm": (nn.LSTM(5, 2, batch_first=True), (16, 5)),
    "norm": (nn.Sequential(nn.BatchNorm1d(6)), (6,)),
    "image norm": (nn.Sequential(nn.BatchNorm2d(3)), (3, 64, 64)),
    "transformer": (nn.TransformerEncoderLayer(8, 2, batch_first=True), (16, 8)),
    "half": (nn.Linear(3, 2).bfloat16(), (3,)),
}


@pytest.mark.parametrize(("module", "shape"), MODELS.values(), ids=MODELS)
def test_the_shape_is_inferred_and_fits(module, shape):
    before = torch.get_rng_state()
    feed = synthetic(module, samples=6)
    (batch,) = feed
    assert torch.equal(before, torch.get_rng_state())
    assert feed.synthetic
    assert not feed.has_labels
    assert feed.sample_shape == shape
    assert feed.source.startswith("synthetic: ")
    assert str(shape) in feed.source
    assert feed.info.synthetic
    assert torch.equal(batch.inputs[0], next(iter(feed)).inputs[0])
    module(*batch.inputs)


def test_the_numbers_are_standard_normal_and_the_ids_in_range():
    values = inputs_of(synthetic(nn.Linear(100, 2), samples=1000))
    assert abs(values.mean()) < 0.02
    assert abs(values.std() - 1) < 0.02
    ids = inputs_of(synthetic(nn.Embedding(7, 2), samples=200))
    assert ids.unique().tolist() == list(range(7))


def test_a_time_first_layer_gets_time_first():
    feed = synthetic(nn.LSTM(5, 2), samples=6)
    (batch,) = feed
    assert batch.inputs[0].shape == (16, 6, 5)
    assert batch.samples == 6


@pytest.mark.parametrize(
    ("given", "shapes"),
    [
        ("3,32,32", [(3, 32, 32)]),
        ("3x32x32", [(3, 32, 32)]),
        ("(4,)", [(4,)]),
        ("3,8,8;10", [(3, 8, 8), (10,)]),
        ((3, 8), [(3, 8)]),
        (((3, 8), (2,)), [(3, 8), (2,)]),
    ],
)
def test_a_given_shape(given, shapes):
    (batch,) = synthetic(nn.ReLU(), input_shape=given, samples=2)
    assert [tuple(x.shape[1:]) for x in batch.inputs] == shapes


@pytest.mark.parametrize("given", ["", "3,a", "0,3", "-1", ";", (0,), "3,,4", 5])
def test_what_is_no_shape(given):
    with pytest.raises(UsageError, match="is not a shape") as caught:
        synthetic(nn.ReLU(), input_shape=given)
    assert "3,32,32;10" in caught.value.hint


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, left, right):
        return self.layer(left) + right


@pytest.mark.parametrize(
    ("module", "says"),
    [(nn.ReLU(), "no layer tells its input size"), (Two(), r"several inputs \(left, right\)")],
)
def test_what_cannot_be_inferred_names_the_option(module, says):
    with pytest.raises(UsageError, match=says) as caught:
        synthetic(module)
    assert "--input-shape" in caught.value.hint


def test_a_probe_chooses_among_the_candidates():
    module = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(2 * 30 * 30, 4))
    assert (3, 32, 32) in shape_candidates(module)
    feed = synthetic(module, samples=3, probe=lambda batch: module(*batch.inputs))
    assert feed.sample_shape == (3, 32, 32)
    assert synthetic(module, samples=3).sample_shape == (3, 64, 64)


def test_batches_add_up():
    feed = synthetic(nn.Linear(3, 1), samples=10, batch_size=4)
    assert [batch.samples for batch in feed] == [4, 4, 2]
    assert feed.samples == 10
    assert synthetic(nn.Linear(3, 1)).samples == 256
