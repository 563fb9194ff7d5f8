"""Random damage to every format: an error of ours or a model, never a traceback, never a hang."""

from __future__ import annotations

import io
import pickletools
import random
import struct
import zipfile
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actdiag.errors import ActdiagError
from actdiag.load import examine, load_model
from tests.load.makers import SAVERS, tiny

NAMES = ["module", "module-legacy", "state", "state-legacy", "lightning", "safetensors"]
# TorchScript and .pt2 are refused before anything reads them: damaging them tests nothing.
BOUNDED = settings(
    max_examples=150,
    database=None,  # a file differs from run to run, so yesterday's example means nothing today
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("originals")
    found = {}
    for name in NAMES:
        SAVERS[name].write(tiny(), folder / name)
        found[name] = (folder / name).read_bytes()
    return found


def opens_or_says_why(path):
    """Load, and read every number of what came out."""
    loaded: Any = None
    error: Any = None
    try:
        examine(str(path))
        loaded = load_model(str(path))
    except ActdiagError as raised:
        error = raised
    if loaded is None:
        assert str(path) in error.message
        assert error.exit_code in {2, 4}
        return
    module = getattr(loaded, "module", None)
    state = dict(loaded.state) if module is None else module.state_dict()
    for name, tensor in state.items():
        assert name.isprintable()
        assert torch.isfinite(tensor.double()).sum() <= tensor.numel()
    repr(module)


@pytest.mark.parametrize("name", NAMES)
@BOUNDED
@given(data=st.data())
def test_bytes_changed_cut_or_put_in(originals, tmp_path, name, data):
    raw = bytearray(originals[name])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1))
        kind = data.draw(st.sampled_from(["change", "cut", "insert", "truncate"]))
        if kind == "change":
            raw[place] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            del raw[place : place + data.draw(st.integers(1, 64))]
        elif kind == "insert":
            raw[place:place] = data.draw(st.binary(min_size=1, max_size=16))
        else:
            del raw[place + 1 :]
        if not raw:
            break
    path = tmp_path / "damaged.pt"
    path.write_bytes(raw)
    opens_or_says_why(path)


MUTATIONS = 150
INTEGERS = {"BININT1": 2, "BININT2": 3, "BININT": 5}


def repacked(entries, pickle_, path):
    """The archive with another pickle, its checksums right."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, pickle_ if name.endswith("data.pkl") else content)


def mutated(original, steps, chance):
    """The pickle with one opcode swapped, dropped, or given another number."""
    raw = bytearray(original)
    at = chance.randrange(1, len(steps) - 1)
    kind = chance.choice(["swap", "drop", "integer", "memo"])
    if kind == "swap":
        raw[steps[at][1]] = raw[chance.choice(steps)[1]]
    elif kind == "drop":
        del raw[steps[at][1] : steps[at + 1][1]]
    elif kind == "integer":
        kind, place = chance.choice([step for step in steps if step[0] in INTEGERS])
        number = chance.choice([-1, 0, 2**31, 2**63 - 1, -(2**63), chance.getrandbits(62)])
        raw[place : place + INTEGERS[kind]] = b"\x8a\x08" + struct.pack("<q", number)
    else:
        gets = [place for op, place in steps if op == "BINGET"]
        raw[chance.choice(gets) + 1] = chance.randrange(256)
    return bytes(raw)


@pytest.mark.parametrize("name", ["module", "state", "lightning"])
def test_opcodes_swapped_dropped_or_given_absurd_numbers(originals, tmp_path, name):
    """Past the zip's checksums, into the pickle itself."""
    with zipfile.ZipFile(io.BytesIO(originals[name])) as archive:
        entries = {info.filename: archive.read(info) for info in archive.infolist()}
    original = next(content for key, content in entries.items() if key.endswith("data.pkl"))
    steps = [(op.name, place or 0) for op, _, place in pickletools.genops(original)]
    for seed in range(MUTATIONS):
        path = tmp_path / "damaged.pt"
        repacked(entries, mutated(original, steps, random.Random(f"{name} {seed}")), path)
        opens_or_says_why(path)
