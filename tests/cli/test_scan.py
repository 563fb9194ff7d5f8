from __future__ import annotations

import inspect
import json
import warnings
from dataclasses import replace

import pytest

from actdiag.errors import OURS, DataError, RefusedError
from actdiag.records import Report
from actdiag.render import text
from tests.render import build


def test_prints_the_report_whatever_is_found_and_leaves_with_0(run, pipeline):
    done = run("scan", "model.pt", "data.npz")

    assert done.exit_code == 0
    assert done.stdout == text.render(build.sick())
    assert done.stderr.strip() == ""


def test_options_reach_the_pipeline(run, pipeline):
    flags = (
        "--labels y --input-shape 3,8 --batch-size 7 --max-samples 9 --transform standardize "
        "--fix-input --model net.py:Net --partial --trust --allow a.B --allow c.D --device meta "
        "--dtype float64 --gradients --loss mse --lr 0.01 "
        "--mask kept --call encode --shard 2/3 --mergeable "
        "--steps none --seed 3 --select ACT,OUT202 --select INI --ignore ACT101 --train-data t.npz"
    )
    run("scan", "model.pt", "--data", "d.npz", *flags.split(), "--model-args", '{"width": 64}')
    asked = dict(pipeline.asked)
    trust = asked.pop("trust")

    assert trust.everything
    assert trust.names == {"a.B", "c.D"}
    assert callable(asked.pop("progress"))
    assert asked == {
        "model": "model.pt",
        "data": "d.npz",
        "labels": "y",
        "train_data": "t.npz",
        "input_shape": "3,8",
        "batch_size": 7,
        "max_samples": 9,
        "transform": "standardize",
        "fix_input": True,
        "mask": "kept",
        "call": "encode",
        "factory": "net.py:Net",
        "factory_args": {"width": 64},
        "partial": True,
        "device": "meta",
        "dtype": "float64",
        "lr": 0.01,
        "shard": "2/3",
        "mergeable": True,
        "gradients": True,
        "loss": "mse",
        "steps": "none",
        "seed": 3,
        "select": ("ACT", "OUT202", "INI"),
        "ignore": ("ACT101",),
        "settings": {},
    }


def test_the_pipeline_takes_what_it_is_given(run, pipeline, monkeypatch):
    run("scan", "model.pt")
    asked = pipeline.asked
    monkeypatch.undo()
    from actdiag.pipeline import scan

    inspect.signature(scan).bind(**asked)


def test_the_command_line_wins_over_the_configuration(run, pipeline, tmp_path):
    (tmp_path / "actdiag.toml").write_text(
        'select = ["ACT"]\nseed = 5\nbatch_size = 2\n[rules.ACT101]\nerror = 0.9\n'
    )
    run("scan", "model.pt", "--seed", "0", "--select", "OUT")

    assert pipeline.asked["seed"] == 0
    assert pipeline.asked["select"] == ("OUT",)
    assert pipeline.asked["batch_size"] == 2
    assert pipeline.asked["settings"] == {"ACT101": {"error": 0.9}}


def test_json_is_one_document_and_nothing_else_on_stdout(run, pipeline):
    pipeline.says = "a line that the user's own model prints"
    done = run("scan", "model.pt", "--format", "json")

    assert Report.from_json(json.loads(done.stdout)) == build.sick()
    assert pipeline.says in done.stderr


def test_nothing_checked_is_3_and_still_told(run, pipeline):
    pipeline.answer = build.broken_off()
    done = run("scan", "model.pt")

    assert done.exit_code == 3
    assert "THE FORWARD PASS FAILED" in done.stdout


def test_weights_that_were_judged_without_a_run_are_3_too(run, pipeline):
    sick = build.sick()
    data = replace(sick.scan.data, source="none", samples=0)
    pipeline.answer = replace(sick, scan=replace(sick.scan, data=data))
    done = run("scan", "model.pt")

    assert done.exit_code == 3
    assert ", which was not run: " in " ".join(done.stdout.split())


def test_reports_are_written_beside_what_is_printed(run, pipeline, tmp_path):
    done = run("scan", "m.pt", "--report", "json=a.json", "--report", "text=b.txt")

    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["schema_version"] == 1
    assert (tmp_path / "b.txt").read_text(encoding="utf-8") == done.stdout


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["--report", "jsno=a"], "there is no report format 'jsno'", "Did you mean json?"),
        (["--format", "txt"], "there is no report format 'txt'", "Did you mean text?"),
        (["--report", "json"], "--report json: FORMAT=PATH was expected", "json=scan.json"),
        (["--report", "json=no/a"], "--report json=no/a: cannot write in no: No such file", "exi"),
        (["--report", "json=."], "--report json=.: . is a folder", "a file in a folder that"),
        (["--report", "text=m.pt"], "--report text=m.pt: m.pt is an input", "another file name"),
        (["--report", "text=a", "--report", "json=a"], "another report goes there", "Choose"),
        (["--data", "e.npz"], "DATA was given twice, as an argument and as --data", ""),
        (["--model-args", "{"], "--model-args is not JSON: Expecting", """'{"hidden": 64}'"""),
        (["--model-args", "[1]"], "--model-args is not a JSON object: [1]", "For example"),
    ],
)
def test_mistakes_are_told_before_anything_runs(run, pipeline, arguments, message, hint):
    done = run("scan", "m.pt", "d.npz", *arguments)

    assert done.exit_code == 2
    assert done.stderr.startswith("actdiag: ")
    assert message in done.stderr
    assert hint in done.stderr
    assert done.stdout == ""
    assert pipeline.asked is None


@pytest.mark.parametrize("arguments", [["scan"], ["scan", "m.pt", "--steps", "most"], ["skan"]])
def test_usage_errors_are_2(run, arguments):
    done = run(*arguments)

    assert done.exit_code == 2
    assert "Usage: " in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (DataError("d.npz is empty", hint="Give rows."), 2, "actdiag: d.npz is empty\n  Give ro"),
        (RefusedError("m.pt wants os.system", hint="Don't."), 4, "actdiag: m.pt wants os.system"),
        (KeyboardInterrupt(), 130, "actdiag: interrupted, nothing was written\n"),
        (ZeroDivisionError("by 0"), 2, "should not have happened: ZeroDivisionError: by 0\n"),
        (DataError("a \x1b[31mred\x07 name"), 2, "actdiag: a \ufffd[31mred\ufffd name\n"),
    ],
)
def test_each_failure_is_told_once_with_its_exit_code(run, pipeline, error, code, said, tmp_path):
    pipeline.answer = error
    done = run("scan", "m.pt", "d.npz", "--report", "json=a.json")

    assert done.exit_code == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_an_unexpected_failure_says_how_to_see_more(run, pipeline):
    pipeline.answer = ZeroDivisionError("by 0")

    told = run("scan", "m.pt").stderr
    assert told.endswith(f"by 0\n  Run again with --debug for the traceback. {OURS}\n")
    debugged = run("scan", "m.pt", "--debug").stderr
    assert debugged.endswith(f"by 0\n  {OURS}\n")
    assert "Traceback" in debugged
    assert "Run again" not in debugged


def test_warnings_for_developers_of_libraries_are_for_debug(run, pipeline, monkeypatch, recwarn):
    def warned(*_arguments, **_options):
        warnings.warn("will change", FutureWarning, stacklevel=1)
        return build.sick()

    monkeypatch.setattr("actdiag.pipeline.scan", warned)
    run("scan", "model.pt")
    assert not recwarn
    with pytest.warns(FutureWarning, match="will change"):
        run("scan", "model.pt", "--debug")
