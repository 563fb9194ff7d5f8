from __future__ import annotations

import json

import pytest
from rich.cells import cell_len

from actdiag.comparison import compare
from actdiag.errors import UsageError
from actdiag.render import Display, render_comparison, require_comparison
from tests.render import build
from tests.render.test_markdown import MADE, OURS, Reader

PAIRS = {
    "worse": (build.healthy(), build.sick()),
    "better": (build.sick(), build.healthy()),
    "hostile": (build.sick(), build.hostile()),
    "long": (build.sick(), build.long()),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_looks_as_approved(form, name, snapshot):
    assert render_comparison(form, compare(*PAIRS[name])) == snapshot


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("width", [40, 80, 140])
def test_no_line_is_wider_than_the_page(name, width):
    shown = render_comparison("text", compare(*PAIRS[name]), Display(width))

    assert max(map(cell_len, shown.splitlines())) <= width
    assert not {"\x07", "\x1b", "\x9b", "\u202e"} & set(shown)


@pytest.mark.parametrize("name", PAIRS)
def test_only_our_own_markup_is_markup(name):
    read = Reader(render_comparison("markdown", compare(*PAIRS[name])))

    assert read.tags <= OURS | MADE


def test_json_is_one_document():
    document = json.loads(render_comparison("json", compare(*PAIRS["worse"])))

    assert [finding["code"] for finding in document["new"]][:2] == ["ACT101", "ACT101"]


def test_the_nearest_format_is_suggested():
    with pytest.raises(UsageError) as raised:
        require_comparison("markdwon")

    assert raised.value.hint == "Did you mean markdown?"
