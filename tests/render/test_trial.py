from __future__ import annotations

import json
from dataclasses import replace

import pytest
from rich.cells import cell_len

from actdiag.errors import UsageError
from actdiag.records import Trial, from_json
from actdiag.render import Display, render_trial
from tests.render.test_text import CONTROL
from tests.render.trials import ALL, helped, hostile


def test_looks_as_approved(snapshot):
    assert render_trial("text", helped(), Display(80)) == snapshot


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("width", [40, 57, 80, 120])
@pytest.mark.parametrize("name", ALL)
def test_no_line_is_wider_than_the_page(name, width, unicode):
    lines = render_trial("text", ALL[name](), Display(width, unicode=unicode)).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert unicode or all(line.isascii() for line in lines)


@pytest.mark.parametrize("name", ["text", "json"])
def test_names_move_no_cursor_and_are_no_markup(name):
    rendered = render_trial(name, hostile(), Display(120))
    assert not CONTROL.search(rendered.replace("\n", ""))
    assert "[bold]b[/bold]" in rendered
    assert not any(line.startswith("::") for line in rendered.splitlines())


@pytest.mark.parametrize("name", ALL)
def test_the_json_holds_everything(name):
    document = json.loads(render_trial("json", ALL[name]()))
    assert document["schema_version"] == 1
    assert from_json(Trial, document) == ALL[name]()


def test_what_is_said_of_a_regression():
    trial = replace(helped(), recipe=replace(helped().recipe, metric="MSE"))
    assert "1/(1 + MSE/variance) +0.250" in render_trial("text", trial)


def test_a_format_that_there_is_not():
    with pytest.raises(UsageError) as caught:
        render_trial("jsn", helped())
    assert caught.value.message == "there is no format 'jsn' of a trial"
    assert caught.value.hint == "Did you mean json?"
