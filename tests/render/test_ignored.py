"""What the settings say to leave out is counted, with the reason, wherever a person reads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actdiag import render
from actdiag.records import Ignored
from actdiag.render._gate import Judged, lines
from tests.render import build

IGNORED = (
    Ignored("ACT101", "head.*", "pruned on purpose", findings=2),
    Ignored("OUT", "*", "<b>not\x1b[2J mine</b>", findings=1),
)


@pytest.mark.parametrize("name", ["text", "markdown", "html", "concise", "junit"])
def test_is_told(name):
    told = render.render(name, replace(build.sick(), ignored=IGNORED))
    plain = " ".join(told.replace("\\", "").replace("<!-- -->", "").split())
    assert "2 findings ignored: pruned on purpose (ACT101 in head.*)" in plain
    assert "1 finding ignored: " in plain
    assert "\x1b[2J" not in told
    assert name in {"text", "concise"} or "<b>not" not in told


def test_a_gate_tells_it():
    passed = Judged(replace(build.sick(), findings=(), ignored=IGNORED[:1]), 0)
    assert next(lines([passed])).endswith(
        ": nothing found, 2 findings ignored: pruned on purpose (ACT101 in head.*)"
    )
