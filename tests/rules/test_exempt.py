"""Findings that the settings say to leave out: gone from the verdict, counted, with the reason."""

from __future__ import annotations

import pytest

from actdiag.diagnosis.judged import judged
from actdiag.errors import UsageError
from actdiag.records import Ignored, ReportVerdict
from actdiag.rules import judge
from actdiag.rules.exempt import exempted
from tests.rules.build import act, classifier, data_in, linear, scan, units

HALF = units(positive=(0,) * 6 + (250,) * 4)


def sick():
    return scan(
        data_in(),
        linear("body.0", "input"),
        act("body.1", "body.0", per_unit=HALF),
        linear("head.0", "body.1"),
        act("head.1", "head.0", per_unit=HALF),
        linear("out", "head.1", is_final=True),
    )


def codes(findings):
    return [(finding.code, finding.module) for finding in findings]


def test_only_what_the_pattern_matches_is_left_out():
    findings, _ = judge(sick(), select=["ACT101"])
    assert codes(findings) == [("ACT101", "body.1"), ("ACT101", "head.1")]
    kept, ignored = exempted(findings, [Ignored("ACT101", "head.*", "pruned on purpose")])
    assert codes(kept) == [("ACT101", "body.1")]
    assert ignored == (Ignored("ACT101", "head.*", "pruned on purpose", findings=1),)


@pytest.mark.parametrize("word", ["ACT101", "act1", "dead-relu"])
def test_a_rule_goes_by_code_beginning_or_name(word):
    findings, _ = judge(sick(), select=["ACT101"])
    kept, ignored = exempted(findings, [Ignored(word, "*", "why not")])
    assert kept == ()
    assert ignored[0].findings == 2


def test_a_finding_counts_once_and_an_exemption_without_any_is_not_told():
    findings, _ = judge(sick(), select=["ACT101"])
    first, second = Ignored("ACT", "head.*", "a"), Ignored("ACT101", "*", "b")
    never = Ignored("OUT", "*", "c")
    _, ignored = exempted(findings, [first, second, never])
    assert [(one.reason, one.findings) for one in ignored] == [("a", 1), ("b", 1)]


def test_a_finding_of_the_whole_model_is_covered_by_a_star_alone():
    constant = classifier(between_sample_std=0.0)
    findings, _ = judge(scan(data_in(), output=constant), select=["OUT201"])
    assert [finding.module for finding in findings] == [None]
    assert exempted(findings, [Ignored("OUT201", "h*", "x")])[0] == findings
    assert exempted(findings, [Ignored("OUT201", "*", "x")])[0] == ()


def test_nothing_follows_from_what_is_left_out():
    findings, _ = judge(sick(), select=["ACT101"])
    assert findings[1].follows_from == (findings[0].fingerprint,)
    kept, _ = exempted(findings, [Ignored("ACT101", "body.*", "x")])
    assert kept[0].follows_from == ()


def test_the_verdict_does_not_rest_on_what_is_ignored():
    report = judged(sick(), select=["ACT101"])
    assert report.verdict is ReportVerdict.FINDINGS
    report = judged(sick(), select=["ACT101"], ignore=[Ignored("ACT101", "*", "known")])
    assert report.verdict is ReportVerdict.HEALTHY
    assert report.ignored[0].findings == 2


def test_words_and_exemptions_stand_side_by_side():
    report = judged(sick(), ignore=["OUT", Ignored("ACT101", "head.*", "known")])
    assert ("ACT101", "body.1") in codes(report.findings)
    assert ("ACT101", "head.1") not in codes(report.findings)
    assert "OUT202" not in {skip.code for skip in report.skipped}


def test_an_unknown_rule_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match=r"^no rule is called 'dead-rely'\n") as caught:
        exempted([], [Ignored("dead-rely", "*", "x")])
    assert caught.value.hint == "Did you mean dead-relu?"


def test_a_reason_is_asked_for():
    with pytest.raises(UsageError, match=r"^ACT101 is ignored in 'head' without a reason\n"):
        exempted([], [Ignored("ACT101", "head", " ")])
