from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence

from actdiag.errors import UsageError
from actdiag.feed import Batch, Placement, open_data, placement
from actdiag.feed.placing import available

HERE = torch.device("meta")  # a device that every machine has


def test_auto_takes_the_fastest_there_is(monkeypatch):
    assert placement("auto", None).device == torch.device(available()[0])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert available() == ("mps", "cpu")
    assert placement("auto", None).device == torch.device("mps")


@pytest.mark.parametrize(
    ("device", "says"),
    [
        ("gpu", "--device gpu is not known"),
        ("cuda:x", "--device cuda:x is not known"),
        ("meta", "--device meta is not known"),
        ("cuda", "--device cuda: there is no cuda device here"),
        ("mps", "--device mps: there is no mps device here"),
    ],
)
def test_a_device_that_is_not_here(monkeypatch, device, says):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(UsageError) as caught:
        placement(device, None)
    assert caught.value.message == says
    assert caught.value.hint == "Available here: auto or cpu."


def test_a_cuda_device_of_too_high_a_number(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert placement("cuda:1", None).device == torch.device("cuda:1")
    with pytest.raises(UsageError, match="there are only 2 cuda devices"):
        placement("cuda:2", None)


def test_a_type_that_is_none():
    with pytest.raises(UsageError) as caught:
        placement(None, "int8")
    assert caught.value.message == "--dtype int8 is not known"
    assert caught.value.hint == "Use float32, float16, bfloat16 or float64."


def test_everything_in_a_batch_is_moved_and_floats_are_cast():
    floats, whole = torch.ones(2, 3), torch.ones(2, dtype=torch.int64)
    packed = pack_sequence([torch.ones(2, 3), torch.ones(1, 3)])
    batch = Batch((floats, whole, packed, {"deep": [floats]}), {"mask": whole > 0}, whole, 2)
    placed = Placement(HERE, torch.float16).batch(batch)
    first, ids, sequence, nested = placed.inputs
    assert (first.device, first.dtype) == (HERE, torch.float16)
    assert (ids.device, ids.dtype) == (HERE, torch.int64)
    assert (sequence.data.device, sequence.data.dtype) == (HERE, torch.float16)
    assert nested["deep"][0].dtype == torch.float16
    assert (placed.kwargs["mask"].device, placed.kwargs["mask"].dtype) == (HERE, torch.bool)
    assert placed.labels is not None
    assert (placed.labels.device, placed.labels.dtype) == (HERE, torch.int64)
    assert floats.dtype == torch.float32
    assert Placement().batch(batch) is batch


def test_a_feed_hands_out_placed_batches_as_often_as_asked():
    feed = open_data((np.ones((5, 3), "f4"), np.arange(5)), batch_size=2)
    placed = feed.placed(placement(None, "bfloat16"))
    for _ in range(2):
        assert [batch.inputs[0].dtype for batch in placed] == [torch.bfloat16] * 3
    assert placed.notes[-1] == "the model ran in bfloat16, as --dtype asks"
    assert next(iter(feed)).inputs[0].dtype == torch.float32
    assert "bfloat16" not in " ".join(feed.notes)


def test_what_overflows_in_the_type_is_counted():
    feed = open_data(np.array([[1e6, 1.0]], "f4")).placed(placement(None, "float16"))
    list(feed)
    assert feed.notes[-1] == "1 value of the inputs is NaN or infinite"


def test_a_model_of_the_users_is_not_moved():
    module = nn.Linear(3, 2)
    place = placement(None, "float64")
    assert place.model(place.apart(module)).weight.dtype == torch.float64
    assert module.weight.dtype == torch.float32
    assert placement(None, "float32").apart(module) is module
    assert Placement().apart(module) is module


def test_data_follows_a_model_that_is_elsewhere():
    assert Placement().following(nn.Linear(3, 2)).device is None
    assert Placement().following(nn.Flatten()).device is None
    asked = Placement(torch.device("cpu"))
    assert asked.following(nn.Linear(3, 2)) is asked
