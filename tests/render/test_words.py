from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actdiag.render._terminal.bars import bar
from actdiag.render._words import (
    cause_name,
    clean,
    count,
    defused,
    listed,
    name_parts,
    number,
    percent,
    source_line,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (0.0, "0"),
        (7, "7"),
        (1797, "1,797"),
        (0.4213, "0.421"),
        (-211.4, "-211"),
        (9.999, "10.0"),
        (0.00012, "1.2e-4"),
        (-3.2e8, "-3.2e8"),
        (99999.7, "100000"),
    ],
)
def test_number(value, text):
    assert number(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_numbers_are_short_and_near(value):
    assert len(number(value)) <= 8
    assert len(number(value, digits=2)) <= 8
    assert float(number(value)) == pytest.approx(value, rel=0.06, abs=1e-300)


@pytest.mark.parametrize(
    ("fraction", "decimals", "text"),
    [
        (None, 0, "–"),
        (float("nan"), 0, "–"),
        (0.0, 0, "0 %"),
        (1e-6, 0, "<1 %"),
        (0.9999, 0, ">99 %"),
        (1.0, 0, "100 %"),
        (0.42, 0, "42 %"),
        (0.9783, 1, "97.8 %"),
        (0.99999, 1, ">99.9 %"),
        (1e-9, 1, "<0.1 %"),
    ],
)
def test_percent(fraction, decimals, text):
    assert percent(fraction, decimals=decimals) == text


def test_count_and_listed():
    assert count(1, "error") == "1 error"
    assert count(1797, "sample") == "1,797 samples"
    assert listed(["a", "b"], 2) == "a, b"
    assert listed(["a", "b", "c"], 2) == "a, b (+1 more)"


@given(st.text())
def test_clean_text_is_printable_and_nothing_is_dropped(text):
    cleaned = clean(text)

    assert len(cleaned) == len(text)
    assert all(character.isprintable() or character.isspace() for character in cleaned)
    assert clean(text, unicode=False).isascii()
    cleaned.encode()


def test_clean_transliterates_what_reads_well():
    assert clean("naïve – 3×3 ≥ α…", unicode=False) == "naive - 3x3 >= alpha..."
    assert clean("層\x1b[2J", unicode=False) == "??[2J"


@given(st.floats(0, 1), st.integers(1, 20), st.booleans())
def test_bars_show_anything_above_zero_and_fill_only_for_all(fraction, cells, unicode):
    drawn = bar(fraction, cells, unicode=unicode)

    assert len(drawn) == cells
    assert (drawn.strip() == "") == (fraction == 0 or (cells == 1 and not unicode and fraction < 1))
    assert (drawn in {"█" * cells, "#" * cells}) == (fraction == 1)


def test_bars_have_eighths():
    assert bar(0.5, 5, unicode=True) == "██▌  "
    assert bar(0.96, 5, unicode=True) == "████▊"
    assert bar(0.5, 5, unicode=False) == "##   "
    assert bar(None, 5, unicode=True) == "     "
    assert bar(float("nan"), 5, unicode=True) == "     "


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::add-mask::x", ": :add-mask::x"),
        ("a::set-output name=b::c", "a: :set-output name=b::c"),
        ("##[group]a", "# #[group]a"),
        ("##vso[task.x]", "# #vso[task.x]"),
        ("aten::relu", "aten::relu"),
        ("# title [a]", "# title [a]"),
    ],
)
def test_commands_of_ci_runners_are_broken_up(text, shown):
    assert defused(text) == shown


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("dead-relus", "dead ReLUs"),
        ("learning-rate-too-high", "learning rate too high"),
        ("over-fitting", "over-fitting"),
        ("non-finite-weights", "non-finite weights"),
    ],
)
def test_a_cause_is_named_as_people_write_it(name, told):
    assert cause_name(name) == told


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("net.py:12", "net.py:12"),
        ("/a/lib/python3.11/site-packages/pkg/bert.py:7", "pkg/bert.py:7"),
        ("C:\\env\\Lib\\site-packages\\pkg\\bert.py:7", "pkg/bert.py:7"),
        ("/usr/lib/python3/dist-packages/pkg.py:7", "pkg.py:7"),
        ("/home/me/my-packages/net.py:7", "/home/me/my-packages/net.py:7"),
        (None, ""),
    ],
)
def test_a_line_of_an_installed_package_is_told_from_its_folder_on(source, shown):
    assert source_line(source) == shown


def test_a_functions_own_name_stays_with_its_module():
    assert name_parts("a.lstm/input_gate.l0") == ["a", "lstm/input_gate.l0"]
    assert name_parts("a.0.relu") == ["a", "0", "relu"]
