from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from actdiag.comparison import compare
from actdiag.records import OutputStats, Role, Severity, WeightStats
from tests.render import build


def report(*findings, sites=(), **scan):
    return replace(build.sick(), scan=build.scan(tuple(sites), **scan), findings=findings)


def weight(name, rms):
    return WeightStats(name, "", "linear", (2, 2), 4, True, 0.0, rms, -rms, rms, rms, 0)


def test_a_report_differs_from_itself_in_nothing():
    found = compare(build.sick(), build.sick())

    assert (found.new, found.fixed, found.worse, found.milder) == ((), (), (), ())
    assert (found.sites, found.weights, found.output) == ((), (), ())
    assert (found.remaining, found.sites_alike) == (4, 6)


def test_findings_are_matched_by_rule_and_place():
    kept = build.finding("A", "a", Severity.WARNING, "1")
    gone = build.finding("B", "b", Severity.ERROR, "1")
    new = build.finding("B", "b", Severity.ERROR, "2")
    found = compare(
        report(kept, gone), report(new, replace(kept, severity=Severity.ERROR, message="more"))
    )

    assert found.new == (new,)
    assert found.fixed == (gone,)
    assert [(pair.before.severity, pair.after.severity) for pair in found.worse] == [
        (Severity.WARNING, Severity.ERROR)
    ]
    assert compare(report(*found.new), report()).fixed == (new,)


@pytest.mark.parametrize(
    ("before", "after", "size"),
    [
        ({"zero_fraction": 0.1}, {"zero_fraction": 0.6}, 0.5),
        ({"std": 1.0}, {"std": 100.0}, 2.0),
        ({"std": 100.0}, {"std": 1.0}, 2.0),
        ({"mean": 0.0, "std": 2.0}, {"mean": 1.0, "std": 2.0}, 0.5),
        ({"std": 1.0}, {"std": 0.0}, 10.0),
        ({"mean": 1.0}, {"mean": None}, 1.0),
        ({"std": 1.0}, {"std": 1e308}, 10.0),
    ],
)
def test_how_far_a_layer_moved(before, after, size):
    sides = [
        report(sites=[build.site("0", "relu", Role.ACTIVATION, 4, **s)]) for s in (before, after)
    ]
    (moved,) = compare(*sides).sites

    assert math.isclose(moved.size, size, rel_tol=1e-9)


def test_layers_are_listed_that_only_one_of_the_two_has():
    first, second = (build.site(name, "relu", Role.ACTIVATION, 4) for name in ("a", "b"))
    found = compare(report(sites=[first]), report(sites=[second]))

    assert (found.sites_removed, found.sites_added, found.sites_alike) == (("a",), ("b",), 0)


def test_weights_are_ordered_by_how_far_they_moved():
    before = report(weights=(weight("x", 1.0), weight("y", 1.0), weight("z", 1.0)))
    after = report(weights=(weight("x", 2.0), weight("y", 50.0), weight("z", 1.01)))

    assert [moved.name for moved in compare(before, after).weights] == ["y", "x"]


def test_the_output_is_compared_by_its_scores():
    before = report(output=OutputStats("logits", accuracy=0.5, nll=1.0))
    after = report(output=OutputStats("logits", accuracy=0.75, nll=1.0))

    (change,) = compare(before, after).output
    assert (change.name, change.before, change.after) == ("accuracy", 0.5, 0.75)
    assert compare(report(), after).output[0].before is None


def test_is_written_as_json_without_nan():
    document = compare(build.hostile(), build.sick()).to_json()

    assert json.loads(json.dumps(document, allow_nan=False))["schema_version"] == 1
