"""Device and type through the whole pipeline: measured, stated, and the user's model left alone."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import nn

from actdiag import scan
from actdiag.errors import UsageError

SAMPLES = Path(__file__).parents[2] / "sample_models"
MLP = str(SAMPLES / "models" / "digits_mlp.pt")
DIGITS = str(SAMPLES / "data" / "digits.npz")


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_the_sites_have_the_type_that_was_asked_for(dtype):
    report = scan(MLP, DIGITS, dtype=dtype, device="cpu")
    assert {site.dtype for site in report.scan.sites} == {dtype}
    assert f"the model ran in {dtype}, as --dtype asks" in report.scan.data.notes
    assert report.scan.output is not None
    assert report.scan.output.accuracy == pytest.approx(0.97, abs=0.01)


def test_auto_says_what_it_chose():
    report = scan(MLP, DIGITS, device="auto", max_samples=50)
    assert any("chosen by --device auto" in note for note in report.scan.data.notes)


def test_an_unknown_device_is_told_before_anything_is_loaded():
    with pytest.raises(UsageError, match="--device tpu is not known"):
        scan("nowhere.pt", DIGITS, device="tpu")


@pytest.mark.parametrize(
    ("name", "train"), [("constant_output", None), ("overconfident", "digits_noisy_train.npz")]
)
def test_debug_steps_work_on_data_of_the_same_type(name, train):
    sick = str(SAMPLES / "models" / f"{name}.pt")
    train = train and str(SAMPLES / "data" / train)
    plain, cast = (scan(sick, DIGITS, train_data=train, dtype=kind) for kind in (None, "float64"))
    told = [[step.outcome for step in one.steps] for one in plain.diagnoses]
    assert told
    assert [[step.outcome for step in one.steps] for one in cast.diagnoses] == told


def test_a_live_model_keeps_its_type():
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    before = copy.deepcopy(model.state_dict())
    report = scan(model, torch.randn(200, 4), dtype="float64")
    assert {site.dtype for site in report.scan.sites} == {"float64"}
    assert all(torch.equal(t, before[name]) for name, t in model.state_dict().items())
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_both_files_are_standardized_by_the_training_data():
    train, held_out = torch.randn(300, 4) * 5 + 3, torch.randn(100, 4) * 5 + 30
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    report = scan(model, held_out, train_data=train, transform="standardize")
    entry = report.scan.site("input")
    assert entry.stats.mean == pytest.approx(27 / 5, rel=0.1)
    note = "each feature was standardized by the training data's statistics"
    assert note in report.scan.data.notes


def test_what_the_model_takes_is_not_fixed():
    model = str(SAMPLES / "models" / "functional_cnn.pt")
    factory = f"{SAMPLES / 'factories.py'}:functional_cnn"
    report = scan(model, DIGITS, factory=factory, fix_input=True)
    assert report.scan.data.sample_shape == (64,)
    assert not report.scan.data.notes
    synthetic = scan(model, factory=factory)
    assert synthetic.scan.data.sample_shape == (1, 8, 8)
    assert synthetic.scan.output is not None
    assert synthetic.scan.output.predictions == synthetic.scan.data.samples
