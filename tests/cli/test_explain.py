from __future__ import annotations

import pytest

from actdiag import functions
from actdiag.rules import HEADINGS, registry


@pytest.mark.parametrize("topic", ["ACT101", "act101", "dead-relu"])
def test_a_rule_is_told_with_its_thresholds(run, topic):
    said = run("explain", topic).stdout

    assert said.startswith("ACT101 dead-relu: ")
    assert all(heading.upper() in said for heading in HEADINGS)
    assert "[tool.actdiag.rules.ACT101]\nerror = 0.5  SageMaker" in said


@pytest.mark.parametrize("row", functions.ALL, ids=lambda row: row.name)
def test_every_function_is_told(run, row):
    done = run("explain", row.title)

    assert done.exit_code == 0
    assert row.title in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_a_function_is_told_with_its_numbers(run):
    said = run("explain", "sigmoid").stdout

    assert "range          0 to 1\n" in said
    assert "largest slope  0.25\n" in said
    assert "WHAT GOES WRONG" in said


def test_an_unknown_topic_suggests_the_nearest(run):
    done = run("explain", "dead-rely")

    assert done.exit_code == 2
    assert done.stderr == "actdiag: nothing is known about 'dead-rely'\n  Did you mean dead-relu?\n"
    assert "actdiag rules lists the rules" in run("explain", "quantum").stderr


def test_rules_lists_every_rule(run):
    said = run("rules").stdout

    assert [line.split()[0] for line in said.splitlines() if line[0] != " "] == list(registry())
