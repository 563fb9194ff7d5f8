from __future__ import annotations

import re
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.text import Text

from actdiag.records import OutputStats, Report, ReportVerdict, Role, Severity
from actdiag.render import text
from actdiag.render._terminal.page import Page
from tests.render import build

CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ue000]")


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", build.ALL)
def test_looks_as_approved(name, width, snapshot):
    assert text.render(build.ALL[name](), width=width) == snapshot


def test_looks_as_approved_in_ascii(snapshot):
    assert text.render(build.sick(), unicode=False) == snapshot


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("width", [40, 57, 80, 100, 120, 200])
@pytest.mark.parametrize("name", build.ALL)
def test_no_line_is_wider_than_the_page(name, width, unicode):
    lines = text.render(build.ALL[name](), width=width, unicode=unicode).splitlines()

    assert max(map(cell_len, lines)) <= width
    assert not any(line.endswith(" ") for line in lines)


@pytest.mark.parametrize("color", [True, False])
def test_colour_changes_nothing_that_is_said(color):
    rendered = text.render(build.sick(), color=color)

    assert ("\x1b[" in rendered) is color
    assert Text.from_ansi(rendered).plain.splitlines() == text.render(build.sick()).splitlines()


def test_only_colours_that_read_on_light_and_on_dark():
    rendered = "".join(text.render(report(), color=True) for report in build.ALL.values())
    used = {
        code for codes in re.findall("\x1b\\[([0-9;]*)m", rendered) for code in codes.split(";")
    }

    assert used == {"0", "1", "7", "31", "32", "35"}  # bold, reverse, red, green, magenta


def test_names_move_no_cursor_and_are_no_markup():
    rendered = text.render(build.hostile(), width=120)

    assert not CONTROL.search(rendered)
    assert "[bold red]evil[/bold red]" in rendered
    assert ":warning:" in rendered
    rendered.encode()


def test_ascii_is_ascii_whatever_the_names():
    assert text.render(build.hostile(), unicode=False).isascii()


def test_the_first_line_is_the_verdict():
    first = {
        name: text.render(build.ALL[name](), width=200).partition("\n")[0] for name in build.ALL
    }

    assert first["healthy"].startswith("✓ healthy_mlp.pt is healthy: no rule fired (3 sites, ")
    assert first["sick"] == (
        "✗ 3 errors, 1 warning in dead_relu.pt: model outputs all the same value because of dead "
        "ReLUs, at layer 3"
    )
    assert first["broken_off"].startswith("? dead_relu.pt was not checked: RuntimeError: mat1")
    assert first["long"] == "✓ dead_relu.pt is healthy: only 10 notes (100 sites, 1,797 samples)"


def test_a_problem_without_a_worse_finding_is_no_mere_note():
    sick = replace(build.sick(), findings=(), verdict=ReportVerdict.HEALTHY)

    assert text.render(sick, width=200).startswith("! 2 problems in dead_relu.pt: model ")


def test_health_on_random_input_says_so():
    assert "(3 sites, 64 synthetic samples; " in text.render(build.synthetic())


def test_a_report_without_anything_is_not_called_healthy():
    empty = Report(scan=build.scan(()), verdict=ReportVerdict.NOT_CHECKED)

    assert text.render(empty).startswith("? dead_relu.pt was not checked: nothing was captured")


def test_a_long_network_is_folded_to_what_was_found_and_both_ends():
    rendered = text.render(build.long(), width=120)
    table = rendered.partition("LAYERS")[2].partition("COVERAGE")[0]

    assert "+76 more layers, --format csv lists all" in table
    for index in (0, *range(40, 50), 99):
        assert f"layers.{index}.feed_forward" in table
    assert len(table.splitlines()) < 30


def test_a_finding_is_told_once():
    rendered = text.render(build.sick())

    assert rendered.count("41 of 64 units") == 1
    assert "This explains ACT106 in layer 5." in rendered
    assert "The layer gives the same output" not in rendered


def test_ten_thousand_findings_stay_readable():
    many = tuple(
        build.finding("ACT101", "dead-relu", Severity.ERROR, f"layers.{index}")
        for index in range(10_000)
    )
    rendered = text.render(Report(scan=build.scan(()), findings=many))

    assert "+9,997 more ACT101 in layers.3, " in rendered
    assert len(rendered.splitlines()) < 50


def test_numbers_that_are_not_finite_are_shown_and_break_nothing():
    nan, inf = float("nan"), float("inf")
    broken = build.site(
        "0", "relu", Role.OUTPUT, 4, mean=nan, std=inf, zero_fraction=nan, saturated_fraction=nan
    )
    output = OutputStats("logits", accuracy=nan, mean_confidence=nan, ece=inf)
    rendered = text.render(Report(scan=build.scan((broken,), output=output)))

    assert "ECE inf" in rendered
    assert re.search(r"0 +relu +4 +nan +inf", rendered)


@pytest.mark.parametrize(
    ("cells", "shown"),
    [
        (40, "encoder.layers.11.feed_forward.linear1"),
        (32, "e.layers.11.feed_forward.linear1"),
        (18, "e.l.11.f.linear1"),
        (15, "e.l.11.f.…near1"),
        (9, "….linear1"),
    ],
)
def test_a_short_name_keeps_its_number_as_long_as_it_can(cells, shown):
    page = Page(80, unicode=True)

    assert page.short("encoder.layers.11.feed_forward.linear1", cells) == shown
