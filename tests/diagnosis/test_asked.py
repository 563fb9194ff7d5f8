"""A word that means no rule is refused before anything is measured."""

from __future__ import annotations

import pytest
import torch

import actdiag
from actdiag.errors import UsageError
from actdiag.records import Ignored


class NeverRun(torch.nn.Module):
    def forward(self, x):
        raise AssertionError


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"select": ["dead-rely"]}, "no rule is called 'dead-rely'"),
        ({"ignore": (word for word in ["ZZZ"])}, "no rule is called 'ZZZ'"),
        ({"ignore": [Ignored("ZZZ", "*", "known")]}, "no rule is called 'ZZZ'"),
        ({"settings": {"ACT101": {"eror": 1.0}}}, "ACT101 has no threshold 'eror'"),
        ({"settings": {"ACT100": {"error": 1.0}}}, "thresholds are set for 'ACT100'"),
    ],
)
def test_refused_at_once(asked, message):
    with pytest.raises(UsageError, match=message):
        actdiag.scan(NeverRun(), torch.zeros(2, 3), **asked)


def test_an_iterator_of_rules_is_read_once_and_counts():
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU())
    torch.nn.init.zeros_(model[0].weight)
    data = torch.randn(300, 3)
    codes = {found.code for found in actdiag.scan(model, data, steps="none").findings}
    fewer = actdiag.scan(model, data, steps="none", ignore=iter(sorted(codes))).findings
    assert codes
    assert fewer == ()


def test_a_configuration_says_what_arguments_leave_open(tmp_path):
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU())
    torch.nn.init.constant_(model[0].bias, -100.0)
    data, file = torch.randn(300, 3), tmp_path / "actdiag.toml"
    file.write_text('select = ["ACT101"]')

    def codes(**asked):
        report = actdiag.scan(model, data, steps="none", config=file, **asked)
        return {found.code for found in report.findings}

    assert codes() == {"ACT101"}
    assert codes(select=["INI404"]) == {"INI404"}
    file.write_text('select = ["ACT101", "INI404"]\nignore = ["INI404"]')
    assert codes() == {"ACT101"}
    assert codes(ignore=["ACT101"]) == {"INI404"}
    file.write_text('select = ["ACT101"]\nignore = [{rule = "ACT101", reason = "known"}]')
    assert codes(ignore=["OUT"]) == set()
