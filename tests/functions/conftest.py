"""Fixtures of the catalogue's tests."""

import pytest

from actdiag import functions


@pytest.fixture
def row_of():
    return functions.get
