"""Two networks that read digits nearly without a mistake, with a third of a layer dead."""

import pytest

from tests.real import data
from tests.real.models import activations, complaints, scanned, scanned_with, zeros

pytestmark = pytest.mark.slow

HEAD = "fc_layers.1"


@pytest.mark.parametrize(
    ("name", "accuracy", "dead", "share"),
    [
        ("digit-recognizer", 0.9970, [(0, 32), (1, 64), (4, 128), (85, 256)], 0.783),
        ("ccexam", 0.9986, [(1, 32), (4, 64), (45, 128)], 0.870),
    ],
)
def test_a_model_that_works_is_healthy_whatever_is_dead_in_it(name, accuracy, dead, share):
    report = scanned(name)
    sites = activations(report, "relu")

    assert report.scan.output.accuracy == pytest.approx(accuracy, abs=5e-5)
    assert [(site.stats.dead_units, site.units) for site in sites] == dead
    assert zeros(sites) == pytest.approx(share, abs=5e-4)
    assert report.verdict == "healthy"
    assert complaints(report) == []
    assert report.diagnoses == ()


def test_dead_units_are_a_note_that_says_on_how_many_samples_it_rests():
    (finding,) = [found for found in scanned("digit-recognizer").findings if found.site == HEAD]

    assert finding.code == "ACT101"
    assert finding.severity == "info"
    assert "85 of 256 units never fire on 5,000 samples" in finding.message
    assert "The labels show that the model works" in finding.message


@pytest.mark.parametrize(("samples", "dead"), [(32, 102), (512, 91)])
def test_fewer_samples_leave_more_units_silent(samples, dead):
    report = scanned_with("digit-recognizer", data.digits(), max_samples=samples)
    found = [finding for finding in report.findings if finding.site == HEAD]

    assert report.scan.data.samples == samples
    assert report.scan.site(HEAD).stats.dead_units == dead
    assert complaints(report) == []
    assert bool([finding.code for finding in found if finding.code == "ACT101"]) is (samples > 100)


def test_the_head_of_a_sorted_file_would_mislead():
    images, labels = data.digits()
    report = scanned_with("digit-recognizer", (images[:500], labels[:500]))

    assert set(labels[:500].tolist()) == {0}
    assert report.scan.site(HEAD).stats.dead_units == 119
    assert complaints(report) == []
    told = {finding.code: finding.message for finding in report.findings}
    assert "1 class only, of 10 that the model tells apart" in told["DAT705"]
    assert "The scanned data holds 1 class of 10 only" in told["ACT101"]
