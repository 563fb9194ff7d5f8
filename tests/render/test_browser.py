"""The pages in a real browser: both themes, a phone, paper, a keyboardless sort."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pytest

from actdiag.comparison import compare
from actdiag.render import html, render_comparison
from tests.render import browser, build
from tests.render.test_html import full

WHY = "no Chromium or Chrome on the PATH (Debian: apt-get install chromium)"
pytestmark = pytest.mark.skipif(browser.found() is None, reason=WHY)

SEVERAL = (replace(full(), diagnoses=build.sick().diagnoses), build.broken_off())
VIEWS = ("phone", "screen")


@pytest.fixture(scope="module")
def pages():
    return {
        "sick": html.render(build.sick()),
        "several": html.render(*SEVERAL),
        "hostile": html.render(build.hostile()),
        "compared": render_comparison("html", compare(build.sick(), build.healthy())),
    }


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    return browser.Browser(browser.found(), tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def light(opened, pages):
    return opened.look(pages, dark=False)


@pytest.fixture(scope="module")
def dark(opened, pages):
    return opened.look(pages, dark=True)


@pytest.fixture(params=["light", "dark"])
def seen(request):
    """Every page at every width, in one theme."""
    told = request.getfixturevalue(request.param)
    return [told[name][view] for name in told for view in VIEWS]


def test_no_text_is_hard_to_read(seen):
    faint = {key: ratio for one in seen for key, ratio in one["contrast"].items() if ratio < 4.5}

    assert faint == {}
    assert all(len(one["contrast"]) > 5 for one in seen)


def test_nothing_is_loaded_and_nothing_breaks_the_policy(seen):
    assert [one["loaded"] + one["broken"] for one in seen] == [[]] * len(seen)


def test_no_page_is_wider_than_what_shows_it(seen):
    assert [one["overflow"] for one in seen] == [0] * len(seen)


def test_headings_are_in_order_and_figures_told_in_words(seen):
    for one in seen:
        assert one["headings"][0] == 1
        assert all(after <= before + 1 for before, after in pairwise(one["headings"]))
        assert all(len(told) > 40 for told in one["figures"])
        assert one["unnamed"] == 0
        assert one["lost"] == 0


def test_a_findings_link_unfolds_its_documentation(light):
    assert [light[name]["screen"]["opened"] for name in ("sick", "compared")] == [True, True]


def test_the_themes_differ(light, dark, opened, pages):
    grounds = [told["sick"]["screen"]["background"] for told in (light, dark)]

    assert grounds == ["rgb(244, 246, 248)", "rgb(15, 19, 23)"]
    assert opened.shot(pages["sick"], dark=False) != opened.shot(pages["sick"], dark=True)


def test_the_verdict_and_what_to_do_are_on_the_first_screen(light):
    for name in ("sick", "hostile"):
        assert light[name]["screen"]["top"] < 600
    assert light["sick"]["phone"]["top"] < 700


def test_every_column_of_every_table_sorts_both_ways(light):
    tables = [*light["several"]["screen"]["tables"], *light["compared"]["screen"]["tables"]]

    assert len(tables) == 3
    for column, (first, down), (second, up) in (each for table in tables for each in table):
        assert (first, second) == ("descending", "ascending"), column
        assert sorted(up, key=order(up)) == up, column
        assert sorted(down, key=order(down), reverse=True) == down, column


def order(keys):
    """Numbers by size, words by their letters; what is empty counts as least."""
    numbers = all(re.fullmatch(r"-?[\d.]+(?:e[-+]?\d+)?", key) for key in keys if key)
    return (lambda key: float(key or "-inf")) if numbers else str.casefold


def test_paper_takes_few_sheets(opened, pages):
    paper = opened.printed(pages["several"])

    assert paper.startswith(b"%PDF-")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", paper)) <= 12
