"""Every sample model, scanned: what is found against the table in sample_models/README.md."""

import pytest

from tests.end_to_end.samples import MANIFEST, scanned

SICK = [name for name, entry in MANIFEST.items() if entry["sick"]]
HEALTHY = [name for name, entry in MANIFEST.items() if not entry["sick"]]


def loud(report):
    return [(f.code, f.site, f.message) for f in report.findings if f.severity != "info"]


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_model_is_given_neither_error_nor_warning(name):
    report = scanned(name)
    assert loud(report) == []
    assert report.verdict == "healthy"
    assert report.diagnoses == ()


@pytest.mark.parametrize("name", SICK)
def test_a_sick_model_is_found_out(name):
    report = scanned(name)
    assert report.verdict == "findings"
    assert set(MANIFEST[name]["expected_codes"]) <= {finding.code for finding in report.findings}
    assert loud(report)


@pytest.mark.parametrize("name", SICK)
def test_a_sick_model_is_diagnosed_with_the_right_cause(name):
    diagnoses = {diagnosis.symptom: diagnosis for diagnosis in scanned(name).diagnoses}
    expected = MANIFEST[name]["expected_symptoms"]
    assert diagnoses.keys() == expected.keys()
    for symptom, cause in expected.items():
        assert cause in {c.name for c in diagnoses[symptom].causes if c.verdict == "confirmed"}


@pytest.mark.parametrize("name", SICK)
def test_every_cause_has_evidence_and_every_step_a_result(name):
    for diagnosis in scanned(name).diagnoses:
        assert diagnosis.advice
        assert all(cause.evidence for cause in diagnosis.causes)
        assert all(step.result and "Could not" not in step.result for step in diagnosis.steps)
