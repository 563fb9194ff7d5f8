"""Text from a file is data: nothing in it may reach a terminal as a command."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actdiag.text import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("net.0", "net.0"),
        ("größe 層", "größe 層"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("a\r\nb", r"a\x0d\x0ab"),
        ("a\u202eb", r"a\u202eb"),
        ("x" * 9, "xxxx…"),
    ],
)
def test_what_is_unsafe_is_shown_as_its_code(text, shown):
    assert printable(text, limit=4 if text.startswith("xx") else 200) == shown


@given(st.text())
def test_no_control_or_format_character_is_left(text):
    shown = printable(text, limit=50)
    assert len(shown) <= 50 * len(r"\\u10ffff") + 1
    assert all(c == " " or unicodedata.category(c)[0] not in "CZ" for c in shown)
