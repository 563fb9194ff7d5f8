"""Tensors in JSON and back, bit for bit."""

from __future__ import annotations

import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from actdiag.shards.packing import packed, unpacked

leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.text()
    | st.floats(allow_nan=False)
    | st.lists(st.floats(width=32), max_size=4).map(torch.tensor)
    | st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4).map(torch.tensor)
)
names = st.text(min_size=1).filter(lambda name: name not in ("array", "float"))
trees = st.recursive(
    leaves, lambda tree: st.lists(tree, max_size=3) | st.dictionaries(names, tree, max_size=3)
)


def same(found, wanted):
    if isinstance(wanted, torch.Tensor):
        return found.dtype == wanted.dtype and torch.equal(
            found.nan_to_num(nan=7.0), wanted.nan_to_num(nan=7.0)
        )
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(same(found[k], wanted[k]) for k in wanted)
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(same, found, wanted))
    return found == wanted


@given(trees)
def test_what_is_packed_comes_back_through_json(tree):
    values, text = packed(tree)
    assert same(unpacked(json.loads(json.dumps(values)), text), tree)


def test_numbers_that_json_cannot_hold_come_back():
    values, text = packed({"a": [math.inf, -math.inf, math.nan]})
    json.dumps(values, allow_nan=False)
    found = unpacked(values, text)["a"]
    assert found[:2] == [math.inf, -math.inf]
    assert math.isnan(found[2])


@pytest.mark.parametrize("text", ["", "no base64!", "AAAA", "UEsDBA=="])
def test_a_damaged_archive_is_an_error(text):
    values, _ = packed({"a": torch.ones(2)})
    with pytest.raises(ValueError, match=r"."):
        unpacked(values, text)


def test_an_archive_without_the_array_is_an_error():
    with pytest.raises(ValueError, match="array 3 is missing"):
        unpacked({"array": 3}, packed([torch.ones(1)])[1])
