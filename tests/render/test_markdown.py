from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from actdiag.records import Severity
from actdiag.render import _markdown, markdown
from tests.render import build

OURS = {"details", "summary", "br"}
MADE = {"h1", "h2", "p", "strong", "code", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"}


class Reader(HTMLParser):
    """The tags and the text of what an independent Markdown parser made."""

    def __init__(self, text):
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[object] = []
        self.text = ""
        self.cells: list[int] = []
        self.feed(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text))

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.links += [value for key, value in attributes if key in {"href", "src"}]
        if tag == "tr":
            self.cells.append(0)
        elif tag in {"td", "th"}:
            self.cells[-1] += 1

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("name", build.ALL)
def test_only_our_own_markup_is_markup(name):
    read = Reader(markdown.render(build.ALL[name]()))

    assert read.tags <= OURS | MADE | {"blockquote"}
    assert read.links == []


def test_hostile_names_are_shown_as_they_are():
    read = Reader(markdown.render(build.hostile()))

    assert "<script>alert(1)</script>\ufffdgnp.exe\ufffd" in read.text
    assert "[bold red]evil[/bold red]" in read.text


@pytest.mark.parametrize(
    "name",
    ["a|b", "a`|`b", "``", "`", "a\\", "\\|", "*a*", "_a_", "[a](http://x)", "![a](b)", "<b>",
     "&lt;", "a ~~b~~", "# a", "- a", "1. a", "    a", "| --- |", "a\nb", "$x$", ":bug:",
     "1) a", "+ a", "= a", "a_b", "_", "__a", "www.a.b", "@a", "#1"],
)  # fmt: skip
def test_a_name_is_shown_as_it_is_and_ends_no_cell(name):
    site = build.site(name, "relu", build.Role.OUTPUT, 4)
    found = build.finding("A", "a", Severity.ERROR, name, message=f"{name} x", source=None)
    read = Reader(
        markdown.render(replace(build.sick(), scan=build.scan((site,)), findings=(found,)))
    )

    shown = " ".join(name.split())
    assert " ".join(read.text.split()).count(shown) >= 2
    assert set(read.cells) <= {2, 3, 5, 8}
    assert not read.tags & {"em", "a", "img", "s", "b", "h3", "hr", "pre"}


def test_nobody_is_mentioned_and_no_issue_is_linked():
    assert not re.search(r"[@#]\w", _markdown.text("@octocat fixes #12"))


def test_ordinary_sentences_stay_readable_in_the_source():
    told = "62 of 64 units (97 %) were never above 0.5, e.g. layer's (--x) a_b: 1.2e-5!"

    assert _markdown.text(told) == told


def test_what_to_do_first_stands_before_the_details():
    written = markdown.render(build.sick())

    assert written.index("**Do first:**") < written.index("<details>")


def test_a_summary_keeps_within_what_a_job_may_write():
    many = tuple(
        build.finding("A", "a", Severity.ERROR, f"e{i}", message="*" * 5000) for i in range(200)
    )
    big = replace(build.sick(), findings=many)
    written = markdown.render(big, *[big] * 20)

    assert len(written.encode()) < 1024 * 1024
    assert written.count("# ✗ 200 errors") == 21
    assert "+150 more" in written
