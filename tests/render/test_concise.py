from __future__ import annotations

import re
from dataclasses import replace

import pytest

from actdiag.render import _findings, concise
from tests.render import build


def test_the_line_of_source_comes_first_and_the_worst_is_on_top():
    lines = concise.render(build.sick()).splitlines()

    assert lines[0].startswith("sample_models/dead_relu.pt: sick: 3 errors, 1 warning in dead_rel")
    assert lines[1].startswith("train.py:11: error: ACT101 dead-relu in layer 1: 41 of 64 units")
    assert [line.split(": ")[1] for line in lines[1:]] == ["error"] * 3 + ["warning"]


def test_without_a_line_of_source_the_model_is_named():
    finding = replace(build.sick().findings[0], source=None)
    report = replace(build.sick(), findings=(finding,))

    last = concise.render(report).splitlines()[-1]
    assert last.startswith("sample_models/dead_relu.pt: warning: DAT701 input-scale (medium conf")


def test_what_a_baseline_knows_is_counted_only():
    report = replace(build.sick(), known=("ACT101:3", "DAT701:None"))
    lines = concise.render(report).splitlines()

    assert len(lines) == 3
    assert lines[0].endswith("(2 findings known from the baseline)")


def test_no_name_is_read_as_a_command_by_a_ci_system():
    for line in concise.render(build.hostile()).splitlines():
        assert not line.lstrip().startswith("::")


def test_every_finding_is_one_line():
    assert len(concise.render(build.hostile()).splitlines()) == 1 + len(build.HOSTILE)


@pytest.mark.parametrize(
    ("source", "path", "line"),
    [
        ("net.py:12", "net.py", 12),
        ("C:\\a b\\n.py:3", "C:/a b/n.py", 3),
        ("./a:b.py:1", "a:b.py", 1),
    ],
)
def test_locations(source, path, line):
    assert _findings.location(source) == _findings.Location(path, line)


@pytest.mark.parametrize(
    "source", [None, "", "net.py", ":3", "net.py:", "net.py:0", "net.py:\u0663"]
)
def test_what_is_no_location(source):
    assert _findings.location(source) is None


def test_a_long_line_is_cut():
    assert re.fullmatch("a{9}…", _findings.line_of("a" * 10_000_000, 10))
