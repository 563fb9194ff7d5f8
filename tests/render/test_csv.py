from __future__ import annotations

import csv
from io import StringIO

import pytest

from actdiag.render import csv as csv_format
from tests.render import build


def rows(*reports):
    return list(csv.DictReader(StringIO(csv_format.render(*reports)), strict=True))


@pytest.mark.parametrize("name", build.ALL)
def test_one_row_for_each_site_in_order(name):
    report = build.ALL[name]()
    found = rows(report)

    assert len(found) == len(report.scan.sites)
    assert all(set(row) == set(csv_format.COLUMNS) for row in found)


def test_numbers_come_back_exactly():
    row = rows(build.sick())[3]

    assert (row["name"], row["function"], row["shape"]) == ("3", "relu", "64x64")
    assert float(row["mean"]) == 2e-5
    assert int(row["dead_units"]) == 62
    assert row["saturated_fraction"] == ""
    assert row["findings"] == "ACT101"


def test_what_is_not_finite_is_an_empty_cell():
    site = build.site("0", "relu", build.Role.OUTPUT, 4, mean=float("nan"), std=float("inf"))
    row = rows(build.Report(scan=build.scan((site,))))[0]

    assert (row["mean"], row["std"]) == ("", "")


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_no_name_is_run_as_a_formula(start):
    site = build.site(f"{start}cmd|'/c calc'!A1", "relu", build.Role.OUTPUT, 4)
    row = rows(build.Report(scan=build.scan((site,))))[0]

    assert row["name"] == f"'{start}cmd|'/c calc'!A1"


def test_hostile_names_stay_in_their_cells():
    assert rows(build.hostile())[1]["name"].endswith(":error file=x::pwned  \ufffd2J")


def test_several_models_are_told_apart():
    models = {row["model"] for row in rows(build.healthy(), build.sick())}

    assert models == {"sample_models/healthy_mlp.pt", "sample_models/dead_relu.pt"}
