"""Random damage to files that are only outlined: an outline or an error of ours, never a hang."""

from __future__ import annotations

import io
import warnings
import zipfile

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from actdiag.errors import ActdiagError
from actdiag.inspection import inspect
from actdiag.load.inert import read_inert
from actdiag.load.outline import outline

BOUNDED = settings(
    max_examples=200,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


class Net(nn.Module):
    """A class of somebody's own."""

    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.head(torch.relu(self.body(x)))


@pytest.fixture(scope="module")
def pickled():
    held = io.BytesIO()
    torch.save(Net(), held)
    with zipfile.ZipFile(held) as archive:
        return archive.read("archive/data.pkl")


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """A scripted and an exported model, byte by byte."""
    folder = tmp_path_factory.mktemp("archives")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(Net(), torch.ones(1, 3)).save(str(folder / "m.pt"))
    torch.export.save(torch.export.export(Net(), (torch.ones(1, 3),)), folder / "m.pt2")
    return [(folder / name).read_bytes() for name in ("m.pt", "m.pt2")]


def damaged(raw, data):
    raw = bytearray(raw)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1))
        kind = data.draw(st.sampled_from(["change", "cut", "insert"]))
        if kind == "change":
            raw[place] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            del raw[place : place + data.draw(st.integers(1, 16))]
        else:
            raw[place:place] = data.draw(st.binary(min_size=1, max_size=16))
    return bytes(raw)


@BOUNDED
@given(data=st.data())
def test_a_damaged_pickle_gives_an_outline_or_a_value_error(pickled, data):
    try:
        layers = outline(read_inert(damaged(pickled, data))).layers
    except ValueError:
        return
    assert all(layer.name.isprintable() for layer in layers)


@BOUNDED
@given(data=st.data())
def test_a_damaged_archive_is_told_or_refused(archives, tmp_path, data):
    path = tmp_path / "damaged.pt"
    path.write_bytes(damaged(data.draw(st.sampled_from(archives)), data))
    try:
        found = inspect(str(path))
    except ActdiagError:
        return
    assert not found.trust.safe
    assert found.to_json()
