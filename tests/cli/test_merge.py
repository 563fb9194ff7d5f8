"""``actdiag merge``: scans of parts, made by separate jobs, are the scan of the whole."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from actdiag._version import __version__
from actdiag.capture import reach

BOUNDS = ("input_bound", "input_bias")  # kept of units that never fired


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """A model, data of three batches, and the reports of four shards and of the whole."""
    folder = tmp_path_factory.mktemp("parts")
    generator = np.random.default_rng(0)
    x = generator.normal(size=(130, 6)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)
    np.savez(folder / "data.npz", x=x, y=y)
    np.savez(folder / "a.npz", x=x[:64], y=y[:64])
    np.savez(folder / "b.npz", x=x[64:], y=y[64:])
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 30), nn.ReLU(), nn.Linear(30, 2))
    with torch.no_grad():
        net[0].bias[:12] = -40.0
    torch.save(net, folder / "net.pt")
    torch.save(nn.Sequential(nn.Linear(6, 30), nn.Tanh(), nn.Linear(30, 2)), folder / "tanh.pt")
    torch.save(nn.Sequential(nn.Linear(6, 30), nn.ReLU(), nn.Linear(30, 2)), folder / "other.pt")
    return folder


@pytest.fixture
def scanned(run, parts):
    """Scan a part and give the path of its report."""

    def scan(name, *options, model="net.pt", data="data.npz"):
        path = parts / f"{name}.json"
        if not path.exists():
            common = ("--batch-size", "64", "--steps", "none", "--format", "concise")
            where = (str(parts / model), str(parts / data), "--report", f"json={path}")
            done = run("scan", *where, *common, *options)
            assert path.exists(), done.output
        return str(path)

    return scan


def merged(run, *paths):
    done = run("merge", *paths, "--format", "json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def assert_same(found, wanted, place=""):
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys(), place
        for key in wanted.keys() - {"timings", "diagnoses", "skipped", "findings", *BOUNDS}:
            assert_same(found[key], wanted[key], f"{place}.{key}")
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), place
        for index, pair in enumerate(zip(found, wanted, strict=True)):
            assert_same(*pair, f"{place}[{index}]")
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=1e-9), place
    else:
        assert found == wanted, place


@pytest.mark.parametrize("count", [1, 4])
def test_shards_are_the_whole_in_any_order(run, scanned, count):
    whole = json.loads(Path(scanned("whole")).read_text(encoding="utf-8"))
    assert whole["data"]["batches"] == 3
    paths = [scanned(f"{k}of{count}", "--shard", f"{k}/{count}") for k in range(1, count + 1)]
    for order in itertools.islice(itertools.permutations(paths), 0, 24, 13):
        found = merged(run, *order)
        assert_same(found, whole)
        assert_same(found["findings"], whole["findings"])
        assert_same(found["skipped"], whole["skipped"])
        assert "INI404" in {one["code"] for one in found["findings"]}
        bounds = [report["sites"][2]["per_unit"] for report in (found, whole)]
        for name in BOUNDS:
            for one, other, most in zip(
                *(item[name] for item in bounds), bounds[1]["max"], strict=True
            ):
                assert one is None or one == pytest.approx(other, rel=1e-9)
                assert (one is None) == (most > 0)
        assert "merge" not in found


def test_a_shard_without_a_batch_is_no_healthy_model(run, parts):
    done = run(
        *("scan", str(parts / "net.pt"), str(parts / "data.npz"), "--batch-size", "64"),
        *("--shard", "4/4", "--format", "json"),
    )
    report = json.loads(done.stdout)
    assert done.exit_code == 3
    assert report["verdict"] == "not-checked"
    assert report["data"]["notes"][-1].startswith("part 4 of 4: none of 130")


def test_files_of_their_own_are_merged_by_the_name_of_the_data(run, scanned, parts):
    whole = json.loads(Path(scanned("whole")).read_text(encoding="utf-8"))
    first = scanned("first", "--mergeable", data="a.npz")
    second = scanned("second", "--mergeable", data="b.npz")
    found, turned = merged(run, first, second), merged(run, second, first)
    assert found["data"] == turned["data"]
    assert found["data"]["source"] == f"{parts / 'a.npz'}, {parts / 'b.npz'}"
    assert f"{parts / 'b.npz'}: samples from 64 on" in found["data"]["notes"]
    bounded = ("effective_rank", "sampled_rows", "token_cosine")
    for one, other in zip(found["sites"], whole["sites"], strict=True):
        keys = one.keys() - {*bounded, "shape"}
        assert_same({k: one[k] for k in keys}, {k: other[k] for k in keys}, one["name"])
    assert [one["sample"] for one in found["output"]["worst"]] == [
        one["sample"] for one in whole["output"]["worst"]
    ]
    assert found["output"]["nll"] == pytest.approx(whole["output"]["nll"], rel=1e-9)


def test_steps_that_need_the_model_say_why_they_were_not_carried_out(run, scanned):
    paths = [scanned(f"{k}of2", "--shard", f"{k}/2") for k in (1, 2)]
    found = merged(run, *paths)
    steps = [step for diagnosis in found["diagnoses"] for step in diagnosis["steps"]]
    assert any("needs the model itself" in step["result"] for step in steps)


def test_a_shard_that_is_judged_again_can_still_be_merged(run, scanned, parts):
    first, second = (scanned(f"{k}of2", "--shard", f"{k}/2") for k in (1, 2))
    again = parts / "again.json"
    run("report", first, "--report", f"json={again}")
    assert merged(run, str(again), second)["data"]["samples"] == 130


def test_bounds_by_more_weights_than_are_kept_are_told(run, scanned, monkeypatch):
    monkeypatch.setattr(reach, "_MOST_KEPT", 1)
    found = merged(run, *(scanned(f"few{k}", "--shard", f"{k}/2") for k in (1, 2)))
    told = {skip["code"]: skip["reason"] for skip in found["skipped"]}
    assert told["INI404"].startswith("needs the weights before 1 beside the merged ranges")
    assert "INI404" not in {one["code"] for one in found["findings"]}


def refused(run, *paths):
    done = run("merge", *paths)
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    return done.stderr


def test_what_does_not_belong_together_is_refused(run, scanned, parts):
    first = scanned("1of2", "--shard", "1/2")
    assert "shard 2 of 2 is missing" in refused(run, first)
    assert "given twice" in refused(run, first, first)
    assert "holds no state" in refused(run, first, scanned("whole"))
    assert "is a shard of 4" in refused(run, first, scanned("1of4", "--shard", "1/4"))
    alone = scanned("first", "--mergeable", data="a.npz")
    assert "is a scan of its own" in refused(run, first, alone)
    tanh = scanned("tanh", "--shard", "2/2", model="tanh.pt")
    assert "a module is Tanh 1, and ReLU 1 there" in refused(run, first, tanh)
    other = scanned("other", "--shard", "2/2", model="other.pt")
    assert "of 0.weight is" in refused(run, first, other)
    elsewhere = scanned("elsewhere", "--shard", "2/2", data="a.npz")
    assert "is a shard of a.npz" in refused(run, first, elsewhere)


def test_a_copy_of_a_file_is_refused(run, scanned, parts):
    first = scanned("first", "--mergeable", data="a.npz")
    copy = parts / "copy.json"
    copy.write_bytes((parts / "first.json").read_bytes())
    assert "hold the same scan" in refused(run, first, str(copy))
    shard = scanned("1of2", "--shard", "1/2")
    copy.write_bytes((parts / "1of2.json").read_bytes())
    assert "are both shard 1 of 2" in refused(run, shard, str(copy))
    link = parts / "link.json"
    link.symlink_to(parts / "1of2.json")
    assert "too" in refused(run, shard, str(link))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda saved: saved["tool"].update(version="0.0.1"), f"is 0.0.1, and {__version__} there"),
        (lambda saved: saved["merge"].update(arrays="AAAA"), "its mergeable state is damaged"),
        (lambda saved: saved["merge"]["state"].pop("output"), "is damaged: output: missing"),
        (lambda saved: saved["merge"]["state"].update(reach=5), "is damaged: reach: missing, or "),
        (lambda saved: saved["merge"].update(state={}), "is damaged: sites, parameters, reach, "),
        (lambda saved: saved["merge"].update(samples=7), "the number of samples in all is 7"),
        (lambda saved: saved["coverage"].update(interrupted=True), "was interrupted"),
    ],
)
def test_a_changed_file_is_refused(run, scanned, parts, change, said):
    first, _ = (scanned(f"{k}of2", "--shard", f"{k}/2") for k in (1, 2))
    saved = json.loads((parts / "2of2.json").read_text())
    change(saved)
    changed = parts / "changed.json"
    changed.write_text(json.dumps(saved))
    assert said in " ".join(refused(run, first, str(changed)).split())


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "1/2/3", "-1/2", "a/b"])
def test_a_shard_that_is_none_is_refused(run, parts, shard):
    done = run("scan", str(parts / "net.pt"), str(parts / "data.npz"), "--shard", shard)
    assert done.exit_code == 2
    assert "is no part of the data" in done.stderr
