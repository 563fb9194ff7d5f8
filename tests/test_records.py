"""Records travel through JSON unchanged, and a document never holds NaN or Infinity."""

import io
import json
import math

import pytest

from actdiag.errors import UsageError
from actdiag.records import (
    Cause,
    CauseVerdict,
    Confidence,
    Coverage,
    DataInfo,
    Diagnosis,
    Failure,
    Finding,
    ModelInfo,
    Outcome,
    OutputStats,
    ReliabilityBin,
    Report,
    ReportVerdict,
    Role,
    Scan,
    Severity,
    Site,
    SiteStats,
    Skip,
    StepOutcome,
    TemperatureFit,
    Timings,
    ToolInfo,
    UnitStats,
    WeightStats,
)

SITE = Site(
    name="net.0",
    module="net.0",
    module_class="ReLU",
    function="relu",
    role=Role.ACTIVATION,
    call=1,
    source="net.py:3",
    shape=(4, 2),
    unit_axis=1,
    units=2,
    dtype="float32",
    inputs=("input",),
    straight=True,
    stats=SiteStats(elements=8, mean=0.5, quantiles={"0.5": 0.25}, dead_units=1),
    per_unit=UnitStats(
        count=(4, 4),
        mean=(0.0, 1.0),
        std=(0.0, 1.0),
        mean_abs=(0.0, 1.0),
        min=(0.0, 0.0),
        max=(0.0, 3.0),
        zeros=(4, 1),
        positive=(0, 3),
        nonfinite=(0, 0),
    ),
)
REPORT = Report(
    scan=Scan(
        tool=ToolInfo(version="1"),
        model=ModelInfo("m.pt", "pickled-module", "Net", parameters=3, training={"lr": 0.1}),
        data=DataInfo("d.npz", samples=4, batches=1, sample_shape=(2,)),
        coverage=Coverage(sites=1, failure=Failure("net.1", None, "ValueError", "no")),
        sites=(SITE,),
        output=OutputStats(
            "logits",
            classes=2,
            temperature=TemperatureFit(2.0, 2, 2, 1.0, 0.5, 0.2, 0.1),
            reliability=(ReliabilityBin(0.0, 1.0, 4, 0.5, None),),
        ),
        weights=(WeightStats("w", "", "linear", (2, 2), 4, True, 0.0, 1.0, -1.0, 1.0, 1.0, 0),),
    ),
    findings=(
        Finding(
            "ACT101",
            "dead-relu",
            Severity.ERROR,
            Confidence.HIGH,
            "net.0",
            "net.0",
            None,
            "1 of 2 units",
            units=(0,),
            fingerprint="ACT101:net.0",
        ),
    ),
    diagnoses=(
        Diagnosis(
            "not-learning",
            "t",
            "s",
            causes=(Cause("dead-relus", CauseVerdict.CONFIRMED, "e"),),
            steps=(StepOutcome("check-statistics", "t", Outcome.DONE, "r", {"x": [1, None]}),),
        ),
    ),
    skipped=(Skip("OUT202", "labels", "needs labels"),),
    verdict=ReportVerdict.FINDINGS,
    timings=Timings(1.0, 2.0, 3.0),
)


def test_a_report_survives_json():
    assert Report.from_json(json.loads(json.dumps(REPORT.to_json()))) == REPORT


def test_the_document_has_the_contracts_keys():
    document = REPORT.to_json()
    contract = (
        "schema_version tool model data coverage sites output weights findings diagnoses skipped "
        "verdict timings"
    )
    assert set(contract.split()) <= document.keys()
    row = (
        "name module function role call source shape unit_axis units elements mean std rms min max "
        "zero_fraction saturated_fraction nonfinite quantiles dead_units constant_units "
        "dormant_units always_on_units mean_slope effective_rank"
    )
    assert set(row.split()) <= document["sites"][0].keys()
    finding = "code name severity confidence site module source message measured threshold"
    assert {*finding.split(), "fingerprint"} <= document["findings"][0].keys()
    assert {"name", "verdict", "evidence"} <= document["diagnoses"][0]["causes"][0].keys()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_non_finite_numbers_become_null(value):
    stats = SiteStats(mean=value)
    assert Report(scan=REPORT.scan).to_json()["verdict"] == "not-checked"
    from actdiag.records import to_json

    assert to_json(stats)["mean"] is None


def test_unknown_keys_of_a_newer_minor_version_are_ignored():
    document = REPORT.to_json()
    document["sites"][0]["added_later"] = 1
    document["added_later"] = {}
    assert Report.from_json(document) == REPORT


@pytest.mark.parametrize("document", [{}, {"schema_version": "1"}, {"schema_version": 0}, [], None])
def test_what_is_no_report_is_told_so(document):
    with pytest.raises(UsageError, match="not an actdiag report of schema version 1"):
        Report.from_json(document)


def test_a_report_of_a_later_version_is_told_so():
    with pytest.raises(UsageError, match="of schema version 2, and this actdiag reads 1") as caught:
        Report.from_json({"schema_version": 2})
    assert caught.value.hint.startswith("Update actdiag.")


def damaged(change):
    document = json.loads(json.dumps(REPORT.to_json()))
    change(document)
    return document


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda of: of.pop("coverage"), "lacks coverage"),
        (lambda of: of.update(model=[1]), "model: [1] is no object"),
        (lambda of: of.update(sites=5), "sites: 5 is no list"),
        (lambda of: of["sites"][0].update(units="many"), 'sites[0].units: "many" is not a whole '),
        (lambda of: of["sites"][0].update(units=2.0), "sites[0].units: 2.0 is not a whole number"),
        (lambda of: of["sites"][0].update(mean="x" * 99), 'sites[0].mean: "xxx'),
        (lambda of: of["sites"][0].update(role="top"), 'sites[0].role: "top" is none of input, '),
        (lambda of: of["sites"][0]["quantiles"].update({"0.5": {}}), "sites[0].quantiles.0.5: {} "),
        (lambda of: of["findings"].append({"code": "X"}), "findings[1]: lacks name, severity, "),
        (lambda of: of["data"].update(synthetic=1), "data.synthetic: 1 is not true or false"),
    ],
)
def test_what_is_damaged_is_told_with_its_place(change, told):
    with pytest.raises(UsageError) as caught:
        Report.from_json(damaged(change))
    assert caught.value.message.startswith(f"not a complete saved scan: {told}")
    assert len(caught.value.message) < 200


def test_the_frame_has_a_row_per_site_with_its_numbers():
    frame = REPORT.to_frame()
    assert list(frame["name"]) == ["net.0"]
    assert frame.loc[0, "mean"] == 0.5
    assert frame.loc[0, "q0.5"] == 0.25
    assert frame.loc[0, "dead_units"] == 1


def test_a_report_shows_itself_as_the_terminal_would():
    from rich.console import Console

    assert "1 of 2 units" in str(REPORT)
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(REPORT)
    assert "1 of 2 units" in console.export_text()
