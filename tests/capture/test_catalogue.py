"""Every awkward model of the catalogue has exactly the sites that are written beside it."""

import importlib
import pkgutil
from textwrap import dedent

import pytest

from tests.capture import catalogue
from tests.capture.catalogue.case import Catalogue, told

THEMES = [name for _, name, _ in pkgutil.iter_modules(catalogue.__path__) if name != "case"]
CASES = [
    case
    for theme in THEMES
    for kept in vars(importlib.import_module(f"tests.capture.catalogue.{theme}")).values()
    if isinstance(kept, Catalogue)
    for case in kept.cases
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_exactly_these_sites(case):
    sites, coverage = case.run()
    assert told(sites) == dedent(case.sites).strip().splitlines()
    assert coverage.functions_not_captured == case.unknown
    assert case.note in coverage.note
    assert (coverage.failure.module if coverage.failure else None) == case.failure


def test_the_catalogue_is_as_large_as_it_should_be():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) >= 90
