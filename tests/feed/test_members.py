from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from actdiag.errors import DataError
from actdiag.feed import open_data
from tests.feed.reading import inputs_of, labels_of


@pytest.fixture
def keras(tmp_path):
    """As keras.datasets saves it."""
    path = tmp_path / "mnist.npz"
    np.savez(
        path,
        x_train=np.zeros((6, 4), "f4"),
        y_train=np.arange(6),
        x_test=np.ones((3, 4), "f4"),
        y_test=np.array([2, 1, 0]),
    )
    return path


def test_a_member_comes_with_the_labels_of_its_name(keras):
    feed = open_data(f"{keras}:x_test")
    assert torch.equal(inputs_of(feed), torch.ones(3, 4))
    assert labels_of(feed).tolist() == [2, 1, 0]
    assert feed.source == f"{keras}:x_test"


@pytest.mark.parametrize(
    ("inputs", "labels"),
    [("test_images", "test_labels"), ("X_test", "y_test"), ("X", "Y"), ("val_data", "val_target")],
)
def test_names_of_labels_beside_an_input(tmp_path, inputs, labels):
    arrays: dict[str, Any] = {inputs: np.ones((2, 3)), labels: np.array([1, 0]), "z": [1]}
    np.savez(tmp_path / "d.npz", **arrays)
    assert labels_of(open_data(f"{tmp_path / 'd.npz'}:{inputs}")).tolist() == [1, 0]


def test_labels_of_another_name_and_of_another_file(keras, tmp_path):
    path = tmp_path / "d.npz"
    np.savez(path, a=np.ones((3, 4), "f4"), b=np.array([1, 2, 0]))
    assert labels_of(open_data(f"{path}:a", labels="b")).tolist() == [1, 2, 0]
    assert labels_of(open_data(f"{path}:a", labels=f"{keras}:y_test")).tolist() == [2, 1, 0]
    assert next(iter(open_data(f"{path}:a"))).labels is None


def test_a_name_that_is_not_there(keras):
    with pytest.raises(DataError) as caught:
        open_data(f"{keras}:x_tset")
    assert caught.value.message == f"there is no 'x_tset' in {keras}"
    assert caught.value.hint.startswith("Did you mean x_test")


def test_a_file_without_names(tmp_path):
    np.save(tmp_path / "d.npy", np.ones((2, 3)))
    with pytest.raises(DataError, match="holds no arrays by name"):
        open_data(f"{tmp_path / 'd.npy'}:x")


def test_the_choice_is_offered_where_it_has_to_be_made(keras):
    with pytest.raises(DataError) as caught:
        open_data(str(keras))
    assert "Name one after the file, as DATA:x_test." in caught.value.hint


def test_a_file_whose_name_has_a_colon_is_a_file(tmp_path):
    np.save(tmp_path / "a:b.npy", np.ones((2, 3)))
    assert open_data(str(tmp_path / "a:b.npy")).samples == 2
