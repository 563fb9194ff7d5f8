from __future__ import annotations

import re
import struct
import xml.etree.ElementTree as ET

import matplotlib as mpl
import pytest

from actdiag.render import _png
from actdiag.render._plots import drawings
from actdiag.render._plots.canvas import MARKERS, PAPER, svg
from tests.render import build
from tests.render.test_html import full


def test_the_same_report_gives_the_same_bytes():
    first, second = ([svg(each) for each in drawings(full(), MARKERS)] for _ in range(2))

    assert first == second
    assert _png.files(full()) == _png.files(full())


def test_an_svg_is_drawn_in_the_pages_colours_and_scales():
    for drawing in drawings(full(), MARKERS):
        text = svg(drawing)
        root = ET.fromstring(text)
        assert {"viewBox", "role", "aria-label"} <= set(root.attrib)
        assert not {"width", "height"} & set(root.attrib)
        assert "var(--ink)" in text
        assert not re.search("#fe..ef", text)
        assert "<image" not in text


def test_nothing_of_matplotlibs_settings_is_left_changed():
    before = dict(mpl.rcParams)
    for drawing in drawings(full(), PAPER):
        svg(drawing)

    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("name", ["a$b$c$", "<b>&\"'", "%s {0}", "\\alpha"])
def test_a_layers_name_is_drawn_as_it_is(name):
    report = build.Report(scan=build.scan((build.site(name, "relu", build.Role.OUTPUT, 4),)))
    (drawing,) = drawings(report, MARKERS)
    texts = ["".join(item.itertext()) for item in ET.fromstring(svg(drawing)).iter()]

    assert name in texts


def test_png_files_are_images():
    files = _png.files(full())

    assert set(files) == {"network.png", "reliability.png", "attention.png", "functions.png"}
    for content in files.values():
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        width, height = struct.unpack(">II", content[16:24])
        assert 300 < width < 3000
        assert 150 < height < 3000


@pytest.mark.parametrize("name", build.ALL)
def test_every_report_can_be_drawn(name):
    assert [drawing.name for drawing in drawings(build.ALL[name](), PAPER)]
