from __future__ import annotations

import io
import os
import tempfile

import numpy as np
import pandas as pd
import pytest
import torch

from actdiag.errors import DataError
from actdiag.feed import open_data, spool, table_files
from tests.feed.reading import inputs_of, labels_of

ROWS = 25


@pytest.fixture
def small_memory(monkeypatch):
    """Every table is large and read in pieces of ten rows."""
    monkeypatch.setattr(table_files, "is_large", lambda _: True)
    monkeypatch.setattr(table_files, "ROWS", 10)


def frame():
    numbers = np.random.default_rng(0).normal(size=(ROWS, 3)).round(3)
    table = pd.DataFrame(numbers, columns=["a", "b", "c"])
    table["label"] = [f"class {row % 3}" for row in range(ROWS)]
    return table


@pytest.fixture(params=["csv", "saved index", "parquet"])
def path(request, tmp_path):
    place = tmp_path / "table"
    if request.param == "parquet":
        pytest.importorskip("pyarrow")
        frame().to_parquet(place)
    else:
        frame().to_csv(place, index=request.param == "saved index")
    return place


def test_in_pieces_or_whole_makes_no_difference(path, request):
    whole = open_data(path)
    request.getfixturevalue("small_memory")
    pieces = open_data(path)
    assert torch.equal(inputs_of(pieces), inputs_of(whole))
    assert torch.equal(labels_of(pieces), labels_of(whole))
    assert pieces.samples == ROWS
    assert any(note.startswith(f"{ROWS} rows were read piece by piece") for note in pieces.notes)
    sample = open_data(path, max_samples=7, seed=3)
    assert torch.equal(inputs_of(sample), inputs_of(open_data(path, max_samples=7, seed=3)))


def test_whole_numbers_stay_whole(small_memory, tmp_path):
    pd.DataFrame({"a": range(ROWS), "b": range(ROWS)}).to_csv(tmp_path / "t.csv", index=False)
    assert inputs_of(open_data(tmp_path / "t.csv", labels=np.zeros(ROWS))).sum() == 600
    feed = open_data(tmp_path / "t.csv", module=torch.nn.Embedding(ROWS, 2))
    assert inputs_of(feed).dtype == torch.int64


@pytest.mark.parametrize(
    ("line", "says"),
    [("1,x", "1 of 2 columns are not numbers: b"), ("1,2,3,4", "is not a table")],
)
def test_a_mistake_far_down_is_found(small_memory, tmp_path, line, says):
    rows = ["a,b", *["1,2"] * 14, line]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    with pytest.raises(DataError, match=says):
        open_data(tmp_path / "t.csv")


def test_a_full_disk(small_memory, tmp_path, monkeypatch):
    frame().to_csv(tmp_path / "t.csv", index=False)

    class Full(io.BytesIO):
        def write(self, _):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Full())
    with pytest.raises(DataError, match="temporary files is full") as caught:
        open_data(tmp_path / "t.csv")
    assert caught.value.hint.startswith("Set TMPDIR")


def test_large_depends_on_the_memory_there_is(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_bytes(b"x" * 1000)
    monkeypatch.setattr(os, "sysconf", lambda _: 100)
    assert not spool.is_large(path)
    monkeypatch.setattr(os, "sysconf", lambda _: 80)
    assert spool.is_large(path)
