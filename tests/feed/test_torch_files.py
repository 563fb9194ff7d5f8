"""`.pt` and `.safetensors`: tensors arrive, code never runs."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.utils.data import TensorDataset

from actdiag.errors import DataError, RefusedError
from actdiag.feed import open_data
from tests.feed.reading import labels_of

X = torch.arange(60, dtype=torch.float32).reshape(20, 3)
Y = torch.arange(20) % 4


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    ("data", "labelled"),
    [
        (X, False),
        ((X, Y), True),
        ([X, Y], True),
        ({"x": X, "y": Y}, True),
        ({"data": X, "targets": Y, "note": "text"}, True),
        (TensorDataset(X, Y), True),
        ([(X, Y)], True),
    ],
    ids=["tensor", "pair", "list", "dict", "named", "dataset", "batches"],
)
def test_what_torch_saved_is_fed(tmp_path, data, labelled, zipped):
    torch.save(data, tmp_path / "d.bin", _use_new_zipfile_serialization=zipped)
    feed = open_data(tmp_path / "d.bin")
    (batch,) = feed
    assert torch.equal(batch.inputs[0], X)
    assert feed.has_labels is labelled
    assert not labelled or torch.equal(labels_of(batch), Y)


@pytest.mark.parametrize("zipped", [True, False])
def test_data_that_needs_code_is_refused(tmp_path, canary, zipped):
    data = {"x": X, "y": canary.bomb()}
    torch.save(data, tmp_path / "d.pt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(RefusedError, match=r"needs code .* it asks for posix\.mkdir") as caught:
        open_data(tmp_path / "d.pt")
    assert caught.value.exit_code == 4
    assert caught.value.wants == ("posix.mkdir",)
    assert "--data file.py:name" in caught.value.hint
    assert canary.alive()


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    "data",
    [
        {"x": X.numpy(), "y": Y.numpy(), "step": np.float64(3.5)},
        (X.numpy(), Y.numpy()),
        {"x": np.asfortranarray(X.numpy()), "y": Y.numpy().astype(">i2")},
        [{"x": X.numpy(), "y": Y.numpy()}],
    ],
    ids=["dict", "pair", "orders", "batches"],
)
def test_arrays_of_numpy_are_read_as_plain_numbers(tmp_path, data, zipped, monkeypatch):
    torch.save(data, tmp_path / "d.pt", _use_new_zipfile_serialization=zipped)
    monkeypatch.delattr("numpy._core.multiarray._reconstruct")  # nobody may call it
    (batch,) = open_data(tmp_path / "d.pt")
    assert torch.equal(batch.inputs[0], X)
    assert torch.equal(labels_of(batch), Y)
    batch.inputs[0].add_(1)  # it may be written to


@pytest.mark.parametrize(
    "array",
    [
        np.array([{"a": 1}, None], dtype=object),
        np.zeros(3, dtype=[("a", "f4"), ("b", "O")]),
        np.array(["red", "blue"]),
    ],
    ids=["objects", "records", "texts"],
)
def test_arrays_of_anything_but_numbers_are_refused_with_a_way_out(tmp_path, array):
    torch.save({"x": array}, tmp_path / "d.pt")
    with pytest.raises(RefusedError, match=r"asks for numpy\._core\.multiarray") as caught:
        open_data(tmp_path / "d.pt")
    assert "np.savez" in caught.value.hint


class _Lying:
    """Pickles as an array whose state the file chooses."""

    def __init__(self, *state):
        self.state = state

    def __reduce__(self):
        parts = np.zeros(1).__reduce__()
        return parts[0], parts[1], self.state


@pytest.mark.parametrize(
    "state",
    [
        (1, (1 << 40,), np.dtype("f4"), False, b"1234"),
        (1, (3,), np.dtype("f4"), False, b"1234"),
        (1, (1,), np.dtype("f4"), False, [object]),
        (1, (-1, -1), np.dtype("f4"), False, b"12345678"),
        (1,),
    ],
    ids=["huge", "short", "objects", "shape", "state"],
)
def test_a_lying_array_is_an_error(tmp_path, state):
    torch.save({"x": _Lying(*state)}, tmp_path / "d.pt")
    with pytest.raises((DataError, RefusedError)):
        open_data(tmp_path / "d.pt")


def test_a_list_that_holds_itself_is_an_error(tmp_path):
    data = [X]
    data.append(data)
    torch.save(data, tmp_path / "d.pt")
    with pytest.raises(DataError):
        open_data(tmp_path / "d.pt")


def test_a_plain_pickle_is_not_read(tmp_path, canary):
    (tmp_path / "d.pkl").write_bytes(pickle.dumps([canary.bomb()]))
    (tmp_path / "e.pkl").write_bytes(pickle.dumps([1, 2, 3]))
    for name in ("d.pkl", "e.pkl"):
        with pytest.raises((DataError, RefusedError)):
            open_data(tmp_path / name)
    assert canary.alive()


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_cut_short_anywhere(tmp_path, zipped):
    torch.save((X, Y), tmp_path / "d.pt", _use_new_zipfile_serialization=zipped)
    data = (tmp_path / "d.pt").read_bytes()
    for length in (1, 3, 30, 100, len(data) // 2, len(data) - 30):
        (tmp_path / "cut.pt").write_bytes(data[:length])
        with pytest.raises(DataError):
            list(open_data(tmp_path / "cut.pt"))


def test_safetensors(tmp_path):
    save_file({"x": X, "y": Y}, tmp_path / "d.safetensors")
    (batch,) = open_data(tmp_path / "d.safetensors")
    assert torch.equal(batch.inputs[0], X)
    assert torch.equal(labels_of(batch), Y)


def test_safetensors_with_a_lying_header(tmp_path):
    save_file({"x": X}, tmp_path / "d.safetensors")
    data = (tmp_path / "d.safetensors").read_bytes()
    for bad in (data[:-20], (2**63).to_bytes(8, "little") + data[8:], data[:40]):
        (tmp_path / "bad.safetensors").write_bytes(bad)
        with pytest.raises(DataError):
            open_data(tmp_path / "bad.safetensors")


def test_a_state_dict_given_as_data_is_named_for_what_it_holds(tmp_path):
    torch.save(torch.nn.Linear(3, 2).state_dict(), tmp_path / "d.pt")
    with pytest.raises(DataError, match="cannot tell which of weight, bias is the model's input"):
        open_data(tmp_path / "d.pt")
