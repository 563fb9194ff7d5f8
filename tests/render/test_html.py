from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from actdiag.records import AttentionStats, Mistake, ReliabilityBin, Report, Role, Severity
from actdiag.render import html
from actdiag.render._plots import drawings
from tests.render import build

VOID = {"meta", "br", "image", "use", "path", "rect"}
QUANTILES = {"0.01": -2.0, "0.05": -1.5, "0.25": -0.5, "0.5": 0.0, "0.75": 0.6, "0.95": 1.7}


class Page(HTMLParser):
    """Elements, attributes and text of a page; fails where an element is not closed."""

    def __init__(self, text):
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID or self.open[-1:] == ["svg"]:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag):
        if tag not in VOID or self.open[-1:] == [tag]:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] not in (["style"], ["script"]):
            self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def full():
    """A report with something for every figure."""
    sites = [
        build.site("0", "linear", Role.LINEAR, 8, quantiles=QUANTILES),
        build.site("1", "tanh", Role.ACTIVATION, 8, mean_slope=0.4, quantiles=QUANTILES),
        build.site("attn", "softmax", Role.ATTENTION, None),
    ]
    sites[1] = replace(sites[1], inputs=("0",), straight=True)
    sites[2] = replace(sites[2], attention=AttentionStats(2, (0.1, None), (3.0, 4.0), 8, 0))
    output = replace(
        build._sick_output(),
        reliability=(ReliabilityBin(0.9, 1.0, 7, 0.95, 0.5), ReliabilityBin(0, 0.1, 0, None, None)),
        worst=(Mistake(3, 1, 2, 0.987),),
    )
    return replace(build.sick(), scan=build.scan(tuple(sites), output=output))


@cache
def written_of_full():
    return html.render(full())


@pytest.mark.parametrize("name", build.ALL)
def test_is_well_formed_small_and_loads_nothing(name):
    written = html.render(build.ALL[name]())
    page = Page(written)

    assert len(written.encode()) < 1_000_000
    for _, attributes in page.elements:
        for key in ("src", "href", "xlink:href", "data", "action", "poster"):
            assert attributes.get(key, "#").startswith("#")
    assert "url(" not in re.sub(r"url\(#\w+\)", "", written)
    assert "@import" not in written
    assert not [tag for tag, _ in page.elements if tag in {"link", "img", "image", "iframe"}]


def test_hostile_names_are_text_and_nothing_else():
    page = Page(html.render(build.hostile()))

    assert len(page.all("script")) == 1
    assert "<script>alert(1)</script>\ufffdgnp.exe\ufffd" in page.text
    assert not [
        key for _, attributes in page.elements for key in attributes if key.startswith("on")
    ]


def test_only_our_own_script_may_run():
    policy = next(
        a["content"]
        for a in Page(html.render(build.sick())).all("meta")
        if "content" in a and "default-src" in a["content"]
    )

    assert policy.startswith("default-src 'none'; ")
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]{43}='", policy)


def test_the_verdict_and_what_to_do_come_first():
    text = " ".join(Page(html.render(build.sick())).text.split())

    order = [
        "✗ 3 errors, 1 warning in dead_relu.pt",
        "Model outputs all the same value because of dead ReLUs",
        "Do first",
        "Standardise the inputs and train again",
        "Causes",
        "62 of 64 units (97 %) were never above 0",
        "Layers in forward order from left to right",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_every_figure_is_drawn_and_told_in_words():
    page = Page(written_of_full())
    figures = [attributes["aria-label"] for attributes in page.all("svg")]

    assert [label.partition(".")[0] for label in figures] == [
        "The network by depth",
        "Reliability",
        "Attention entropy per head",
        "What went into the activation functions",
    ]
    assert all(attributes["role"] == "img" for attributes in page.all("svg"))
    assert "98.7 %" in page.text
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_errors_that_follow_from_a_mild_cause_are_not_folded_away():
    sick = build.sick()
    mild = replace(sick.findings[0], severity=Severity.WARNING)
    harm = replace(sick.findings[2], follows_from=(mild.fingerprint,))
    for severity, opened in ((Severity.ERROR, ["open"]), (Severity.WARNING, [])):
        follower = replace(harm, severity=severity)
        report = replace(sick, findings=(mild, follower), diagnoses=())
        page = Page(html.render(report))
        assert [key for one in page.all("details") for key in one] == opened


def test_a_column_that_no_layer_fills_is_left_out():
    plain = replace(build.healthy().scan.sites[0], source=None)
    written = html.render(Report(scan=build.scan((plain,))))
    heads = re.findall("<th [^>]*>([^<]*)</th>", written)

    assert heads == ["layer", "what", "shape", "mean", "std", "zeros"]


def test_the_contents_name_every_section():
    page = Page(written_of_full())
    ids = {attributes.get("id") for attributes in page.all("section")}
    linked = {each["href"][1:] for each in page.all("a") if not each["href"].startswith("#rule-")}

    assert linked | {"rules"} == ids


def test_headings_leave_out_no_level_and_tables_have_heads():
    page = Page(written_of_full())
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]

    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(head.get("scope") == "col" for head in page.all("th"))
    assert page.all("html")[0]["lang"] == "en"


def themes():
    style = (Path(html.__file__).parent / "_html" / "style.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    return [dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in blocks]


def luminance(color):
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", themes(), ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["ground", "page", "soft"])
def test_contrast_is_enough_in_both_themes(theme, ground):
    for name in ("ink", "muted", "bad", "warning", "good", "first", "second", "third"):
        brighter, darker = sorted((luminance(theme[name]), luminance(theme[ground])), reverse=True)
        assert (brighter + 0.05) / (darker + 0.05) >= 4.5, name


def test_a_report_that_would_be_large_is_cut_worst_first():
    many = tuple(
        build.finding("A", "a", Severity.ERROR, f"e{index}", message="<" * 5000, remedy=">" * 5000)
        for index in range(10_000)
    )
    written = html.render(replace(build.long(), findings=many))

    assert len(written.encode()) < 1_000_000
    assert re.search(r"\+9,?\d{3} more findings", written)


def test_many_models_share_one_page_that_stays_small():
    reports = [build.sick(), *[build.long()] * 40]
    page = html.render(*reports)

    assert len(page.encode()) < 1_000_000
    assert "41 models" in page
    assert page.count('href="#model-') == 41
    ids = re.findall(' id="([^"]*)"', page)
    assert len(ids) == len(set(ids))


def test_a_report_of_nothing_is_a_page_too():
    assert "was not checked" in Page(html.render(Report(scan=build.scan(())))).text


def test_three_hundred_layers_fit_into_a_page():
    known = full().scan.sites
    more = (
        replace(known[index % 3], name=f"model.encoder.layers.{index}.activation")
        for index in range(297)
    )
    sites = (*known, *more)
    page = html.render(replace(full(), scan=replace(full().scan, sites=sites)))

    assert len(page.encode()) < 1_000_000
    assert len(Page(page).all("svg")) == 4
    assert re.search(r"\+\d+ more layers", page)


def test_figures_are_drawn_no_more_once_one_found_no_room(monkeypatch):
    drawn = []

    def draw(report, palette):
        drawn.append(report.scan.model.path)
        return drawings(report, palette)

    monkeypatch.setattr(html, "drawings", draw)
    monkeypatch.setattr(html, "_DRAWN", 30_000)
    html.render(*[build.healthy()] * 8)
    assert 1 < len(drawn) < 5
