"""MTCNN's three networks: PReLUs with slopes below zero, a softmax beside the boxes of faces."""

import pytest

from tests.real.models import MODELS, activations, complaints, scanned_with

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def unlabelled():
    def scanned(name):
        images, _labels = MODELS[name].feed()
        return scanned_with(name, images)

    return {name: scanned(name) for name in ("pnet", "rnet", "onet")}


@pytest.mark.parametrize(("name", "units"), [("pnet", 58), ("rnet", 268), ("onet", 544)])
def test_nothing_is_dead_and_nothing_zero(unlabelled, name, units):
    report = unlabelled[name]
    sites = activations(report, "prelu")

    assert sum(site.units for site in sites) == units
    assert [site.stats.dead_units for site in sites] == [0] * len(sites)
    assert all(site.stats.zero_fraction < 1e-4 for site in sites)
    assert "error" not in {finding.severity for finding in report.findings}
    assert report.diagnoses == ()


def test_slopes_below_zero_are_no_fault(unlabelled):
    slopes = [entry for entry in unlabelled["onet"].scan.weights if entry.name.startswith("prelu")]

    assert len(slopes) == 5
    assert any(entry.mean < 0 for entry in slopes)
    assert not [found for found in unlabelled["onet"].findings if "prelu" in (found.site or "")]


def test_a_network_of_convolutions_is_healthy(unlabelled):
    assert unlabelled["pnet"].verdict == "healthy"


@pytest.mark.parametrize("name", ["rnet", "onet"])
def test_a_network_with_a_head_is_healthy_too(unlabelled, name):
    assert complaints(unlabelled[name]) == []


@pytest.mark.parametrize("name", ["rnet", "onet"])
def test_labels_are_compared_with_the_softmax(name):
    report = scanned_with(name, MODELS[name].feed(), steps="none")

    assert report.scan.output.classes == 2
    assert report.scan.output.accuracy > 0.9
