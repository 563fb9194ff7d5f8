"""Every format's look, approved by a person, for one report of each kind."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from actdiag import render
from actdiag.records import Report, Severity
from tests.render import build

REPORTS = ("healthy", "sick", "broken_off", "hostile")
FORMATS = [name for name in render.names() if name not in {"text", "json"}]  # have their own


@pytest.fixture
def approved(snapshot, request):
    """A snapshot in a file of its own, with the ending of its format."""

    class Extension(SingleFileSnapshotExtension):
        file_extension = request.getfixturevalue("name")
        _write_mode = WriteMode.TEXT

    return snapshot.use_extension(Extension)


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("name", FORMATS)
def test_looks_as_approved(name, report, approved):
    written = render.render(name, build.ALL[report]())

    assert re.sub("<svg .*?</svg>", "<svg/>", written, flags=re.DOTALL) == approved


@pytest.mark.parametrize("name", render.names())
def test_ten_thousand_findings_stay_small(name):
    many = tuple(
        build.finding("ACT101", "dead-relu", Severity.ERROR, f"layers.{index}")
        for index in range(10_000)
    )
    written = render.render(name, Report(scan=build.scan(()), findings=many))

    assert len(written.encode()) < 6_000_000


@pytest.mark.parametrize("name", render.names())
def test_several_reports_are_one_document(name):
    model = replace(build.MODEL, path="second.pt")
    second = replace(build.sick(), scan=replace(build.sick().scan, model=model))
    together = render.render_all(name, [build.sick(), second])

    assert "dead_relu.pt" in together
    assert "second.pt" in together


@pytest.mark.parametrize("name", render.names())
def test_hostile_names_move_no_cursor_and_can_be_encoded(name):
    written = render.render(name, build.hostile())

    assert not {"\x07", "\x1b", "\x7f", "\x9b", "\u202e", "\u2066", "\ud800"} & set(written)
    written.encode()


def test_every_format_is_approved_for_every_kind_of_report():
    folder = Path(__file__).parent / "__snapshots__"
    wanted = {f"{name}-{report}].{name}" for name in FORMATS for report in REPORTS}

    assert {path.name.partition("[")[2] for path in (folder / "test_approved").iterdir()} == wanted
    for name, ending in (("text", "-80]"), ("json", "]")):
        shown = (folder / f"test_{name}.ambr").read_text(encoding="utf-8")
        assert all(f"test_looks_as_approved[{report}{ending}" in shown for report in REPORTS)
