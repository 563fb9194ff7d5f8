from __future__ import annotations

import json
from dataclasses import replace

import pytest
from rich.cells import cell_len

from actdiag.errors import UsageError
from actdiag.records import Inspection, Layer, from_json
from actdiag.render import Display, render_inspection
from tests.render.inspections import ALL, hostile, safe
from tests.render.test_text import CONTROL


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ALL)
def test_looks_as_approved(name, width, snapshot):
    assert render_inspection("text", ALL[name](), Display(width)) == snapshot


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("width", [40, 57, 80, 120])
@pytest.mark.parametrize("name", ALL)
def test_no_line_is_wider_than_the_page(name, width, unicode):
    lines = render_inspection("text", ALL[name](), Display(width, unicode=unicode)).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert unicode or all(line.isascii() for line in lines)


@pytest.mark.parametrize("name", ["text", "json"])
def test_names_move_no_cursor_and_are_no_markup(name):
    rendered = render_inspection(name, hostile(), Display(120))
    assert not CONTROL.search(rendered.replace("\n", ""))
    assert "[bold]b[/bold] <script>" in rendered
    assert not any(line.startswith("::") for line in rendered.splitlines())


@pytest.mark.parametrize("name", ALL)
def test_the_json_holds_everything(name):
    document = json.loads(render_inspection("json", ALL[name]()))
    assert document["schema_version"] == 1
    assert from_json(Inspection, document) == ALL[name]()


def test_a_format_that_there_is_not():
    with pytest.raises(UsageError) as caught:
        render_inspection("jsn", safe())
    assert caught.value.message == "there is no format 'jsn' of an inspection"
    assert caught.value.hint == "Did you mean json?"


def test_a_tree_too_long_for_a_person_is_cut():
    layers = (Layer("", 0), *(Layer(f"part{number}", 1) for number in range(100)))
    rendered = render_inspection("text", replace(safe(), layers=layers))
    assert "part58" in rendered
    assert "part59" not in rendered
    assert "+41 more lines, --format json has all" in rendered
