"""Names in a pickle are found whichever opcode asks for them, and nothing is carried out."""

from __future__ import annotations

import io
import pickle
import pickletools

import pytest
import torch
from torch import nn
from torch._weights_only_unpickler import _get_allowed_globals

from actdiag.load.wanted import COMPUTED, wanted_by


def names(raw):
    return wanted_by(io.BytesIO(raw)).names


class Call:
    def __init__(self, function, *arguments):
        self.parts = function, arguments

    def __reduce__(self):
        return self.parts


@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol(protocol):
    raw = pickle.dumps([Call(eval, "1"), Call(io.StringIO)], protocol)
    assert names(raw) == ("builtins.eval", "_io.StringIO")
    assert wanted_by(io.BytesIO(raw)).complete


def short(text):
    return b"\x8c" + bytes([len(text)]) + text.encode()


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        # the two strings directly on the stack
        (b"\x80\x04" + short("os") + short("system") + b"\x93.", ("os.system",)),
        # both from the memo, put there in the other order, with others between
        (
            b"\x80\x04" + short("system") + b"\x94" + short("os") + b"\x940h\x01h\x00\x93.",
            ("os.system",),
        ),
        # through explicit memo slots and a DUP that is thrown away
        (b"\x80\x04" + short("os") + b"q\x05" + b"20" + short("popen") + b"\x93.", ("os.popen",)),
        # after a list that consumed a mark
        (b"\x80\x04](K\x01K\x02e" + short("nt") + short("system") + b"\x93.", ("nt.system",)),
        # a name that is not there as text
        (b"\x80\x04" + short("os") + b"]\x93.", (COMPUTED,)),
        # the extension registry
        (b"\x80\x02\x82\x01.", (COMPUTED,)),
        # INST of protocol 0, and Python 2's names
        (b"(S'1'\ni__builtin__\neval\n.", ("builtins.eval",)),
        (b"c__builtin__\nreduce\n.", ("functools.reduce",)),
        (b"cposix\nsystem\n.", ("posix.system",)),
    ],
)
def test_tricks(raw, wanted):
    assert names(raw) == wanted


def test_agrees_with_torch_on_a_real_file(tmp_path):
    path = tmp_path / "m.pt"
    torch.save(nn.Sequential(nn.LSTM(2, 3), nn.TransformerEncoderLayer(4, 2, 8)), path)
    raw = torch._C.PyTorchFileReader(str(path)).get_record("data.pkl")
    theirs = set(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    assert "torch.nn.modules.rnn.LSTM" in theirs
    assert set(names(raw)) - theirs <= set(_get_allowed_globals())
    assert theirs <= set(names(raw))


def test_the_position_is_left_behind_the_stop():
    stream = io.BytesIO(pickle.dumps(1, 2) + pickle.dumps(Call(eval), 2) + b"rest")
    assert wanted_by(stream).names == ()
    assert wanted_by(stream).names == ("builtins.eval",)
    assert stream.read() == b"rest"


def test_damaged_text_gives_no_warning():
    assert names(b"\x80\x02S'\\l'\n.") == ()


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_cut_pickle_keeps_what_was_read(cut):
    raw = pickle.dumps([Call(eval, "1"), "x" * 50], 2)
    found = wanted_by(io.BytesIO(raw[:cut]))
    assert not found.complete
    assert set(found.names) <= {"builtins.eval"}


def test_doubling_tuples_are_seen_without_building_them():
    raw = b"\x80\x02N" + b"".join(b"q\x00h\x00\x86" for _ in range(5000)) + b"."
    assert wanted_by(io.BytesIO(raw)).explosive
    plain = pickle.dumps([tuple(range(50))] * 1000, 2)
    assert not wanted_by(io.BytesIO(plain)).explosive


def test_the_stack_is_followed_as_pickletools_does():
    # pickletools.dis checks stack effects itself: a pickle it accepts leaves one object.
    raw = pickle.dumps({"a": [1, (2, 3)], "b": {4, 5}, "c": b"6"}, 4)
    pickletools.dis(raw, out=io.StringIO())
    assert wanted_by(io.BytesIO(raw)) == wanted_by(io.BytesIO(raw))
    assert wanted_by(io.BytesIO(raw)).complete
