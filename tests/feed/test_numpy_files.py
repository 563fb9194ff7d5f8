"""`.npy` and `.npz`: what is in them arrives, and what is wrong with them is said."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

from actdiag.errors import DataError
from actdiag.feed import open_data
from actdiag.feed.numpy_files import read_npy, read_npz
from tests.feed.reading import inputs_of, labels_of

X = np.arange(600, dtype=np.float32).reshape(200, 3)
Y = np.arange(200) % 4


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    ("x", "y"),
    [("x", "y"), ("X", "Y"), ("data", "labels"), ("inputs", "targets"), ("images", "label")],
)
def test_an_archive_gives_its_arrays_in_order(tmp_path, save, x, y):
    save(tmp_path / "d.npz", **{x: X, y: Y})
    feed = open_data(tmp_path / "d.npz", batch_size=64)
    batches = list(feed)
    assert torch.equal(inputs_of(feed), torch.from_numpy(X))
    assert torch.equal(labels_of(batches), torch.from_numpy(Y))
    assert [b.samples for b in batches] == [64, 64, 64, 8]
    assert (feed.samples, feed.sample_shape, feed.has_labels) == (200, (3,), True)
    assert labels_of(batches).dtype == torch.int64
    assert feed.info.samples == feed.info.labels == 200
    assert feed.info.batches == 4


def test_uncompressed_arrays_are_mapped_not_read(tmp_path):
    np.savez(tmp_path / "d.npz", x=X, y=Y)
    np.save(tmp_path / "d.npy", X)
    assert isinstance(read_npz(tmp_path / "d.npz")["x"], np.memmap)
    assert isinstance(read_npy(tmp_path / "d.npy"), np.memmap)


@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(X),
        X.astype(">f8"),
        X.astype(np.float16),
        X.astype(np.uint16),
        X.astype(np.uint64),
        X.astype(np.longdouble),
        X > 5,
    ],
    ids=lambda array: str(array.dtype),
)
def test_any_numeric_type_and_order_arrives(tmp_path, array):
    np.save(tmp_path / "d.npy", array)
    fed = inputs_of(open_data(tmp_path / "d.npy", module=nn.Linear(3, 1)))
    assert fed.dtype == torch.float32
    assert np.array_equal(fed.numpy(), array.astype(np.float32))


def test_text_beside_the_arrays_is_left_out(tmp_path):
    np.savez(tmp_path / "d.npz", x=X, y=Y, vocabulary=np.array("abc"))
    assert open_data(tmp_path / "d.npz").samples == 200


def test_names_that_could_mean_anything_are_listed(tmp_path):
    np.savez(tmp_path / "d.npz", x_train=X, x_test=X, y_test=Y)
    with pytest.raises(DataError, match="cannot tell which of x_train, x_test, y_test") as caught:
        open_data(tmp_path / "d.npz")
    assert "Name the input x and the labels y" in caught.value.hint


def test_arrays_that_savez_numbered_are_told_how_to_be_named(tmp_path):
    np.savez(tmp_path / "d.npz", X, Y)
    with pytest.raises(DataError, match="cannot tell which of arr_0, arr_1") as caught:
        open_data(tmp_path / "d.npz")
    assert "DATA:arr_0, and its labels as --labels arr_1." in caught.value.hint
    feed = open_data(f"{tmp_path / 'd.npz'}:arr_0", labels="arr_1")
    assert feed.has_labels


def test_a_key_names_the_labels(tmp_path):
    np.savez(tmp_path / "d.npz", x=X, quality=Y)
    assert open_data(tmp_path / "d.npz", labels="quality").has_labels
    with pytest.raises(DataError, match="no labels named 'qualty'") as caught:
        open_data(tmp_path / "d.npz", labels="qualty")
    assert "Did you mean quality?" in caught.value.hint


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_pickled_objects_are_never_loaded(tmp_path, save, canary):
    objects = np.array([canary.bomb(), 1], dtype=object)
    save(tmp_path / "d.npz", x=objects)
    np.save(tmp_path / "d.npy", objects)
    for name in ("d.npz", "d.npy"):
        with pytest.raises(DataError, match="pickled Python objects, which are never loaded"):
            open_data(tmp_path / name)
    assert canary.alive()


def header_declaring(shape):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<f8", "fortran_order": False, "shape": shape}
    )
    return file.getvalue() + b"\0" * 80


@pytest.mark.parametrize("shape", [(2**60,), (2**31, 2**31, 2**31), (11,), (-1,), (-3, -5)])
def test_a_header_that_declares_more_than_there_is(tmp_path, shape):
    (tmp_path / "d.npy").write_bytes(header_declaring(shape))
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(tmp_path / f"{compression}.npz", "w", compression) as archive:
            archive.writestr("x.npy", header_declaring(shape))
    for name in ("d.npy", "0.npz", "8.npz"):
        with pytest.raises(DataError, match="declares an array of shape"):
            open_data(tmp_path / name)


def test_an_archive_cut_short_anywhere(tmp_path):
    np.savez(tmp_path / "whole.npz", x=X, y=Y)
    np.save(tmp_path / "whole.npy", X)
    for name in ("whole.npz", "whole.npy"):
        data = (tmp_path / name).read_bytes()
        for length in (5, 9, 40, 127, 130, len(data) // 2, len(data) - 1):
            path = tmp_path / f"cut{name[-4:]}"
            path.write_bytes(data[:length])
            with pytest.raises(DataError):
                open_data(path)


def test_no_rows(tmp_path):
    np.savez(tmp_path / "d.npz", x=X[:0], y=Y[:0])
    with pytest.raises(DataError, match="the data has no samples"):
        open_data(tmp_path / "d.npz")


def test_lengths_that_differ(tmp_path):
    np.savez(tmp_path / "d.npz", x=X, y=Y[:-2])
    with pytest.raises(DataError, match="the lengths differ: x 200 and the labels 198 samples"):
        open_data(tmp_path / "d.npz")


def test_one_sample_is_enough(tmp_path):
    np.savez(tmp_path / "d.npz", x=X[:1], y=Y[:1])
    (batch,) = open_data(tmp_path / "d.npz")
    assert batch.samples == 1


def test_nan_is_kept_and_counted(tmp_path):
    x = X.copy()
    x[0, 0], x[100, 2] = np.nan, np.inf
    np.save(tmp_path / "d.npy", x)
    feed = open_data(tmp_path / "d.npy", batch_size=10)
    for _ in range(2):
        fed = inputs_of(feed)
        assert torch.equal(fed.isfinite(), torch.from_numpy(np.isfinite(x)))
        assert feed.notes == ("2 values of the inputs are NaN or infinite",)


def test_records_and_text_are_no_input(tmp_path):
    np.save(tmp_path / "text.npy", np.array(["a", "b"]))
    np.save(tmp_path / "records.npy", np.zeros(3, dtype=[("a", "f4"), ("b", "f4")]))
    with pytest.raises(DataError, match="x holds text, not numbers"):
        open_data(tmp_path / "text.npy")
    with pytest.raises(DataError, match="x holds records"):
        open_data(tmp_path / "records.npy")
