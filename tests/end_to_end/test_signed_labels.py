"""Models of one output trained on labels −1 and 1: a hinge, a tanh, least squares."""

import json

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from typer.testing import CliRunner

import actdiag
from actdiag.cli import app

SIGN = "labels −1 and 1 were read as two classes, told apart by the sign of the output"
LOSSES = {
    "hinge": ((), lambda score, sign: F.relu(1 - score * sign).mean()),
    "tanh": ((nn.Tanh(),), F.mse_loss),
    "least-squares": ((), F.mse_loss),
}
OWN_LOSS = """
def hinge(score, sign):
    assert set(sign.tolist()) <= {-1, 1}
    return (1 - score.reshape(-1) * sign).clamp(min=0).mean()
"""


def samples(seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(400, 8, generator=generator)
    bent = x.sum(1) + 2 * x[:, 0] * x[:, 1]
    return x, torch.where(bent > 0, 1, -1)


def trained(name):
    end, loss = LOSSES[name]
    x, y = samples(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1), *end)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(80):
        optimizer.zero_grad()
        loss(model(x).squeeze(1), y.float()).backward()
        optimizer.step()
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("signed")
    x, y = samples(1)
    for name in LOSSES:
        torch.save(trained(name), where / f"{name}.pt")
    np.savez(where / "ints.npz", x=x.numpy(), y=y.numpy())
    order = y.argsort()
    np.savez(where / "sorted.npz", x=x[order].numpy(), y=y[order].numpy())
    torch.save((x, y[:, None].float()), where / "floats.pt")
    (where / "losses.py").write_text(OWN_LOSS)
    return where


def right(folder, name):
    x, y = samples(1)
    model = torch.load(folder / f"{name}.pt", weights_only=False)
    return ((model(x)[:, 0] > 0) == (y > 0)).double().mean().item()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("data", ["ints.npz", "floats.pt", "sorted.npz"])
def test_a_model_that_works_is_told_to_work(folder, name, data):
    report = actdiag.scan(folder / f"{name}.pt", folder / data, batch_size=32, gradients=True)
    output = report.scan.output
    assert output.kind == "margin"
    assert output.accuracy == pytest.approx(right(folder, name))
    assert output.accuracy > 0.8
    assert output.notes == (SIGN,)
    assert [one.code for one in report.findings if one.severity != "info"] == []
    assert (report.scan.gradients.loss, report.scan.gradients.note) == ("bce-with-logits", "")


def test_training_data_and_parts_are_judged_alike(folder):
    x, y = samples(0)
    report = actdiag.scan(folder / "tanh.pt", folder / "ints.npz", train_data=(x, y))
    assert report.scan.training_data.accuracy > report.scan.output.accuracy > 0.8
    options = {"batch_size": 32, "shard": "3/3"}
    part = actdiag.scan(folder / "tanh.pt", folder / "ints.npz", **options)
    assert part.scan.output.notes == (SIGN,)


def test_a_model_that_does_not_work_is_told(folder):
    x, y = samples(1)
    shuffled = y[torch.randperm(400, generator=torch.Generator().manual_seed(0))]
    report = actdiag.scan(folder / "hinge.pt", (x, shuffled))
    assert "OUT212" in {one.code for one in report.findings}
    answers = nn.Sequential(nn.Linear(8, 1))
    nn.init.constant_(answers[0].bias, 100.0)
    assert "OUT205" in {one.code for one in actdiag.scan(answers, (x, y)).findings}


def test_a_loss_of_ones_own_is_given_the_labels_as_they_are(folder):
    loss = f"{folder / 'losses.py'}:hinge"
    report = actdiag.scan(folder / "hinge.pt", folder / "ints.npz", loss=loss)
    assert report.scan.gradients.value > 0


def run(*arguments):
    told = CliRunner().invoke(app, list(map(str, arguments)))
    return told.exit_code, told.stdout


def test_the_command_says_how_labels_were_read(folder):
    code, told = run("scan", folder / "hinge.pt", folder / "ints.npz")
    told = " ".join(told.split())
    assert code == 0
    assert "output margin, 2 classes, accuracy" in told
    assert f"note {SIGN}" in told
    assert "needs confidences: how sure a score against labels −1 and 1 is" in told


def test_remedies_are_tried_on_the_sign(folder):
    data, brief = folder / "floats.pt", ("--steps", 5, "--seeds", 1, "--format", "json")
    code, told = run("try", folder / "hinge.pt", data, "--remedy", "dropout", *brief)
    assert code == 0
    trial = json.loads(told)
    assert trial["recipe"]["loss"] == "binary cross-entropy (labels −1 and 1 as 0 and 1)"
    whole = pytest.approx(right(folder, "hinge"), abs=0.05)
    assert trial["as_is"]["accuracies"] == [whole]


def test_minus_100_is_no_label():
    with np.load("sample_models/data/digits.npz") as file:
        x, y = file["x"], file["y"].astype(np.int64)
    y[::5] = -100
    report = actdiag.scan("sample_models/models/digits_mlp.pt", (x, y), steps="none")
    assert (report.scan.data.samples, report.scan.data.labels) == (len(y), len(y) * 4 // 5)
    assert report.scan.output.predictions == len(y) * 4 // 5
