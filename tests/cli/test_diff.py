from __future__ import annotations

import json
from dataclasses import replace

import pytest

from actdiag.render import json as json_format
from tests.render import build


@pytest.fixture
def other(tmp_path):
    path = tmp_path / "other.json"
    path.write_text(json_format.render(build.healthy()), encoding="utf-8")
    return path


def test_two_saved_scans(run, saved, other):
    done = run("diff", str(saved), str(other))

    assert done.exit_code == 0
    assert "dead_relu.pt" in done.stdout
    assert "OUTPUT" in done.stdout
    assert "accuracy 10.2 % → 97.8 %" in done.stdout


def test_a_scan_that_a_shell_wrote_in_utf16(run, saved, other):
    told = run("diff", str(saved), str(other)).stdout
    other.write_text(other.read_text(encoding="utf-8"), encoding="utf-16")

    assert run("diff", str(saved), str(other)).stdout == told


def test_a_saved_scan_and_a_model(run, pipeline, saved):
    pipeline.answer = build.healthy()
    done = run("diff", str(saved), "model.pt", "--data", "d.npz", "--format", "json")
    document = json.loads(done.stdout)

    assert pipeline.asked["model"] == "model.pt"
    assert pipeline.asked["data"] == "d.npz"
    assert document["after"]["model"] == "sample_models/healthy_mlp.pt"


def test_a_side_that_was_not_checked_is_3(run, pipeline, saved):
    pipeline.answer = build.broken_off()

    assert run("diff", str(saved), "model.pt").exit_code == 3


def test_a_saved_scan_of_several_models_is_refused(run, saved):
    saved.write_text(json_format.render(build.sick(), replace(build.sick())), encoding="utf-8")
    done = run("diff", str(saved), str(saved))

    assert done.exit_code == 2
    assert "holds the scans of 2 models" in done.stderr


def test_a_format_that_is_none_is_told_before_anything_runs(run, pipeline):
    done = run("diff", "a.pt", "b.pt", "--format", "sarif")

    assert done.exit_code == 2
    assert "there is no format 'sarif' of a comparison" in done.stderr
    assert pipeline.asked is None


def test_pages_are_written_beside_what_is_printed(run, saved, other, tmp_path):
    page, document = tmp_path / "diff.html", tmp_path / "diff.json"
    reports = ("--report", f"html={page}", "--report", f"json={document}")
    done = run("diff", str(saved), str(other), *reports)

    assert done.exit_code == 0
    assert done.stdout.startswith("no finding in either\n")
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert json.loads(document.read_text(encoding="utf-8"))["output"][0]["better"] is True


def test_a_report_of_another_kind_or_over_an_input_is_refused_first(run, pipeline, saved, other):
    csv = run("diff", str(saved), str(other), "--report", "csv=diff.csv")
    over = run("diff", str(saved), str(other), "--report", f"json={saved}")

    assert (csv.exit_code, over.exit_code) == (2, 2)
    assert "there is no report format 'csv'" in csv.stderr
    assert "is an input" in over.stderr
