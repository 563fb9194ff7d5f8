"""The benchmark of overhead: what collectors deliver is found out, and what they cost."""

from __future__ import annotations

import json
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from actdiag.stats import library
from benchmarks import growth, real
from benchmarks.collectors import COLLECTORS, watching
from benchmarks.models import SHAPES, Shape
from benchmarks.overhead import Overhead, compare
from benchmarks.peers import PEERS, environment, measuring
from benchmarks.peers.adapters import ADAPTERS, Histograms
from benchmarks.peers.checking import DEAD, UNITS, Delivered, Known, check
from benchmarks.peers.measuring import Found, read
from benchmarks.report import Results, page
from benchmarks.timing import Timed, in_turn, peak

TINY = Shape("tiny", lambda: nn.Linear(4, 3), lambda g: torch.randn(8, 4, generator=g), 8)


def test_actdiag_delivers_everything():
    found = check(watching)
    assert found.right == ("mean", "mean of units", "max of units")
    assert found.wrong == ()
    assert all((found.per_unit, found.dead, found.functional, found.all_batches))


def test_histograms_of_modules_are_right_and_of_the_last_batch():
    def watch(model):
        adapter = Histograms(model)
        return adapter.run, adapter.told

    assert check(watch) == Delivered(("histogram", "edges"), (), False, False, False, False)


def collecting(tell):
    """A collector that tells what ``tell`` makes of all that the network has seen."""

    def watch(model):
        return lambda batch, _: model(batch), lambda: tell(model.seen)

    return watch


def test_a_wrong_number_is_found_out():
    assert check(collecting(lambda seen: {"relu": {"mean": 0.123}})).wrong == ("mean",)


@pytest.mark.parametrize("layer", ["relu", "functional"])
@pytest.mark.parametrize("every", [False, True])
def test_what_a_collector_sees_is_told_apart(layer, every):
    def tell(seen):
        values = np.concatenate(seen[layer]) if every else seen[layer][-1]
        return {"it": {"max of units": values.max(0), "mean": values.mean()}}

    found = check(collecting(tell))
    assert (found.functional, found.all_batches) == (layer == "functional", every)
    assert (found.per_unit, found.dead, found.wrong) == (True, True, ())


def test_the_known_network_has_the_dead_units_that_it_says():
    model = Known().eval()
    model(torch.randn(500, 10))
    for layer in ("relu", "functional"):
        silent = (model.seen[layer][0].max(0) <= 0).sum()
        assert silent == DEAD < UNITS


def test_every_peer_has_an_adapter_and_the_shapes_their_own_names():
    assert ADAPTERS.keys() == PEERS.keys()
    names = [shape.name for shape in SHAPES]
    assert len(set(names)) == len(names)


def test_plain_and_watched_passes_see_the_same_inputs_in_turn():
    seen = {"plain": [], "watched": []}

    class Noting(nn.Module):
        def forward(self, x):
            seen["plain"].append(x)
            return x

    def watched(batch, _samples):
        seen["watched"].append(batch)

    timed = in_turn(TINY, Noting(), watched, 1, 5)
    assert len(timed.ratios) == 5
    pairs = list(zip(seen["plain"][-5:], seen["watched"][-5:], strict=True))
    assert all(torch.equal(*pair) for pair in pairs)
    assert not torch.equal(pairs[0][0], pairs[1][0])


def test_memory_rises_by_what_a_pass_takes():
    def greedy(_batch, _samples):
        torch.ones(20 << 18).sum()  # 20 MB

    found = peak(greedy, TINY, torch.Generator())
    assert found is None or 15 < found < 40


@pytest.mark.parametrize("collector", COLLECTORS)
def test_each_collector_runs(collector):
    if collector.endswith("native") and library.load(library.PATH)[0] is None:
        pytest.skip("the native backend was not built here")
    result = compare(TINY, collector, 1, 3)
    assert len(result.timed.ratios) == 3
    assert (result.inside is not None) == collector.startswith("actdiag")


def test_what_pip_says_is_told_without_hosts_and_folders():
    said = (
        "WARNING: old\nERROR: Cannot install x because of conflicts\n"
        "ERROR: see https://somewhere.example/help\nnote: nothing"
    )
    assert environment.reason(said) == "Cannot install x because of conflicts"
    assert environment.reason("") == "pip could not install it"


def test_a_peer_that_cannot_be_installed_is_told_with_its_reason(monkeypatch):
    monkeypatch.setattr(environment, "python", lambda: "python")
    failed = SimpleNamespace(returncode=1, stderr="ERROR: No matching distribution found for it")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    found = measuring.measured("delve", 1, 1, ["MLP"])
    assert found.failed == {"": "No matching distribution found for it"}


def line(**entry):
    return json.dumps(entry)


def test_what_a_worker_prints_is_read():
    told = Delivered(("mean",), ("std",), True, False, True, False)
    timed = {"ratios": [2.0, 2.5], "plain_s": 1.0, "watched_s": 2.0, "plain_mb": 3.0}
    found = read(
        [
            line(release="1.2", delivered=told.to_json()),
            line(shape="MLP", timed={**timed, "watched_mb": 10.0}),
            line(shape="LSTM", failed="TypeError: no"),
        ]
    )
    assert (found.release, found.delivered) == ("1.2", told)
    assert found.timed["MLP"].ratios == (2.0, 2.5)
    assert found.timed["MLP"].extra_mb == 7.0
    assert found.failed == {"LSTM": "TypeError: no"}


def test_the_page_tells_of_everything():
    timed = Timed((1.0, 2.0, 3.0), 1.0, 2.0, 5.0, 9.0)
    found = [
        Overhead("MLP", name, 1, timed)
        for name in ("hooks that do nothing", "actdiag, native", "delve")
    ]
    peers = {
        "actdiag": Found("", Delivered(("mean",), (), True, True, True, True)),
        "delve": Found("9", Delivered((), ("trace",), False, False, False, False), {}, {"O": "no"}),
        "fastai": Found(failed={"": "No matching distribution"}),
    }
    grown = [growth.Grown("native", 8, 1.0, 0.5, None), growth.Grown("native", 16, 2.0, 1.0, 0.2)]
    text = page(
        Results(
            found=found,
            peers=peers,
            fixed={"native": 1.0},
            samples={"native": [(1000, 1.0, 2.0, 3.0)]},
            layers=grown,
            widths=grown,
            load=[0.5],
            detail="native",
            commit="abc",
        )
    )
    assert "| delve | 2.00 (1.50–2.50) |" in text
    assert "| delve | 4.0 |" in text
    assert "| actdiag |  | mean | yes | yes | yes | yes |" in text
    assert "nothing; not trace | no | no | no | no |" in text
    assert "not measured: No matching distribution" in text
    assert "- delve on O: no" in text
    assert "| native | 8 | 1.00 | 0.50 | 62 | – |" in text
    assert "| native | 16 | 2.00 | 1.00 | 62 | 0.2 |" in text


def test_networks_grow_as_they_say():
    shape = growth.layered(3, 16)
    layers = [layer for layer in shape.build() if isinstance(layer, nn.Linear)]
    assert [tuple(layer.weight.shape) for layer in layers] == [(16, 16)] * 3
    assert shape.make(torch.Generator()).shape == (growth.BATCH, 16)


def test_crops_of_photographs_are_of_one_size():
    pictures = [torch.rand(1, 3, 256, 320), torch.rand(1, 3, 224, 224)]
    generator = torch.Generator().manual_seed(0)
    for _ in range(9):
        assert real._crop(pictures, generator).shape == (1, 3, real.SIDE, real.SIDE)
