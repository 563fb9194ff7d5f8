"""What a file is, is read from its bytes; what can't be fed is said plainly."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from actdiag.errors import DataError
from actdiag.feed import open_data
from tests.feed.reading import labels_of

X = np.arange(12, dtype=np.float32).reshape(4, 3)


def test_the_content_decides_not_the_suffix(tmp_path):
    np.savez(tmp_path / "a.npz", x=X)
    np.save(tmp_path / "b.npy", X)
    torch.save(torch.from_numpy(X), tmp_path / "c.pt")
    for number, path in enumerate(sorted(tmp_path.iterdir())):
        moved = path.rename(tmp_path / f"{number}.csv")
        (batch,) = open_data(moved)
        assert torch.equal(batch.inputs[0], torch.from_numpy(X))


def test_no_such_file_offers_the_nearest(tmp_path):
    np.save(tmp_path / "digits.npy", X)
    with pytest.raises(DataError, match="there is no file") as caught:
        open_data(tmp_path / "digit.npy")
    assert "Did you mean digits.npy?" in caught.value.hint
    with pytest.raises(DataError) as caught:
        open_data(tmp_path / "nowhere" / "d.npy")
    assert "There is no folder" in caught.value.hint
    for name in ("d\0.npy", "d" * 5000):
        with pytest.raises(DataError, match="there is no file"):
            open_data(name)


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"", "d.npz", r"is empty \(0 bytes\)"),
        (b"hello, this is text\n", "d.npz", "is a text file, not what .npz promises"),
        (b"<!DOCTYPE html><html>", "d.npz", "is a web page, not data"),
        (b"version https://git-lfs.github.com/spec/v1\n", "d.npz", "a pointer of Git LFS"),
        (b"\x1f\x8b\x08\0\0", "d.csv.gz", "compressed with gzip"),
        (b"\x89HDF\r\n\x1a\n\0", "d.h5", "an HDF5 file"),
        (b"\x89PNG\r\n\x1a\n", "d.png", "a single image"),
        (bytes(range(256)), "d.bin", "no data file that is known here"),
        (b"PK\x05\x06" + b"\0" * 18, "d.zip", "a zip archive without arrays in it"),
        (b"PK\x03\x04" + b"\0" * 18, "d.zip", "a damaged zip archive"),
        (b"  \n\n ", "d.csv", "nothing but white space"),
        (b"\x80\x04", "d.pt", "damaged"),
    ],
)
def test_what_cannot_be_fed_is_named(tmp_path, content, name, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=says) as caught:
        open_data(tmp_path / name)
    assert caught.value.hint
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        ({"x": X.tolist(), "y": [0, 1, 2, 0]}, False),
        (
            [{"x": row, "y": label} for row, label in zip(X.tolist(), [0, 1, 2, 0], strict=True)],
            True,
        ),
        (
            [
                {"a": a, "b": b, "c": c, "y": y}
                for (a, b, c), y in zip(X, [0, 1, 2, 0], strict=True)
            ],
            1,
        ),
    ],
    ids=["arrays", "rows", "records"],
)
def test_json_and_json_lines(tmp_path, data, lines):
    path = tmp_path / "d.json"
    path.write_text(json.dumps(data, default=float))
    paths = [path]
    if lines:
        paths.append(tmp_path / "d.jsonl")
        paths[1].write_text("\n".join(json.dumps(row, default=float) for row in data))
    for each in paths:
        (batch,) = open_data(each, module=torch.nn.Linear(3, 2))
        assert batch.inputs[0].tolist() == X.tolist()
        assert labels_of(batch).tolist() == [0, 1, 2, 0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[{"x": [1, 2]}, {"x": [1]}]', "have different lengths"),
        ('[{"x": [1, 2]}, {"y": 1}]', "some records in .* lack x, y"),
        ('{"x": [1, 2', "is not valid JSON"),
        ("[" * 100_000, "is not valid JSON"),
        ("[]", "holds no rows"),
        ('[[1, null], [2, {"a": 1}]]', "holds more than numbers"),
    ],
)
def test_json_that_cannot_be_fed(tmp_path, text, says):
    (tmp_path / "d.json").write_text(text)
    with pytest.raises(DataError, match=says):
        open_data(tmp_path / "d.json")


def test_names_from_files_cannot_reach_the_terminal(tmp_path):
    np.savez(tmp_path / "d.npz", allow_pickle=False, **{"\x1b[31mred\n": X, "b": X})
    with pytest.raises(DataError) as caught:
        open_data(tmp_path / "d.npz")
    assert "\x1b" not in str(caught.value) + caught.value.hint
    assert "\n" not in str(caught.value) + caught.value.hint


def test_labels_in_a_file_of_their_own(tmp_path):
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", np.array([0, 1, 1, 0]))
    (tmp_path / "y.csv").write_text("anything\n0\n1\n1\n0\n")
    np.savez(tmp_path / "many.npz", a=X, b=X)
    for name in ("y.npy", "y.csv"):
        (batch,) = open_data(tmp_path / "x.npy", labels=tmp_path / name)
        assert labels_of(batch).tolist() == [0, 1, 1, 0]
    with pytest.raises(DataError, match="cannot tell which of a, b"):
        open_data(tmp_path / "x.npy", labels=tmp_path / "many.npz")
    with pytest.raises(DataError, match=r"there is no file nowhere\.npy with labels"):
        open_data(tmp_path / "x.npy", labels="nowhere.npy")
