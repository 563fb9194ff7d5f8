from __future__ import annotations

import inspect
import json
from dataclasses import replace
from typing import Any

import pytest

from actdiag.errors import OURS, DataError, RefusedError
from actdiag.records import ModelInfo, ReportVerdict
from actdiag.render import json as json_format
from actdiag.render._story import tally
from tests.render import build


@pytest.fixture
def models(pipeline, monkeypatch, tmp_path):
    """A pipeline that answers by the model's name."""
    answers: dict[str, Any] = {
        "good.pt": build.healthy(),
        "bad.pt": build.sick(),
        "note.pt": build.long(),
        "empty.pt": build.broken_off(),
        "part.pt": replace(
            build.broken_off(), findings=build.long().findings, verdict=ReportVerdict.FINDINGS
        ),
        "evil.pt": RefusedError("evil.pt would run os.system", hint="Use --allow os.system."),
        "odd.pt": DataError("the data does not fit"),
        "bug.pt": ZeroDivisionError("by 0"),
        "stop.pt": KeyboardInterrupt(),
    }
    asked = []

    def scan(model, data, **options):
        asked.append({"model": model, "data": data, **options})
        answer = answers[model.rpartition("/")[2]]
        if isinstance(answer, BaseException):
            raise answer
        told = ModelInfo(model, "pickled-module", "Sequential")
        return replace(answer, scan=replace(answer.scan, model=told))

    import actdiag.pipeline

    monkeypatch.setattr(actdiag.pipeline, "scan", scan)
    return asked


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["good.pt"], 0),
        (["bad.pt"], 1),
        (["bad.pt", "--ignore", "ACT"], 1),
        (["note.pt"], 0),
        (["note.pt", "--fail-on", "warning"], 0),
        (["note.pt", "--fail-on", "info"], 1),
        (["odd.pt"], 2),
        (["bug.pt"], 2),
        (["empty.pt"], 3),
        (["part.pt"], 3),
        (["evil.pt"], 4),
        (["good.pt", "bad.pt"], 1),
        (["bad.pt", "empty.pt"], 3),
        (["empty.pt", "odd.pt", "bad.pt"], 2),
        (["good.pt", "evil.pt", "odd.pt"], 4),
        (["good.pt", "--strict-skips"], 1),
        (["*.nothing"], 3),
    ],
)
def test_exit_codes(run, models, arguments, code):
    assert run("check", *arguments).exit_code == code


def test_one_line_for_each_model_and_what_failed_it_beneath(run, models):
    done = run("check", "good.pt", "bad.pt", "evil.pt", "empty.pt")
    lines = done.stdout.splitlines()

    assert lines[0] == "✓ ok good.pt: nothing found"
    assert lines[1] == "✗ FAILED bad.pt: 3 errors, 1 warning"
    assert lines[2].startswith("  train.py:11: error: ACT101 dead-relu in layer 1: 41 of 64 units")
    assert lines[5] == "✗ REFUSED evil.pt: evil.pt would run os.system. Use --allow os.system."
    assert lines[6].startswith("? NOT CHECKED empty.pt: RuntimeError: mat1 and mat2")
    assert lines[7] == "1 of 4 models passed"
    assert len(lines) == 8


def test_a_forward_that_fails_behind_a_mild_finding_does_not_pass(run, models):
    told = run("check", "part.pt").stdout

    assert told.startswith("? NOT CHECKED part.pt: RuntimeError: mat1 and mat2 shapes")
    assert told.endswith(f" ({tally(build.long().findings)})\n")


def test_a_warning_is_told_but_does_not_fail_below_fail_on(run, models):
    assert "warning" not in "".join(run("check", "bad.pt").stdout.splitlines()[1:])
    assert "DAT701" in run("check", "bad.pt", "--fail-on", "warning").stdout


def test_a_bug_with_one_model_leaves_the_others_checked(run, models):
    lines = run("check", "bug.pt", "good.pt").stdout.splitlines()

    assert "this should not have happened: ZeroDivisionError: by 0. Run again with" in lines[0]
    assert lines[0].endswith(OURS)
    assert lines[1].startswith("✓ ok good.pt")
    debugged = run("check", "bug.pt", "good.pt", "--debug")
    assert "Traceback" in debugged.stderr
    assert "by 0. This is a mistake in actdiag, not in the model" in debugged.stdout


def test_ctrl_c_gives_what_was_found_so_far(run, models):
    done = run("check", "bad.pt", "stop.pt", "good.pt", "--report", "json=out.json")

    assert done.exit_code == 130
    assert "FAILED bad.pt" in done.stdout
    assert "interrupted after 1 of 3 models" in done.stderr


def test_another_format_is_one_document_and_the_verdicts_go_to_stderr(run, models):
    done = run("check", "good.pt", "bad.pt", "--format", "json")

    assert [each["verdict"] for each in json.loads(done.stdout)["reports"]] == [
        "healthy",
        "findings",
    ]
    assert "✗ FAILED bad.pt" in done.stderr


def test_reports_hold_all_models_those_not_checked_too(run, models, tmp_path):
    run("check", "bad.pt", "evil.pt", "--report", "sarif=a.sarif", "--report", "junit=b.xml")
    runs = json.loads((tmp_path / "a.sarif").read_text(encoding="utf-8"))["runs"]

    ran = [each["invocations"][0]["executionSuccessful"] for each in runs]
    assert sorted(ran) == [False, True]
    assert "would run os.system" in (tmp_path / "b.xml").read_text(encoding="utf-8")


def test_a_baseline_lets_what_it_knows_pass(run, models, saved):
    done = run("check", "bad.pt", "--baseline", str(saved))

    assert done.exit_code == 0
    assert done.stdout == "✓ ok bad.pt: nothing new, 4 known from the baseline\n"


def test_what_is_new_beside_a_baseline_fails(run, models, saved):
    sick = build.sick()
    saved.write_text(json_format.render(replace(sick, findings=sick.findings[:1])))
    lines = run("check", "bad.pt", "--baseline", str(saved), "--ignore", "ACT").stdout.splitlines()

    assert lines[0] == "✗ FAILED bad.pt: 3 errors, 1 known from the baseline"


def test_a_baseline_is_judged_by_the_rules_of_today_too(run, models, saved, monkeypatch):
    """A rule that is newer than the baseline does not fail what was so when it was saved."""
    monkeypatch.setattr("actdiag.diagnosis.judged.judged", lambda scan, **rules: build.sick())
    saved.write_text(json_format.render(replace(build.sick(), findings=())))
    lines = run("check", "bad.pt", "--baseline", str(saved)).stdout.splitlines()

    assert lines[0].endswith("nothing new, 4 known from the baseline")


def test_the_baseline_is_written_and_then_lets_the_same_pass(run, models, tmp_path):
    first = run("check", "bad.pt", "note.pt", "--baseline", "base.json", "--update-baseline")
    again = run("check", "bad.pt", "note.pt", "--baseline", "base.json", "--fail-on", "info")

    assert (first.exit_code, again.exit_code) == (0, 0)
    assert "4 known from the baseline" in first.stdout
    document = json.loads((tmp_path / "base.json").read_text(encoding="utf-8"))
    assert [each["known"] for each in document["reports"]] == [[], []]


def test_a_model_that_is_not_in_a_baseline_of_several_has_none(run, models):
    run("check", "note.pt", "good.pt", "--baseline", "base.json", "--update-baseline")

    assert run("check", "bad.pt", "--baseline", "base.json").exit_code == 1


def test_what_was_not_checked_is_not_made_a_baseline(run, models, tmp_path):
    done = run("check", "empty.pt", "--baseline", "base.json", "--update-baseline")

    assert done.exit_code == 3
    assert not (tmp_path / "base.json").exists()


def test_skipped_rules_are_counted_when_they_count(run, models):
    done = run("check", "good.pt", "--strict-skips")

    assert done.stdout.startswith("✗ FAILED good.pt: nothing found, 2 rules skipped for want of")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--update-baseline"], "--update-baseline needs --baseline SCAN.json"),
        (["--baseline", "none.json"], "cannot read none.json: No such file or directory"),
        (["--baseline", "no/b.json", "--update-baseline"], "--baseline no/b.json: cannot write"),
        (["--format", "txt"], "there is no report format 'txt'"),
        (["--report", "text=m.pt"], "m.pt is an input"),
        (["--model-args", "["], "--model-args is not JSON"),
    ],
)
def test_mistakes_are_told_before_anything_runs(run, models, arguments, message):
    done = run("check", "m.pt", *arguments)

    assert done.exit_code == 2
    assert message in done.stderr
    assert models == []


def test_it_takes_what_scan_takes_and_the_pipeline_takes_it(run, models, monkeypatch):
    flags = "--labels y --input-shape 3,8 --batch-size 7 --trust --allow a.B --steps none --seed 3"
    run("check", "good.pt", "--data", "d.npz", *flags.split(), "--select", "ACT,INI")
    (asked,) = models
    monkeypatch.undo()
    from actdiag.pipeline import scan

    inspect.signature(scan).bind(**asked)
    assert asked["data"] == "d.npz"
    assert asked["labels"] == "y"
    assert asked["select"] == ("ACT", "INI")
    assert asked["trust"].everything
    assert asked["trust"].names == {"a.B"}
    assert (asked["steps"], asked["seed"], asked["batch_size"]) == ("none", 3, 7)


def test_folders_and_patterns_are_searched_for_models(run, models, tmp_path):
    for name in ("runs/a/good.pt", "runs/b/bad.pt", "runs/.hidden/evil.pt", "runs/b/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    run("check", "runs")
    run("check", "runs/*/good.pt", "runs/a")
    run("check", "runs", "--data", "runs/a/good.pt")

    assert [each["model"] for each in models] == [
        "runs/a/good.pt",
        "runs/b/bad.pt",
        "runs/a/good.pt",
        "runs/b/bad.pt",
    ]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [("empty", "there is no model file in empty"), ("a*.pt", "no file matches a*.pt")],
)
def test_nothing_meant_is_3(run, models, wanted, message, tmp_path):
    (tmp_path / "empty").mkdir()
    done = run("check", "good.pt", wanted)

    assert done.exit_code == 3
    assert message in done.stderr
