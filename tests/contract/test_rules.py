"""What holds for every rule, walked over the registry: a new rule is tested without a new test."""

from __future__ import annotations

import re
from functools import cache

import pytest
import torch

from actdiag.records import Confidence, Skip
from actdiag.rules import HEADINGS, registry
from actdiag.rules.judging import run
from actdiag.rules.needs import NEEDS
from tests.rules import golden, samples
from tests.rules.build import scan
from tests.rules.live import Sample, scanned

# The vocabulary of continuous integration: fixed. A rule keeps its code and its name for ever.
NAMES = {
    "ACT101": "dead-relu",
    "ACT102": "dormant-units",
    "ACT103": "saturated-activation",
    "ACT104": "vanishing-slope",
    "ACT105": "constant-units",
    "ACT106": "input-independent",
    "ACT107": "exploding-activations",
    "ACT108": "vanishing-activations",
    "ACT109": "non-finite",
    "ACT110": "overflow-risk",
    "ACT111": "massive-activations",
    "ACT112": "rank-collapse",
    "ACT113": "linear-regime",
    "ACT114": "shut-gates",
    "ACT115": "gate-outliers",
    "ACT116": "recurrent-gates-stuck",
    "ACT117": "train-eval-mismatch",
    "OUT201": "constant-output",
    "OUT202": "overconfident",
    "OUT203": "confident-wrong",
    "OUT204": "extreme-softmax",
    "OUT205": "class-collapse",
    "OUT206": "uniform-output",
    "OUT207": "double-softmax",
    "OUT208": "softmax-axis",
    "OUT209": "one-class-softmax",
    "OUT210": "output-range",
    "OUT211": "over-fitting",
    "OUT212": "below-chance",
    "ATT301": "attention-collapse",
    "ATT302": "uniform-attention",
    "ATT303": "attention-logits",
    "ATT304": "masked-rows",
    "INI401": "init-scale",
    "INI402": "symmetric-weights",
    "INI403": "non-finite-weights",
    "INI404": "killing-bias",
    "GRD501": "vanishing-gradient",
    "GRD502": "exploding-gradient",
    "GRD503": "no-gradient",
    "GRD504": "update-ratio",
    "ARC601": "linear-collapse",
    "ARC602": "saturating-hidden",
    "ARC603": "relu-in-transformer",
    "ARC604": "output-activation",
    "ARC605": "activation-before-softmax",
    "ARC606": "no-regularisation",
    "ARC607": "unused-modules",
    "DAT701": "input-scale",
    "DAT702": "dead-features",
    "DAT703": "non-finite-input",
    "DAT704": "leakage",
    "DAT705": "unrepresentative-sample",
    "DAT706": "padding",
    "DAT707": "labels-mismatch",
}
RULES = registry()
# What a finding may rest on, and what it may count of a layer's units.
RESTS_ON = ("samples", "observations", "elements", "parameters", "tensors", "modules")
COUNTED = (
    *("dead_units", "dormant_units", "saturated_units", "constant_units", "linear_units"),
    *("shut_units", "stuck_units", "killed_units", "dead_features", "large_features"),
    *("collapsed_heads", "uniform_heads", "heads_beyond"),
)
every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)


@cache
def built(build) -> Sample:
    torch.manual_seed(0)
    return build()


def outcome(rule, build):
    """What one rule says of a sample."""
    return run(rule, measured(build), rule.limits())


@cache
def measured(build):
    return scanned(built(build))


@every_rule
def test_code_and_name_are_those_of_the_vocabulary(rule):
    assert re.fullmatch(r"[A-Z]{3}\d{3}", rule.code)
    assert rule.name == NAMES[rule.code]


def test_codes_and_names_are_unique():
    assert len({rule.name for rule in RULES.values()}) == len(RULES)
    assert all(code == rule.code for code, rule in RULES.items())


@every_rule
def test_the_docstring_is_the_documentation(rule):
    assert rule.summary.endswith(".")
    assert tuple(rule.sections) == HEADINGS
    assert all(len(text) > 40 for text in rule.sections.values())


@every_rule
def test_every_threshold_has_a_source_and_is_used(rule):
    for threshold in rule.thresholds:
        assert len(threshold.source) > 15, threshold.name
        own = threshold.source.startswith("our choice")
        assert own or re.search(r"\d{4}|SageMaker|AUTOTRAINER", threshold.source)


@every_rule
def test_needs_and_causes_exist(rule):
    assert rule.needs
    assert set(rule.needs) <= set(NEEDS)
    assert set(rule.follows) <= set(NAMES)


@every_rule
def test_no_rule_is_its_own_remote_cause(rule):
    seen, waiting = set(), [code for code in rule.follows if code != rule.code]
    while waiting:
        cause = waiting.pop()
        assert cause != rule.code
        if cause in RULES and cause not in seen:
            seen.add(cause)
            waiting.extend(code for code in RULES[cause].follows if code != cause)


@every_rule
def test_nothing_measured_is_skipped_with_a_reason(rule):
    skip = run(rule, scan(samples=0), rule.limits())
    assert isinstance(skip, Skip)
    assert skip.needs in rule.needs
    assert re.match(r"needs .{20,}", skip.reason)


@every_rule
def test_fires_on_its_sick_sample(rule):
    findings = outcome(rule, samples.SICK[rule.code])
    assert not isinstance(findings, Skip), findings
    assert findings
    for finding in findings:
        assert (finding.code, finding.name) == (rule.code, rule.name)
        assert finding.message.endswith((".", "."))
        assert finding.remedy.endswith(".")
        assert finding.measured
        assert len(finding.units) <= 20
        assert finding.fingerprint.startswith(rule.code)


@every_rule
def test_a_finding_says_on_how_much_it_rests(rule):
    for finding in outcome(rule, samples.SICK[rule.code]):
        rests_on = {name for name in RESTS_ON if finding.measured.get(name)}
        assert rests_on, finding.measured
        assert finding.site is None or "observations" in rests_on
        assert finding.confidence in Confidence
        assert bool(finding.threshold) or not rule.thresholds


@every_rule
def test_units_that_are_counted_are_named(rule):
    for finding in outcome(rule, samples.SICK[rule.code]):
        counted = [value for key, value in finding.measured.items() if key in COUNTED]
        assert len(finding.units) == min(20, *counted) if counted else True


@every_rule
def test_a_threshold_that_is_moved_is_told(rule):
    moved = {item.name: item.default * 1.0001 for item in rule.thresholds}
    told = run(rule, measured(samples.SICK[rule.code]), rule.limits() | moved)
    for finding in told if not isinstance(told, Skip) else ():
        shared = finding.threshold.keys() & moved.keys()
        assert {name: finding.threshold[name] for name in shared} == {
            name: moved[name] for name in shared
        }


@every_rule
def test_is_silent_on_its_healthy_look_alike(rule):
    assert outcome(rule, samples.HEALTHY[rule.code]) == []


@every_rule
def test_says_what_a_person_understands(rule):
    of, message = golden.MESSAGES[rule.code]
    findings = run(rule, of, rule.limits())
    assert not isinstance(findings, Skip)
    assert [finding.message for finding in findings] == [message]


def test_samples_and_golden_messages_are_of_rules_that_exist():
    for table in (samples.SICK, samples.HEALTHY, golden.MESSAGES):
        assert set(table) == set(RULES)
