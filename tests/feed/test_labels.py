"""Labels: classes as int64, everything else as float32, nothing lost on the way."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from actdiag.errors import DataError
from actdiag.feed import open_data
from actdiag.feed.labels import prepare_labels


@pytest.mark.parametrize(
    ("given", "expected", "dtype"),
    [
        (np.array([0, 2, 1], np.uint8), [0, 2, 1], torch.int64),
        (np.array([True, False]), [1, 0], torch.int64),
        (np.array([0.0, 2.0]), [0.0, 2.0], torch.float32),
        (np.array([[0.5], [1.5]]), [[0.5], [1.5]], torch.float32),
        (np.array([[1], [0]]), [1, 0], torch.int64),
        (np.eye(3)[[2, 0]], [2, 0], torch.int64),
        (np.eye(3, dtype=int)[[2, 0]], [2, 0], torch.int64),
        (np.array([[0.2, 0.8]]), [[0.2, 0.8]], torch.float32),
        (np.array([[1, 1], [0, 1]]), [[1, 1], [0, 1]], torch.int64),
        (np.array([[3, 4], [5, 6]]), [[3, 4], [5, 6]], torch.int64),
        (np.array(["b", "a", "b"]), [1, 0, 1], torch.int64),
        (np.array([b"b", b"a"]), [1, 0], torch.int64),
        (np.array(["b", "a"], dtype=object), [1, 0], torch.int64),
        (torch.tensor([1, 2], dtype=torch.int32), [1, 2], torch.int64),
        (torch.tensor([0.5], dtype=torch.float64), [0.5], torch.float32),
    ],
)
def test_labels(given, expected, dtype):
    labels, _ = prepare_labels(given)
    assert labels.dtype == dtype
    assert torch.equal(labels, torch.tensor(expected, dtype=dtype))


def test_what_was_done_is_noted():
    assert prepare_labels(np.array([0, 1]))[1] == ()
    assert "one-hot labels (2, 2)" in prepare_labels(np.eye(2))[1][0]
    assert "0 = a, 1 = b" in prepare_labels(np.array(["b", "a"]))[1][0]


@pytest.mark.parametrize("mixed", [["a", None], ["a", 1]])
def test_text_mixed_with_other_things_is_an_error(mixed):
    with pytest.raises(DataError, match="the labels mix text with other things"):
        prepare_labels(np.array(mixed, dtype=object))


def test_dates_are_no_labels():
    with pytest.raises(DataError, match="the labels hold datetime64"):
        prepare_labels(np.array(["2020-01-01"], dtype="datetime64[D]"))


def test_labels_of_several_outputs_are_told_as_that():
    x, y = torch.zeros(6, 3), torch.arange(6)
    with pytest.raises(DataError) as caught:
        open_data((x, {"digit": y, "parity": y % 2}))
    assert caught.value.message == (
        "the labels are a dictionary of digit, parity, and one output is judged"
    )
    (batch,) = open_data((x, {"digit": y}))
    assert torch.equal(batch.labels, y)
