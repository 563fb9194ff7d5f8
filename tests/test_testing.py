"""``assert_healthy`` outside of pytest's plugin: what it fails with, and what it takes."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

import actdiag
from actdiag.errors import UsageError
from actdiag.testing import assert_healthy


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """No configuration lies above."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def dead():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
    nn.init.constant_(model[0].bias, -100.0)
    return model


@pytest.fixture
def data():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(300, 8, generator=generator)


def test_the_message_is_the_concise_report(dead, data):
    with pytest.raises(AssertionError) as raised:
        assert_healthy(dead, data, steps="none")
    first, *lines = str(raised.value).splitlines()

    assert first.startswith("Sequential: sick: ")
    assert any(line.startswith("Sequential: error: ACT101 dead-relu") for line in lines)


def test_what_is_ignored_passes_and_the_report_is_returned(dead, data):
    codes = {finding.code for finding in actdiag.scan(dead, data, steps="none").findings}
    report = assert_healthy(dead, data, ignore=codes, steps="none")
    assert report.findings == ()
    report = assert_healthy(dead, data, select=["INI404"], ignore="INI404", steps="none")
    assert report.findings == ()


def test_labels_and_other_options_reach_the_scan(dead, data):
    labels = torch.zeros(300, dtype=torch.long)
    with pytest.raises(AssertionError):
        assert_healthy(dead, data, labels=labels, max_samples=256, steps="none")
    report = assert_healthy(
        dead, data, labels=labels, max_samples=256, steps="none", select=["DAT703"]
    )
    assert (report.scan.data.labels, report.scan.data.samples) == (256, 256)


def test_findings_milder_than_fail_on_pass(dead, data):
    nn.init.constant_(dead[0].bias[4:], 0.0)
    asked = {"select": ["ACT101"], "steps": "none"}
    assert [f.severity for f in assert_healthy(dead, data, **asked).findings] == ["warning"]
    with pytest.raises(AssertionError, match="ACT101"):
        assert_healthy(dead, data, fail_on="warning", **asked)


def test_nothing_measured_is_not_healthy():
    class Broken(nn.Module):
        def forward(self, x):
            raise ZeroDivisionError

    with pytest.raises(AssertionError, match=r"^Broken: not checked: "):
        assert_healthy(Broken(), torch.zeros(2, 3))


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        ({"ignore": ["dead-rely"]}, "no rule is called 'dead-rely'", "Did you mean dead-relu?"),
        ({"ignore": ["ACT999"]}, "no rule is called 'ACT999'", "Did you mean ACT"),
        ({"fail_on": "warnings"}, "fail_on='warnings' is no severity", "Did you mean warning?"),
    ],
)
def test_an_argument_that_cannot_be_meant_is_no_failed_assertion(data, arguments, message, hint):
    with pytest.raises(UsageError) as raised:
        assert_healthy(nn.Linear(8, 3), data, **arguments)
    assert raised.value.message == message
    assert hint in raised.value.hint


def test_the_nearest_configuration_says_how_rules_judge(dead, data, tmp_path):
    (tmp_path / "actdiag.toml").write_text('select = ["ACT101"]\nignore = ["ACT101"]')
    assert assert_healthy(dead, data, steps="none").findings == ()
    other = tmp_path / "other.toml"
    other.write_text('select = ["ACT101"]')
    with pytest.raises(AssertionError, match="ACT101"):
        assert_healthy(dead, data, steps="none", config=other)


def test_importing_is_light():
    code = (
        "import sys, actdiag.testing, actdiag.pytest_plugin; from actdiag import assert_healthy;"
        "print([name for name in ('torch', 'numpy', 'typer', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
