"""The page of two reports side by side, read by an HTML parser."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pytest

from actdiag.comparison import compare
from actdiag.records import OutputStats, Severity, WeightStats
from actdiag.render import render_comparison
from tests.render import build
from tests.render.test_comparison import PAIRS
from tests.render.test_html import Page


def written(before, after):
    return render_comparison("html", compare(before, after))


def told(before, after):
    page = written(before, after).replace("<td", " <td")  # cells of a row are words of their own
    return " ".join(Page(page).text.split())


@pytest.mark.parametrize("name", PAIRS)
def test_headings_leave_out_no_level_and_tables_have_heads(name):
    page = Page(written(*PAIRS[name]))
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]

    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(head.get("scope") == "col" for head in page.all("th"))


@pytest.mark.parametrize("name", PAIRS)
def test_nothing_of_a_report_is_markup(name):
    page = written(*PAIRS[name])
    tags = {tag for tag, _ in Page(page).elements}

    assert tags.isdisjoint({"iframe", "object", "img", "link", "base", "form", "input"})
    assert page.count("<script>") == 1
    assert not re.search(r'\b(?:src|on\w+)=|href="(?!#)', page.partition("<script>")[0])


def test_the_page_opens_with_what_is_new_and_what_to_do_first():
    text = told(build.healthy(), build.sick())

    order = [
        "✗ 4 new findings",
        "Do first",
        "New Not there before.",
        "✗ error ACT101 dead-relu in layer 1",
        "What to do: Standardise the inputs",
        "Output",
        "accuracy 97.8 % → 10.2 % worse",
        "Layers that changed",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_what_is_fixed_asks_for_nothing():
    text = told(build.sick(), build.healthy())

    assert text.count("✓ fixed error ACT101 dead-relu") == 2
    assert "Do first" not in text
    assert "What to do:" not in text.partition("Documentation of these rules")[0]


def test_another_severity_tells_the_one_before():
    sick = build.sick()
    mild = tuple(replace(each, severity=Severity.INFO) for each in sick.findings)
    text = told(sick, replace(sick, findings=mild))

    assert "i info (was error) ACT101 dead-relu in layer 1" in text
    assert "✓ 4 milder findings" in text


def test_a_share_has_both_bars_and_weights_their_scale():
    before = build.scan(
        build.sick().scan.sites[1:2],
        weights=(WeightStats("w", "", "linear", (2, 2), 4, True, 0.0, 1.0, -1.0, 1.0, 1.0, 0),),
        output=OutputStats(kind="logits", accuracy=0.25),
    )
    site = before.sites[0]
    healed = replace(site, stats=replace(site.stats, dead_units=0))
    heavy = replace(before.weights[0], rms=30.0, std=30.0)
    output = OutputStats(kind="logits", accuracy=0.5)
    after = replace(before, sites=(healed,), weights=(heavy,), output=output)
    page = written(
        replace(build.sick(), scan=before, findings=()),
        replace(build.sick(), scan=after, findings=()),
    )

    assert '<i style="width:25.0%"></i><i style="width:50.0%"></i>' in page
    assert '<i style="width:64.1%"></i><i style="width:0.0%"></i>' in page
    text = " ".join(Page(page.replace("<td", " <td")).text.split())
    assert "✓ no finding in either" in text
    assert "1 64.1 % → 0.0 % better" in text
    assert "w 1.00 → 30.0" in text


def test_many_changes_stay_small_and_are_counted():
    many = tuple(
        build.finding("ACT101", "dead-relu", Severity.ERROR, f"e{index}", message="<" * 5000)
        for index in range(10_000)
    )
    sites = tuple(
        replace(build.sick().scan.sites[1], name=f"{'layer' * 30}{index}") for index in range(500)
    )
    other = tuple(replace(each, stats=replace(each.stats, mean=1e6)) for each in sites)
    page = written(
        replace(build.sick(), scan=build.scan(sites), findings=()),
        replace(build.sick(), scan=build.scan(other), findings=many),
    )

    assert len(page.encode()) < 1_000_000
    assert "+9900 more" in page.replace(",", "")
    assert "+400 more" in page


def test_the_same_reports_give_the_same_page():
    assert written(*PAIRS["worse"]) == written(*PAIRS["worse"])
