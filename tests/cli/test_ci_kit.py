"""What CI systems run: the action, the GitLab job and the pre-commit hooks, their very lines."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
DOCS = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)]


@pytest.fixture
def shell(repository, tmp_path):
    """Run lines as a runner does, in the repository; pip only notes what it is asked."""
    tools, scratch = tmp_path / "bin", tmp_path / "scratch"
    tools.mkdir()
    scratch.mkdir()
    real = shlex.quote(sys.executable)
    pip = f'echo "$@" >> {scratch}/pip'
    scripts = {
        "actdiag": f'exec {real} -m actdiag "$@"',
        "pip": pip,
        "python": f'if [ "$2" = pip ]; then {pip}; else exec {real} "$@"; fi',
    }
    for name, text in scripts.items():
        (tools / name).write_text(f"#!/bin/bash\n{text}\n")
        (tools / name).chmod(0o755)

    def run(lines, **environment):
        known = {
            **os.environ,
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "RUNNER_TEMP": str(scratch),
            "GITHUB_OUTPUT": str(scratch / "output"),
            "GITHUB_STEP_SUMMARY": str(scratch / "summary"),
        }
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", lines]
        done = subprocess.run(
            command,
            cwd=repository,
            env=known | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        files = {path.name: path.read_text() for path in scratch.iterdir() if path.is_file()}
        return done, files

    return run


def resolved(text, inputs):
    """What a runner puts in place of ``${{ inputs.NAME }}``."""
    given = {name: one.get("default", "") for name, one in ACTION["inputs"].items()} | inputs
    text = text.replace("inputs.install || github.action_path", "inputs.install")
    found = re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda match: given[match[1]], text)
    assert "${{" not in found
    return found


def step(name, inputs):
    one = next(step for step in ACTION["runs"]["steps"] if step["name"] == name)
    assert "${{" not in one["run"]  # a text pasted into a script is run
    return one["run"], {key: resolved(text, inputs) for key, text in one["env"].items()}


def test_the_action_says_what_it_takes_and_gives():
    assert ACTION["runs"]["using"] == "composite"
    assert [name for name, one in ACTION["inputs"].items() if one.get("required")] == ["models"]
    assert all(one["description"] for one in {**ACTION["inputs"], **ACTION["outputs"]}.values())
    outputs = re.findall(r'echo "([a-z-]+)=', step("Check", {"models": ""})[0])
    assert set(outputs) == set(ACTION["outputs"])


def test_the_action_installs_what_it_was_told(shell):
    lines, environment = step("Install", {"install": "torch-actdiag==0.1 extra"})
    done, files = shell(lines, **environment)
    assert done.returncode == 0
    assert files["pip"] == "-m pip install --quiet torch-actdiag==0.1 extra\n"


def test_the_action_checks_annotates_and_sums_up(shell, repository):
    (repository / "bad one.pt").write_bytes((repository / "bad.pt").read_bytes())
    inputs = {
        "models": "good.pt\nbad one.pt\n",
        "data": "val.npz",
        "model": "net.py:Net",
        "args": "--steps\nnone\n--select\nACT101",
    }
    lines, environment = step("Check", inputs)
    done, files = shell(lines, **environment)
    output = dict(line.split("=", 1) for line in files["output"].splitlines())

    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("::error file=net.py,line=12,title=actdiag ACT101 dead-relu")
    assert "✗ FAILED bad one.pt" in done.stderr
    assert output["exit-code"] == "1"
    assert "bad one.pt" in files["summary"]
    assert json.loads(Path(output["sarif"]).read_text())["version"] == "2.1.0"
    assert len(json.loads(Path(output["json"]).read_text())["reports"]) == 2


def test_an_input_of_the_action_is_never_run(shell, repository):
    text = "$(touch ran); touch ran #"
    lines, environment = step("Check", dict.fromkeys(ACTION["inputs"], text))
    done, files = shell(lines, **environment)
    assert done.returncode == 2
    assert files["output"] == "exit-code=2\n"
    assert not (repository / "ran").exists()


def test_the_gitlab_job_of_the_documentation(shell, repository):
    job = next(block["models"] for block in BLOCKS if "models" in block)
    (repository / "checkpoints").mkdir()
    (repository / "bad.pt").rename(repository / "checkpoints/bad.pt")
    done, files = shell("\n".join(job["script"]))
    reports = job["artifacts"]["reports"]

    assert done.returncode == 1, done.stderr
    assert files["pip"] == "install torch-actdiag\n"
    issues = json.loads((repository / reports["codequality"]).read_text())
    assert {"description", "check_name", "fingerprint", "severity", "location"} <= set(issues[0])
    assert (repository / reports["junit"]).read_text().startswith("<?xml")
    assert job["artifacts"]["when"] == "always"


def test_the_workflow_of_the_documentation_gives_inputs_that_there_are():
    steps = next(block["steps"] for block in BLOCKS if "steps" in block)
    assert set(steps[1]["with"]) <= set(ACTION["inputs"])


def test_the_hooks_are_those_of_the_documentation():
    (configured,) = [
        block[0] for block in BLOCKS if isinstance(block, list) and "hooks" in block[0]
    ]
    assert {hook["id"] for hook in configured["hooks"]} <= {hook["id"] for hook in HOOKS}


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_takes_checkpoints_and_nothing_else(hook):
    from actdiag.load.source import WEIGHT_SUFFIXES

    assert all(re.search(hook["files"], f"runs/best{suffix}") for suffix in WEIGHT_SUFFIXES)
    assert not re.search(hook["files"], "net.py")
    assert hook["require_serial"]


@pytest.mark.slow  # a process of its own
def test_a_hook_fails_the_commit_of_a_sick_checkpoint(shell):
    lines = f"{HOOKS[0]['entry']} --data val.npz --model net.py:Net good.pt bad.pt"
    done, _ = shell(lines)
    assert done.returncode == 1
    assert "✗ FAILED bad.pt" in done.stdout
