"""A detector of points in photographs: in-place ReLUs of every width, three answers, no labels."""

import pytest

from tests.real.models import activations, complaints, scanned, zeros

pytestmark = pytest.mark.slow


def test_nearly_half_are_zeros_and_no_channel_is_dead():
    report = scanned("xfeat")
    sites = activations(report, "relu")

    assert len(sites) == 23
    assert sum(site.units for site in sites) == 1372
    assert sum(site.stats.dead_units for site in sites) == 0
    assert zeros(sites) == pytest.approx(0.447, abs=5e-3)
    assert "error" not in {finding.severity for finding in report.findings}
    assert report.diagnoses == ()


def test_values_are_measured_before_the_relu_overwrites_them():
    report = scanned("xfeat")
    norms = [site for site in report.scan.sites if site.role == "norm" and site.units]

    assert all(site.source.endswith("model.py:25") for site in activations(report, "relu"))
    assert norms
    assert all(site.stats.min < 0 for site in norms)


def test_layers_that_are_not_called_are_named():
    (note,) = [finding for finding in scanned("xfeat").findings if finding.code == "ARC607"]

    assert note.severity == "info"
    assert "886,848 parameters" in note.message
    assert "fine_matcher.0" in note.message


def test_it_works_so_nothing_is_wrong():
    assert complaints(scanned("xfeat")) == []
