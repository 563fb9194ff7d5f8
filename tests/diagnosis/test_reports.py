"""``actdiag.diagnose(report)``: of a report just made, made without steps, and read from JSON."""

import json

import torch
from torch import nn

import actdiag
from actdiag.records import Outcome, Report
from tests.end_to_end.samples import MANIFEST, scanned


def test_it_gives_the_diagnoses_that_the_report_holds():
    for name in ("constant_output", "overconfident"):
        report = scanned(name)
        assert actdiag.diagnose(report) == report.diagnoses != ()


def test_it_gives_them_from_a_saved_report():
    report = scanned("overconfident")
    saved = Report.from_json(json.loads(json.dumps(report.to_json())))
    assert actdiag.diagnose(saved) == report.diagnoses


def test_steps_that_only_read_the_numbers_are_made_up_for():
    entry = MANIFEST["overconfident"]
    bare = actdiag.scan(entry["file"], entry["data"], train_data=entry["train_data"], steps="none")
    outcomes = {step.id: step for step in bare.diagnoses[0].steps}
    assert outcomes["temperature-scaling"].outcome is Outcome.NEEDS_INPUT
    outcomes = {step.id: step for step in actdiag.diagnose(bare)[0].steps}
    assert outcomes["temperature-scaling"].outcome is Outcome.HELPS
    assert outcomes["check-overfitting"].measured["over_fitting"]
    assert "--steps none" in outcomes["add-dropout"].result


def test_a_healthy_report_has_none():
    assert actdiag.diagnose(scanned("digits_mlp")) == ()


def test_findings_alone_call_for_a_diagnosis_too():
    module = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    nn.init.constant_(module[0].bias, -100.0)
    report = actdiag.scan(module, torch.randn(200, 4), steps="none")
    bare = Report(report.scan, report.findings)
    told = actdiag.diagnose(bare)[0]
    assert told.symptom == "outputs-all-same"
    result = {step.id: step.result for step in told.steps}
    assert "needs the model itself" in result["try-leaky-relu"]
    assert result["check-statistics"].startswith("The signal dies at 1 (relu)")
