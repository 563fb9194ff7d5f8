from __future__ import annotations

import pytest

from actdiag import functions
from actdiag.render._plots.canvas import PAPER, png
from actdiag.render._plots.one_function import draw, draw_temperatures
from actdiag.render._terminal import curve

ELEMENTWISE = [row for row in functions.ALL if row.elementwise]


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("row", ELEMENTWISE, ids=lambda row: row.name)
def test_every_function_of_one_number_is_drawn(row, unicode):
    lines = curve.curve(row, width=60, unicode=unicode)
    assert len(lines) == curve.ROWS + 1
    assert max(map(len, lines)) <= 60
    assert "".join(lines).isascii() is not unicode
    assert lines[-1].split() == ["-5", "0", "5"]


def test_a_sigmoid_rises_from_the_lower_left_to_the_upper_right():
    lines = curve.curve(functions.get("sigmoid"), width=64, unicode=False)
    first, last = lines[0].index("*"), lines[curve.ROWS - 1].index("*")
    assert last < first
    assert lines[0].startswith("  0.993")
    assert lines[curve.ROWS // 2].lstrip(" .").count("*") <= 6


def test_a_gated_function_is_drawn_by_its_gate():
    assert curve.drawable(functions.get("swiglu")) is functions.get("silu")
    assert curve.drawable(functions.get("softmax")) is None


def test_bars_are_as_long_as_the_shares():
    lines = curve.bars((2.0, 1.0, 0.1), (0.5, 1.0), unicode=False)
    assert lines[0] == "T = 0.5 0.864 " + "#" * 35
    assert [line.count("#") for line in lines] == [35, 5, 1, 26, 10, 4]


@pytest.mark.parametrize("name", ["relu", "swiglu"])
def test_a_figure_is_a_picture_and_the_same_each_time(name):
    row = functions.get(name)
    first, second = (png(draw(row, PAPER)) for _ in range(2))
    assert first.startswith(b"\x89PNG")
    assert first == second


def test_softmax_has_a_figure_of_its_own():
    assert draw(functions.get("softmax"), PAPER) is None
    axis = draw_temperatures((2.0, 1.0, 0.1), (0.5, 2.0), PAPER).figure.axes[0]
    assert [round(bar.get_height(), 3) for bar in axis.patches[:3]] == [0.864, 0.117, 0.019]
