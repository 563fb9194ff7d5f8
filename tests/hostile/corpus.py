"""Malicious model files, each of which touches a canary file if anything in it is carried out."""

from __future__ import annotations

import json
import os
import pickle
import runpy
import struct
import subprocess
import warnings
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.serialization import MAGIC_NUMBER, PROTOCOL_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OLD = {"_use_new_zipfile_serialization": False}


class Call:
    """Pickles as a call of ``function`` with ``arguments``."""

    def __init__(self, function, *arguments, state=None):
        self.parts = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.parts


def touching(canary):
    """Ways to touch the canary, by what they go through."""
    python = f"open({str(canary)!r}, 'w').close()"
    shell = f"touch '{canary}'"
    nested = pickle.dumps(Call(exec, python), 2)
    return {
        "os.system": Call(os.system, shell),
        "builtins.exec": Call(exec, python),
        "builtins.eval": Call(eval, python),
        "builtins.open": Call(open, str(canary), "w"),
        "subprocess": Call(subprocess.check_call, ["touch", str(canary)]),
        "runpy": Call(vars(runpy)["_run_code"], python, {}),
        "pickle.loads": Call(pickle.loads, nested),
        "torch.load_from_bytes": Call(torch.storage._load_from_bytes, saved_bytes(nested)),
        "numpy.runstring": Call(_runstring(), python, {}),
        "setstate": Call(object.__new__, nn.Linear, state={"forward": Call(exec, python)}),
        "tensor-rebuild": Call(
            torch._tensor._rebuild_from_type_v2, exec, torch.Tensor, (python,), {}
        ),
        "hook": hooked(Call(exec, python)),
    }


def _runstring():
    from numpy.testing._private.utils import runstring

    return runstring


def saved_bytes(raw):
    """A nested torch file of the older kind."""
    head = [MAGIC_NUMBER, PROTOCOL_VERSION, {}]
    return b"".join(pickle.dumps(part, 2) for part in head) + raw


def hooked(call):
    """A whole module that carries the call among its hooks."""
    module = nn.Linear(2, 2)
    module._forward_hooks[0] = call
    return module


def short(text):
    return b"\x8c" + bytes([len(text)]) + text.encode()


def text(value):
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def handmade(canary):
    """Raw pickles that call exec, by the trick they use."""
    python = f"open({str(canary)!r}, 'w').close()"
    argument = text(python) + b"\x85R."
    return {
        "global": b"\x80\x02cbuiltins\nexec\n" + argument,
        "global-python2": b"\x80\x02c__builtin__\neval\n" + argument,
        "inst": b"\x80\x02(" + text(python) + b"ibuiltins\nexec\n.",
        "obj": b"\x80\x02(cbuiltins\nexec\n" + text(python) + b"o.",
        "stack-global": b"\x80\x04" + short("builtins") + short("exec") + b"\x93" + argument,
        "stack-global-memo": (
            b"\x80\x04" + short("exec") + b"\x94" + short("builtins") + b"\x940h\x01h\x00\x93"
            + argument
        ),
        "stack-global-dup": (
            b"\x80\x04" + short("builtins") + b"2" + b"0" + short("exec") + b"\x93" + argument
        ),
        "dotted": b"\x80\x04" + short("torch") + short("os.system") + b"\x93"
        + text(f"touch '{canary}'") + b"\x85R.",
        "global-dotted": b"\x80\x02ctorch.serialization\nos.system\n"
        + text(f"touch '{canary}'") + b"\x85R.",
        "class-called": b"\x80\x02ctorch.nn.modules.linear\nLinear\n(K\x02K\x02tR.",
        "function-called": b"\x80\x02ctorch.nn.functional\nrelu\n" + argument,
        "extension": b"\x80\x02\x82\x01" + argument,
        "no-proto": b"cbuiltins\nexec\n(" + b"S" + repr(python).encode() + b"\ntR.",
        "after-junk": b"\x80\x02K\x01K\x020" + b"0cbuiltins\nexec\n" + argument,
        "newline-in-name": b"\x80\x04" + short("builtins\n") + short("exec") + b"\x93" + argument,
        "own-helper": b"\x80\x02cactdiag.load.shells\nmodule_of\n" + argument,
        "own-support": b"\x80\x04" + short("") + short("DtypeShell") + b"\x93" + argument,
    }  # fmt: skip


@dataclass(frozen=True)
class Malicious:
    """Writes a file; ``runs`` says that loading it without restriction touches the canary."""

    write: Callable[[Path, Path], Any]
    runs: bool = False


def with_pickle(raw, path, extra=()):
    """A torch.save zip around this pickle."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", raw)
        archive.writestr("archive/version", "3\n")
        for name, content in extra:
            archive.writestr(name, content)


def legacy_with(raw, path, place):
    """An older file in which pickle number ``place`` of the five is this one."""
    contents: list[Any] = [MAGIC_NUMBER, PROTOCOL_VERSION, {}, {}, []]
    parts = [pickle.dumps(part, 2) for part in contents]
    parts[place] = raw
    path.write_bytes(b"".join(parts))


def claiming(size, method):
    """An archive whose directory claims that its pickle unpacks to so many bytes."""

    def write(path, _canary):
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr("archive/data.pkl", pickle.dumps([0] * 10_000, 2))
        raw = bytearray(path.read_bytes())
        at = raw.find(b"PK\x01\x02")
        raw[at + 24 : at + 28] = struct.pack("<I", size)
        path.write_bytes(raw)

    return write


def traversing(path, canary):
    with_pickle(
        pickle.dumps({"a": 1}, 2),
        path,
        [(f"../../../../..{canary}", "x"), (f"archive/../..{canary}", "x"), (str(canary), "x")],
    )


def twice(path, canary):
    """Two entries of one name, the second of which is evil."""
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("archive/data.pkl", pickle.dumps({}, 2))
        archive.writestr("archive/data.pkl", handmade(canary)["global"])


def safetensors_header(length, header=b"{}"):
    return lambda path, _: path.write_bytes(struct.pack("<Q", length) + header)


def safetensors_lying(path, _canary):
    header = {"a": {"dtype": "F32", "shape": [1 << 60], "data_offsets": [0, 1 << 62]}}
    raw = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(raw)) + raw + bytes(16))


def lightning(path, canary):
    document = {
        "pytorch-lightning_version": "2.5.0",
        "state_dict": nn.Linear(2, 2).state_dict(),
        "hyper_parameters": {"width": Call(exec, f"open({str(canary)!r}, 'w').close()")},
    }
    torch.save(document, path)


def exported(path, canary):
    """A .pt2 whose sample inputs are a pickle that runs."""
    torch.export.save(torch.export.export(nn.Linear(2, 2), (torch.ones(1, 2),)), path)
    evil = path.with_suffix(".evil")
    torch.save(Call(exec, f"open({str(canary)!r}, 'w').close()"), evil)
    with zipfile.ZipFile(path) as source:
        entries = {info.filename: source.read(info) for info in source.infolist()}
    with zipfile.ZipFile(path, "w") as target:
        for name, content in entries.items():
            target.writestr(name, evil.read_bytes() if name.endswith("model.pt") else content)
    evil.unlink()


def doubling(path, _canary):
    raw = b"\x80\x02}N" + b"".join(b"q\x00h\x00\x86" for _ in range(200)) + b"K\x01s."
    with_pickle(raw, path)


def saving(held, **options):
    """A writer of what torch.save makes of this."""
    return lambda path, _: torch.save(held, path, **options)


def zipping(raw):
    """A writer of a torch.save zip around this pickle."""
    return lambda path, _: with_pickle(raw, path)


def starting(raw):
    """A writer of the bytes as they are."""
    return lambda path, _: path.write_bytes(raw)


def older(raw, place):
    """A writer of an older file with this pickle among its five."""
    return lambda path, _: legacy_with(raw, path, place)


def corpus(canary: Path) -> dict[str, Malicious]:
    """Every malicious file by name."""
    found: dict[str, Malicious] = {}
    for name, call in touching(canary).items():
        held = {"state_dict": {"a": torch.zeros(2)}, "x": call}
        runs = name in {"os.system", "builtins.exec", "subprocess", "pickle.loads"}
        found[f"{name}/zip"] = Malicious(saving(held), runs)
        found[f"{name}/legacy"] = Malicious(saving(held, **OLD), runs)
    for name, raw in handmade(canary).items():
        found[f"{name}/zip"] = Malicious(zipping(raw))
        found[f"{name}/plain"] = Malicious(starting(raw))
        for place in range(5):
            found[f"{name}/legacy-{place}"] = Malicious(older(raw, place))
    for protocol in range(6):
        raw = pickle.dumps(touching(canary)["builtins.exec"], protocol)
        found[f"pickle.dump-{protocol}"] = Malicious(starting(raw))
    found["lightning"] = Malicious(lightning, runs=True)
    others: dict[str, Callable[[Path, Path], Any]] = {
        "zip-bomb": claiming(0xFFFF_FFF0, zipfile.ZIP_STORED),
        "zip-squeezed": claiming(0xFFFF_FFF0, zipfile.ZIP_DEFLATED),
        "zip-squeezed-less": claiming(0x3000_0000, zipfile.ZIP_DEFLATED),
        "zip-traversal": traversing,
        "zip-twice": twice,
        "safetensors-2^63": safetensors_header(1 << 63),
        "safetensors-2^40": safetensors_header(1 << 40),
        "safetensors-deep": safetensors_header(200_000, b"{" + b'"a":{' * 33_333 + bytes(50)),
        "safetensors-lying": safetensors_lying,
        "exported": exported,
        "doubling-tuples": doubling,
    }
    return found | {name: Malicious(write) for name, write in others.items()}
