"""What a step cost is told, and one that fails does not end the scan."""

import pytest
import torch
from torch import nn

from actdiag import render, scan
from actdiag.records import Outcome, Report
from actdiag.steps import bench, registry
from tests.steps.build import network


def dead():
    """A network without a live ReLU, which calls for the steps on its signal."""
    module = network()
    nn.init.constant_(module[0].bias, -100.0)
    return module


def data():
    return torch.randn(150, 8, generator=torch.Generator().manual_seed(0)), torch.arange(150) % 3


class Uncopyable(nn.Module):
    """Holds what cannot be copied, as an open file or a lock would be."""

    def __init__(self):
        super().__init__()
        self.layers = dead()

    def __deepcopy__(self, memo):
        raise TypeError("cannot pickle '_thread.lock' object")

    def forward(self, x):
        return self.layers(x)


def steps(report):
    return {step.id: step for step in report.diagnoses[0].steps}


@pytest.fixture(scope="module")
def report():
    return scan(dead(), data())


def test_each_step_with_something_to_do_tells_its_seconds(report):
    cost = report.timings.steps_s
    done = (Outcome.DONE, Outcome.HELPS, Outcome.NO_EFFECT)
    assert set(cost) == {name for name, step in steps(report).items() if step.outcome in done}
    assert "try-leaky-relu" in cost
    assert all(seconds > 0 for seconds in cost.values())
    assert sum(cost.values()) <= report.timings.total_s
    document = report.to_json()
    assert document["timings"]["steps_s"] == cost
    assert Report.from_json(document).timings == report.timings


@pytest.mark.parametrize("name", ["text", "markdown", "html"])
def test_reports_show_the_seconds(report, name):
    seconds = report.timings.steps_s["try-leaky-relu"]
    assert f"({seconds:.2f} s)" in render.render(name, report)


def test_equal_runs_give_the_same_json_but_for_the_times(report):
    documents = [report.to_json(), scan(dead(), data()).to_json()]
    for document in documents:
        assert document.pop("timings")["steps_s"]
    assert documents[0] == documents[1]


def test_with_none_carried_out_nothing_was_spent():
    assert scan(dead(), data(), steps="none").timings.steps_s == {}


def test_a_model_that_cannot_be_copied_is_scanned_all_the_same():
    told = steps(scan(Uncopyable(), data()))
    for name in ("try-leaky-relu", "check-initialisation"):
        assert told[name].outcome is Outcome.NEEDS_INPUT
        assert told[name].result == (
            "Could not be carried out: TypeError: cannot pickle '_thread.lock' object"
        )
    assert told["check-statistics"].outcome is Outcome.DONE


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (MemoryError("no room"), "MemoryError: no room"),
        (torch.OutOfMemoryError("CUDA out of memory"), "OutOfMemoryError: CUDA out of memory"),
        (RuntimeError("a\x1b[31mb"), r"RuntimeError: a\x1b[31mb"),
        (RecursionError("too deep"), "RecursionError: too deep"),
    ],
)
def test_a_step_that_raises_is_told_and_the_others_go_on(monkeypatch, error, says):
    def measured(*_):
        raise error

    monkeypatch.setattr(bench.Bench, "measure", measured)
    report = scan(dead(), data())
    told = steps(report)
    assert told["try-leaky-relu"].result == f"Could not be carried out: {says}"
    assert "try-leaky-relu" in report.timings.steps_s
    assert told["check-statistics"].outcome is Outcome.DONE
    assert report.diagnoses[0].causes[0].verdict == "confirmed"


@pytest.mark.parametrize("name", sorted(registry()))
def test_no_step_ends_the_scan_whatever_it_raises(monkeypatch, name):
    from actdiag.steps import carry_out
    from actdiag.steps.base import Case, Step

    def raises(_case):
        raise ZeroDivisionError("by zero")

    step = registry()[name]
    broken = Step(step.id, step.text, raises)
    monkeypatch.setitem(registry(), name, broken)
    found = scan(dead(), data(), steps="none")
    told = carry_out([name, "check-statistics"], Case(found.scan, found.findings))
    assert told[name].result == "Could not be carried out: ZeroDivisionError: by zero"
