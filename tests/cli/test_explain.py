from __future__ import annotations

import pytest

from actdiag import functions
from actdiag.rules import HEADINGS, registry


@pytest.mark.parametrize("topic", ["ACT101", "act101", "dead-relu"])
def test_a_rule_is_told_with_its_thresholds(run, topic):
    said = run("explain", topic).stdout

    assert said.startswith("ACT101 dead-relu: ")
    assert all(heading.upper() in said for heading in HEADINGS)
    assert "[tool.actdiag.rules.ACT101]\n  error = 0.5        SageMaker" in said


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
    assert "actdiag explain lists the topics" in run("explain", "quantum").stderr


def test_several_words_are_one_topic(run):
    assert run("explain", "the", "model", "isn't", "learning").stdout.startswith(
        "Model isn't learning\n\nSYMPTOMS\n"
    )


def test_without_a_topic_all_are_listed(run):
    said = run("explain").stdout

    assert said.startswith("SITUATIONS\n  understanding a Transformer FFN\n")
    assert all(word in said for word in ("SYMPTOMS\n  loss-nan", "RULES\n  ACT101, ", "swiglu"))


def test_plot_writes_a_picture(run, tmp_path):
    done = run("explain", "swiglu", "--plot", "gate.png")

    assert done.exit_code == 0
    assert "CURVE OF THE GATE, SiLU" in done.stdout
    assert (tmp_path / "gate.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ACT101", "--plot", "a.png"], "--plot: there is no curve of 'ACT101'"),
        (["gelu", "--plot", "no/a.png"], "--plot no/a.png: No such file or directory"),
        (["--plot", "a.png"], "--plot was given without a function to draw"),
    ],
)
def test_what_cannot_be_plotted_is_said(run, arguments, message):
    done = run("explain", *arguments)

    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"actdiag: {message}\n")


def test_rules_lists_every_rule(run):
    said = run("rules").stdout

    assert [line.split()[0] for line in said.splitlines() if line[0] != " "] == list(registry())


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        (["ACT101"], ["ACT101"]),
        (["att", "dead-relu"], ["ACT101", "ATT301", "ATT302", "ATT303", "ATT304"]),
    ],
)
def test_rules_lists_those_that_are_named(run, words, codes):
    said = run("rules", *words).stdout

    assert [line.split()[0] for line in said.splitlines() if line[0] != " "] == codes


def test_a_rule_that_there_is_not(run):
    done = run("rules", "scan.json")

    assert done.exit_code == 2
    assert done.stderr == "actdiag: no rule is called 'scan.json'\n  actdiag rules lists them.\n"
