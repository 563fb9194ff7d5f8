"""Runs on an accelerator, ``cuda`` or a simulated one; prints what came out as JSON.

python -m tests.accelerator.driver DEVICE TOPIC [SAMPLE...]

The simulated one can't be got rid of, so this is a process of its own.
"""

from __future__ import annotations

import copy
import json
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import actdiag
from actdiag import functions
from actdiag.capture.capture import Capture
from actdiag.stats import devices, pool
from actdiag.stats.regions import InputRow
from actdiag.stats.site import SiteAccumulator
from benchmarks.models import WIDTH, Decoder, Recurrent
from tests.stats import oracle

if sys.argv[1] == "cuda":
    DEVICE, SEEN = torch.device("cuda:0"), None
else:
    from tests.accelerator.simulated import DEVICE, SEEN

SAMPLES = Path(__file__).parents[2] / "sample_models"
PASSES, HELD = 5, 1 << 14


class Residual(nn.Module):
    """Convolutions with a sum around them, in place and written out."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.inner, self.pool = nn.Conv2d(8, 8, 3, padding=1), nn.MaxPool2d(2)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = self.stem(x)
        x = F.gelu(x + self.inner(x))
        x = x * torch.sigmoid(1.5 * x)
        return self.head(self.pool(x).mean((2, 3)))


def _models():
    yield "residual", Residual(), (3, 12, 12)
    yield (
        "MLP",
        nn.Sequential(*(nn.Sequential(nn.Linear(32, 32), nn.ReLU()) for _ in range(8))),
        (32,),
    )
    layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, activation="gelu", batch_first=True)
    yield "encoder", nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), (8, 32)
    yield "decoder", Decoder(), (8, WIDTH)
    yield "LSTM", Recurrent(), (6, 64)


@contextmanager
def _noted(*, may_wait):
    """Kernels and what was waited for within; of a real device nothing but an error is known."""
    found = {}
    if SEEN is None:
        torch.cuda.set_sync_debug_mode("default" if may_wait else "error")
        yield found
        torch.cuda.set_sync_debug_mode("default")
    else:
        SEEN.clear()
        yield found
        found |= {"kernels": SEEN.kernels, "waits": dict(SEEN.waits)}


@torch.no_grad()
def passes():
    """For each model, what a plain pass and measured ones took."""
    found = {}
    for name, built, shape in _models():
        model, measured = built.eval().to(DEVICE), []
        batch = torch.randn(4, *shape).to(DEVICE)
        with _noted(may_wait=True) as plain:
            model(batch)
        with Capture(model) as capture:
            for turn in range(PASSES):
                batch = torch.randn(4, *shape).to(DEVICE)
                with _noted(may_wait=turn == 0) as noted:
                    capture.run((batch,), {}, len(batch))
                measured.append(noted)
            sites = len(capture.sites())
        found[name] = {"plain": plain, "measured": measured, "sites": sites}
    return found


def _arrays():
    """Batches that are hard in some way; axis 1 is of units."""
    draw = np.random.default_rng(0)
    base = [draw.normal(size=(n, 6, 5)).astype(np.float32) for n in (4, 1, 7)]
    yield "normal", base
    yield "one value", [batch[:, :, 0] for batch in base]
    yield "far", [(1e4 + 1e-2 * batch).astype(np.float64) for batch in base]
    yield "constant", [np.full((3, 6, 5), 0.1, np.float32)] * 3
    yield "huge", [batch.astype(np.float64) * 1e150 for batch in base]
    yield "tiny", [batch * np.float32(1e-42) for batch in base]
    yield "half", [batch.astype(np.float16) for batch in base]
    yield "integers", [draw.integers(-2, 3, size=(5, 6, 4)) for _ in range(3)]
    yield "complex", [(batch + 1j * batch[::-1]).astype(np.complex128) for batch in base]
    yield "wide", [draw.normal(size=(5, 3000)).astype(np.float32) for _ in range(4)]
    for name, bad in (("nan", np.nan), ("inf", np.inf), ("-inf", -np.inf)):
        spoiled = [batch.copy() for batch in base]
        spoiled[1][0, 2, 3], spoiled[2][:, 4] = bad, bad
        yield name, spoiled
        yield f"{name} far", [(batch * 1e-3 + 100).astype(np.float64) for batch in spoiled]


def _tensors(batch):
    tensor = torch.from_numpy(batch).to(DEVICE)
    yield tensor
    yield tensor.transpose(0, -1).contiguous().transpose(0, -1)


def _differences(name, site, arrays):
    stats, units = site.to_record()
    whole = np.concatenate([*arrays, *arrays])
    wanted = oracle.unit_numbers(whole, 1)
    for key in ("count", "nonfinite", "zeros", "positive"):
        if list(getattr(units, key)) != wanted[key]:
            yield f"{name} {key}: {getattr(units, key)} for {wanted[key]}"
    scale = np.abs(oracle.by_unit(whole, 1))
    scale = float(scale[np.isfinite(scale)].max(initial=0))
    for key in ("mean", "std", "mean_abs", "min", "max"):
        pairs = zip(getattr(units, key), wanted[key], strict=True)
        if not all(oracle.close(*pair, scale) for pair in pairs):
            yield f"{name} {key}: {getattr(units, key)} for {wanted[key]}"
    if stats.nan != int(np.isnan(whole).sum()):
        yield f"{name}: {stats.nan} NaN"


def values():
    """Where numbers from the device differ from numpy's in float64."""
    tanh, found = functions.get("tanh"), []
    for name, arrays in _arrays():
        site = SiteAccumulator(arrays[0].shape[1], tanh)
        inputs = SiteAccumulator(arrays[0].shape[1], tanh)
        for batch in arrays:
            for tensor in _tensors(batch):
                axes = {"unit_axis": 1, "sample_axis": 0, "samples": len(tensor)}
                site.update(tensor, **axes)
                inputs.update_input(tensor, **axes)
        found += _differences(name, site, arrays)
        table = inputs.inputs.summed().table
        rows = oracle.by_unit(np.concatenate([*arrays, *arrays]), 1)
        finite = [row[np.isfinite(row)] for row in rows]
        wanted = {
            InputRow.COUNT: [row.size for row in rows],
            InputRow.NONFINITE: [int((~np.isfinite(row)).sum()) for row in rows],
            InputRow.ABOVE: [int((row > tanh.saturated_above).sum()) for row in rows],
            InputRow.BELOW: [int((row < tanh.saturated_below).sum()) for row in rows],
            InputRow.LOW: [own.min(initial=np.inf) for own in finite],
            InputRow.HIGH: [own.max(initial=-np.inf) for own in finite],
        }
        for row, numbers in wanted.items():
            if not np.allclose(table[row], numbers, rtol=1e-15, atol=0):
                found.append(f"{name} inputs {row.name}: {table[row].tolist()} for {numbers}")
    return found


def scarce():
    """The numbers of many calls where memory for copies runs out now and then."""
    clone, calls = torch.Tensor.clone, []

    def refused(tensor, **how):
        calls.append(tensor)
        if len(calls) % 5 == 0:
            raise torch.OutOfMemoryError
        return clone(tensor, **how)

    torch.Tensor.clone = refused
    site = SiteAccumulator(8)
    for turn in range(40):
        tensor = torch.full((4, 8, 9), float(turn), device=DEVICE)
        site.update(tensor, unit_axis=1, sample_axis=0, samples=4)
    record = site.to_record()[0]
    return len(calls), record.mean, record.elements, record.max


def waiting():
    """Bytes that wait after each of many calls, and the numbers of all of them."""
    pool.MOST_BYTES_THERE, held = HELD, []
    sites = [SiteAccumulator(8) for _ in range(3)]
    for turn in range(40):
        for site in sites:
            tensor = torch.full((4, 8, 9), float(turn), device=DEVICE)
            site.update(tensor, unit_axis=1, sample_axis=0, samples=4)
            held.append(pool._POOL.used_there)
            tensor.zero_()
    records = [site.to_record()[0] for site in sites]
    return held, [(record.mean, record.elements, record.max) for record in records]


def _unlike(path, ours, theirs):
    """Where two reports differ by more than another order of additions explains."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in {**ours, **theirs}:
            yield from _unlike(f"{path}.{key}", ours.get(key), theirs.get(key))
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for place, pair in enumerate(zip(ours, theirs, strict=True)):
            yield from _unlike(f"{path}[{place}]", *pair)
    elif isinstance(ours, float) and isinstance(theirs, float):
        if abs(ours - theirs) > 1e-6 * abs(ours) + 1e-9:
            yield f"{path}: {ours} and {theirs}"
    elif ours != theirs:
        yield f"{path}: {ours} and {theirs}"


def reports():
    """Where reports of sample models from the device differ from those of the CPU."""
    found = {}
    for row in json.loads((SAMPLES / "manifest.json").read_text()):
        if row["format"] != "pickled-module" or row["name"] not in sys.argv[3:]:
            continue
        path, data = (str(SAMPLES.parent / row[key]) for key in ("file", "data"))
        model = torch.load(path, weights_only=False).eval()
        gradients = "lstm" not in row["name"]
        ours, theirs = (
            actdiag.scan(copy.deepcopy(model).to(device), data, gradients=gradients).to_json()
            for device in ("cpu", DEVICE)
        )
        for report in (ours, theirs):
            del report["timings"]
        pair = (json.loads(json.dumps(report)) for report in (ours, theirs))
        codes = [[one["code"] for one in report["findings"]] for report in (ours, theirs)]
        found[row["name"]] = {"unlike": [*_unlike("", *pair)], "codes": codes}
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    devices.STAGING.add(DEVICE.type)
    torch.manual_seed(0)
    topics = {
        function.__name__: function for function in (passes, values, waiting, scarce, reports)
    }
    json.dump(topics[sys.argv[2]](), sys.stdout)
