"""CSV and frames: numbers are fed, everything else is reported, nothing is guessed."""

from __future__ import annotations

import pandas as pd
import pytest
import torch
from torch import nn

from actdiag.errors import DataError
from actdiag.feed import open_data
from tests.feed.reading import labels_of


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def table(tmp_path):
    return write(tmp_path / "d.csv", "a,b,kind\n1,0.5,cat\n2,1.5,ant\n3,2.5,cat\n")


def test_a_named_column_gives_the_labels(table):
    feed = open_data(table, labels="kind")
    (batch,) = feed
    assert batch.inputs[0].tolist() == [[1, 0.5], [2, 1.5], [3, 2.5]]
    assert batch.inputs[0].dtype == torch.float32
    assert labels_of(batch).tolist() == [1, 0, 1]
    assert feed.notes == ("labels are names, numbered in sorted order: 0 = ant, 1 = cat",)


@pytest.mark.parametrize("name", ["label", "Target", "y", "CLASS"])
def test_a_telling_column_is_taken_and_named(tmp_path, name):
    feed = open_data(write(tmp_path / "d.csv", f"a,{name}\n1.5,0\n2.5,1\n"))
    (batch,) = feed
    assert labels_of(batch).tolist() == [0, 1]
    assert f"column {name!r} was taken as the labels" in feed.notes


def test_columns_of_text_are_named_with_an_example(table):
    with pytest.raises(DataError, match=r"1 of 3 columns are not numbers: kind \(\['cat'\]\)") as e:
        open_data(table)
    assert "--labels" in e.value.hint


@pytest.mark.parametrize(
    ("text", "commas"),
    [("a;b\n1,5;2\n-3,25;4e-1\n", True), ("a;b\n1,5;x\n2,5;y\n", False)],
)
def test_decimal_commas_are_recognised(tmp_path, text, commas):
    with pytest.raises(DataError, match="columns are not numbers") as caught:
        open_data(write(tmp_path / "d.csv", text))
    assert ("decimal point" in caught.value.hint) is commas


def test_no_such_label_column(table):
    with pytest.raises(DataError, match="there is no column 'knd' for the labels") as caught:
        open_data(table, labels="knd")
    assert "Did you mean kind?" in caught.value.hint


def test_missing_values_stay_nan_and_are_named(tmp_path):
    feed = open_data(write(tmp_path / "d.csv", "a,b,y\n1,,0\n2,5,1\n,6,1\n"))
    (batch,) = feed
    assert batch.inputs[0].isnan().tolist() == [[False, True], [False, False], [True, False]]
    assert "missing values, fed as NaN, in columns a, b" in feed.notes
    assert "2 values of the inputs are NaN or infinite" in feed.notes


@pytest.mark.parametrize("rows", ["1,x\n2,\n", "1,0\n2,\n"])
def test_missing_labels_are_an_error(tmp_path, rows):
    with pytest.raises(DataError, match="1 of 2 labels are missing in column 'y'"):
        open_data(write(tmp_path / "d.csv", "a,y\n" + rows))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", "  "])
def test_a_table_without_header_loses_no_row(tmp_path, separator):
    rows = "\n".join(separator.join(row) for row in (["1", "2.5"], ["3", "4.5"]))
    (batch,) = open_data(write(tmp_path / "d.csv", rows))
    assert batch.inputs[0].tolist() == [[1, 2.5], [3, 4.5]]


def test_the_index_that_pandas_saved_is_no_feature(tmp_path):
    frame = pd.DataFrame({"a": [5.0, 6.0], "b": [7.0, 8.0]})
    frame.to_csv(tmp_path / "d.csv")
    feed = open_data(tmp_path / "d.csv")
    assert feed.sample_shape == (2,)
    assert feed.notes == ("column 'Unnamed: 0' counts the rows and was left out",)


def test_the_column_numbers_that_pandas_saved_are_a_header(tmp_path):
    pd.DataFrame([[7.0, 8.0, 9.0]]).to_csv(tmp_path / "d.csv", index=False)
    (batch,) = open_data(tmp_path / "d.csv")
    assert batch.inputs[0].tolist() == [[7, 8, 9]]


def test_columns_of_the_same_name():
    with pytest.raises(DataError, match="several columns have the same name"):
        open_data(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_a_header_without_rows(tmp_path):
    with pytest.raises(DataError, match="the table has no rows"):
        open_data(write(tmp_path / "d.csv", "a,b\n"))


def test_ragged_rows(tmp_path):
    with pytest.raises(DataError, match="is not a table"):
        open_data(write(tmp_path / "d.csv", "a,b\n1,2\n1,2,3,4\n"))


def test_ids_in_a_table_stay_integers_for_an_embedding(tmp_path):
    path = write(tmp_path / "d.csv", "t0,t1\n1,2\n3,4\n")
    (batch,) = open_data(path, module=nn.Sequential(nn.Embedding(5, 2)))
    assert batch.inputs[0].dtype == torch.int64


def test_one_column_too_many_asks_for_the_label(tmp_path):
    path = write(tmp_path / "d.csv", "a,b,quality\n1,2,0\n3,4,1\n")
    with pytest.raises(DataError, match=r"3 features .* takes 2") as caught:
        open_data(path, module=nn.Sequential(nn.Linear(2, 2)))
    assert "--labels" in caught.value.hint


def test_a_frame_from_python():
    frame = pd.DataFrame({"a": [1.0, 2.0], "target": ["u", "v"]})
    (batch,) = open_data(frame)
    assert labels_of(batch).tolist() == [0, 1]
    (batch,) = open_data(frame[["a"]], labels=frame["target"])
    assert labels_of(batch).tolist() == [0, 1]


def test_pair_of_frame_and_series():
    (batch,) = open_data((pd.DataFrame({"a": [1.0, 2.0]}), pd.Series([1, 0])))
    assert labels_of(batch).tolist() == [1, 0]


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    pd.DataFrame({"a": [1.0, 2.0], "y": [0, 1]}).to_parquet(tmp_path / "d.parquet")
    (batch,) = open_data(tmp_path / "d.parquet")
    assert batch.inputs[0].tolist() == [[1], [2]]
    assert labels_of(batch).tolist() == [0, 1]


def test_parquet_without_pyarrow_says_how_to_get_it(tmp_path, monkeypatch):
    def missing(_path):
        raise ImportError

    monkeypatch.setattr(pd, "read_parquet", missing)
    (tmp_path / "d.parquet").write_bytes(b"PAR1" + b"\0" * 40 + b"PAR1")
    with pytest.raises(DataError, match="needs pyarrow") as caught:
        open_data(tmp_path / "d.parquet")
    assert "torch-actdiag[parquet]" in caught.value.hint


def test_a_column_may_hold_a_sequence_in_each_row(tmp_path):
    """As tokenised texts lie in Parquet files."""
    pytest.importorskip("pyarrow")
    rows = {"input_ids": [[1, 2, 3], [4, 5, 0]], "mask": [[1, 1, 1], [1, 1, 0]], "label": [1, 0]}
    pd.DataFrame(rows).to_parquet(tmp_path / "d.parquet")

    class Net(nn.Module):
        def forward(self, input_ids, mask):
            return input_ids * mask

    (batch,) = open_data(tmp_path / "d.parquet", module=Net())
    named = {name: value.tolist() for name, value in batch.named().items()}
    assert named == {"input_ids": rows["input_ids"], "mask": rows["mask"]}
    assert labels_of(batch).tolist() == [1, 0]


def test_sequences_of_different_lengths_are_told(tmp_path):
    frame = pd.DataFrame({"ids": [[1, 2], [3]], "label": [0, 1]})
    with pytest.raises(DataError, match="the rows of ids have different lengths") as caught:
        open_data(frame)
    assert caught.value.hint == "Pad them first."
