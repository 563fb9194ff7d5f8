from __future__ import annotations

import subprocess
import sys

import pytest

from actdiag import render
from actdiag.errors import UsageError
from actdiag.render import text
from tests.render import build


def test_formats_are_the_modules_of_the_package():
    assert {"json", "text"} <= set(render.names())
    assert not any(name.startswith("_") for name in render.names())


@pytest.mark.parametrize("name", render.names())
@pytest.mark.parametrize("report", build.ALL)
def test_every_format_renders_every_report_the_same_way_twice(name, report):
    first = render.render(name, build.ALL[report]())

    assert first
    assert first == render.render(name, build.ALL[report]())


def test_the_nearest_format_is_suggested():
    with pytest.raises(UsageError) as raised:
        render.require("jsno")

    assert raised.value.message == "there is no report format 'jsno'"
    assert raised.value.hint == "Did you mean json?"


def test_a_display_fits_the_text():
    narrow = render.render("text", build.sick(), render.Display(width=60, color=True))

    assert narrow == text.render(build.sick(), width=60, color=True)


def test_importing_formats_imports_nothing_heavy():
    code = (
        "import sys, actdiag.render, actdiag.render.text, actdiag.render.json\n"
        "print([name for name in ('torch', 'pandas', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
