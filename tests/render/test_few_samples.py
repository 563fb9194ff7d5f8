"""Where rules want for samples, nothing found is not told as health."""

from dataclasses import replace

import pytest

from actdiag.records import ReportVerdict, Skip
from actdiag.render import concise, html, junit, markdown, text
from actdiag.render._facts import mark
from actdiag.render._gate import Judged, lines
from actdiag.render._story import headline
from tests.render import build

FEW = (
    Skip("ACT101", "observations", "needs at least 100 observations of a unit"),
    Skip("OUT201", "samples", "needs at least two samples to compare"),
    Skip("OUT202", "labels", "needs labels"),
)


def seen(samples=1, skipped=FEW, **changes):
    report = build.healthy()
    data = replace(report.scan.data, samples=samples)
    return replace(report, scan=replace(report.scan, data=data), skipped=skipped, **changes)


def test_the_verdict_line_says_what_it_rests_on():
    assert text.render(seen(), width=200).partition("\n")[0] == (
        "i nothing found in healthy_mlp.pt: 2 rules would need more than 1 sample "
        "(3 sites, 1 sample; 3 rules skipped)"
    )
    assert headline(seen(20, FEW[:1]))[1].startswith("1 rule would need more than 20 samples (")


@pytest.mark.parametrize("form", [text, concise, html, markdown, junit])
def test_no_format_calls_it_healthy(form):
    assert "is healthy" in form.render(seen(skipped=FEW[2:])) or form is junit
    assert "is healthy" not in form.render(seen())
    assert ": healthy" not in form.render(seen())


def test_a_gate_passes_it_and_says_so():
    assert list(lines([Judged(seen(), 0)])) == [
        "✓ ok sample_models/healthy_mlp.pt: nothing found, 2 rules would need more than 1 sample"
    ]


def test_notes_stay_notes():
    note = replace(build.sick().findings[0], severity="info")
    assert headline(seen(findings=(note,)))[0] == "only 1 note in healthy_mlp.pt"


def test_what_is_sick_or_was_not_checked_keeps_its_verdict():
    assert mark(replace(build.sick(), skipped=FEW)) == "✗"
    assert mark(seen(verdict=ReportVerdict.NOT_CHECKED)) == "?"
    assert mark(seen(skipped=FEW[2:])) == "✓"
