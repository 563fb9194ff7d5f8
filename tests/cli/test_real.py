"""The command line on real models, through every room."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest
import torch

from actdiag.render import names

SAMPLES = Path(__file__).parents[2] / "sample_models"
SICK = (str(SAMPLES / "models/constant_output.pt"), str(SAMPLES / "data/digits.npz"))


class Home:
    """Pickled by name, so that loading it would import this module."""


def test_a_sick_model_is_told_with_its_verdict_first(run):
    done = run("scan", *SICK)

    assert done.exit_code == 0
    assert done.stdout.startswith("✗ ")
    assert "MODEL OUTPUTS ALL THE SAME VALUE" in done.stdout
    assert done.stderr == ""


def test_a_mistake_of_the_capture_is_told_as_ours(run, monkeypatch):
    def broken(*_args, **_kwargs):
        return {}["no such site"]

    monkeypatch.setattr("actdiag.capture.observer.Observer.finish", broken)
    done, debugged = run("scan", *SICK), run("scan", *SICK, "--debug")

    assert done.exit_code == debugged.exit_code == 2
    assert done.stderr.startswith("actdiag: this should not have happened: KeyError: ")
    assert "This is a mistake in actdiag, not in the model or the data" in done.stderr
    assert "in broken" in debugged.stderr


@pytest.mark.parametrize("name", names())
def test_a_saved_scan_tells_the_same_again(run, name):
    first = run("scan", *SICK, "--format", name, "--report", "json=scan.json")
    again = run("report", "scan.json", "--format", name)

    assert first.exit_code == again.exit_code == 0
    assert again.stdout == first.stdout


def test_the_same_scan_gives_the_same_json_but_for_the_time(run):
    def scanned():
        document = json.loads(run("scan", *SICK, "--format", "json").stdout)
        assert document.pop("timings")
        return document

    assert scanned() == scanned()


def test_settings_change_the_judgement(run, tmp_path):
    (tmp_path / "actdiag.toml").write_text("[rules.ACT101]\nmin_samples = 1e9\n")
    document = json.loads(run("scan", *SICK, "--select", "ACT101", "--format", "json").stdout)

    assert document["findings"] == []
    assert [skip["code"] for skip in document["skipped"]] == ["ACT101"]


def test_without_data_the_input_is_synthetic_and_said_to_be(run):
    done = run("scan", SICK[0], "--max-samples", "128")

    assert done.exit_code == 0
    assert "SYNTHETIC INPUT" in done.stdout


def test_steps_are_left_out_on_request(run):
    assert "Not carried out: --steps none" in run("scan", *SICK, "--steps", "none").stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["no.pt"], 2),
        (["text.pt"], 2),
        ([SICK[0], "no.npz"], 2),
        ([SICK[0], SICK[1], "--input-shape", "64"], 2),
        ([*SICK, "--select", "ACT999"], 2),
        ([*SICK, "--model", "nothing"], 2),
        ([*SICK, "--device", "nowhere"], 2),
        (["refused.pt"], 4),
        (["weights.pt"], 3),
    ],
)
def test_what_cannot_be_done_has_its_exit_code_and_one_message(run, tmp_path, arguments, code):
    (tmp_path / "text.pt").write_text("hello\n")
    torch.save(Home(), tmp_path / "refused.pt")
    torch.save({"layer.gamma": torch.ones(3)}, tmp_path / "weights.pt")
    done = run("scan", *arguments)

    assert done.exit_code == code
    if code == 3:
        assert "was not checked" in done.stdout
    else:
        assert done.stderr.startswith("actdiag: ")
        assert done.stderr.count("actdiag: ") == 1
        assert "should not have happened" not in done.stderr
        assert done.stdout == ""


def test_a_state_dict_of_a_plain_network_is_offered_code_that_scans_it(run, tmp_path):
    torch.save(torch.load(SICK[0], weights_only=False).state_dict(), tmp_path / "weights.pt")
    done = run("scan", str(tmp_path / "weights.pt"))
    code = done.stdout.partition("CODE THAT FITS THE WEIGHTS")[2].partition("\n")[2]
    (tmp_path / "net.py").write_text(textwrap.dedent(code))

    factory = f"{tmp_path}/net.py:build"
    again = run("scan", str(tmp_path / "weights.pt"), SICK[1], "--model", factory)
    assert "the model was not run" in " ".join(done.stdout.split())
    assert again.exit_code == 0
    assert "because of learning rate too high" in " ".join(again.stdout.split())
