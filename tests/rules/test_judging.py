"""Running, adjusting, ordering and linking: what `judge` adds to the rules."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from actdiag.errors import UsageError
from actdiag.records import Confidence, DataInfo, Severity
from actdiag.rules import Rule, Threshold, judge, registry
from tests.rules.build import (
    FAILING,
    act,
    classifier,
    data_in,
    linear,
    scan,
    units,
    weight,
)
from tests.rules.test_outputs import features

ALL_DEAD = units(positive=0, zeros=500)


def sick(**changes):
    """Raw inputs, a dead layer, a constant answer."""
    return scan(
        data_in(per_unit=features(30.0, 32.0, 0.4, 0.5)),
        linear("0", "input", rms=20.0),
        act("1", "0", per_unit=ALL_DEAD, between_sample=0.0),
        linear("2", "1", is_final=True),
        **{"output": classifier(between_sample_std=0.0, **FAILING)} | changes,
    )


def test_worst_first_then_in_execution_order():
    findings, _ = judge(sick())
    ranks = [finding.severity.rank for finding in findings]
    assert ranks == sorted(ranks)
    codes = [finding.code for finding in findings]
    assert codes.index("ACT101") < codes.index("OUT201") < codes.index("DAT701")


def test_cause_before_symptom():
    findings, _ = judge(sick())
    follows = {finding.code: finding.follows_from for finding in findings}
    assert follows["ACT101"] == ("DAT701:input",)
    assert follows["ACT106"] == ("ACT101:1",)
    assert follows["OUT201"] == ("ACT106:1",)
    assert follows["DAT701"] == ()


def test_what_causes_a_warning_is_a_warning_itself():
    dead = units(positive=(0,) * 8 + (200,) * 2)
    table = data_in(per_unit=features(30.0, 32.0, 0.4, 0.5))
    works = scan(table, act("1", "input", per_unit=dead), output=classifier())
    severities = {finding.code: finding.severity for finding in judge(works)[0]}
    assert severities == {"DAT701": Severity.WARNING, "ACT101": Severity.WARNING}
    [alone] = judge(works, select=["DAT701"])[0]
    assert alone.severity is Severity.INFO


def test_a_weight_is_a_cause_at_its_layer():
    exploding = (
        data_in(),
        linear("0", "input", rms=50.0),
        linear("1", "0", rms=3000.0),
        linear("2", "1", rms=2e5),
        linear("side", "input", nonfinite=1, nan=1),
    )
    large = weight("0", he_ratio=60, xavier_ratio=80)
    findings, _ = judge(scan(*exploding, weights=(large,)), select=["INI401", "ACT107", "ACT109"])
    follows = {finding.code: finding.follows_from for finding in findings}
    assert follows == {"INI401": (), "ACT107": ("INI401:0.weight",), "ACT109": ()}


def test_a_little_waste_does_not_explain_harm():
    few = units(positive=(0,) + (200,) * 9)
    findings, _ = judge(
        scan(
            data_in(),
            act("1", "input", per_unit=few),
            linear("2", "1", is_final=True),
            output=classifier(between_sample_std=0.0, **FAILING),
        )
    )
    follows = {finding.code: finding.follows_from for finding in findings}
    assert "ACT101" in follows
    assert follows["OUT201"] == ()


def test_labels_that_show_that_the_model_works_lower_capacity_findings():
    dead = scan(data_in(), act("1", "input", per_unit=ALL_DEAD), output=classifier())
    [finding] = judge(dead, select=["ACT101"])[0]
    assert finding.severity is Severity.WARNING
    assert finding.message.endswith(
        "The labels show that the model works (accuracy 95.0 %, majority 10.0 %), so this is waste "
        "rather than harm."
    )
    assert finding.remedy.startswith("Normalise")


def test_what_does_no_harm_now_is_for_the_next_training():
    some = units(positive=(0,) * 3 + (200,) * 7)
    of = scan(data_in(), act("1", "input", per_unit=some), output=classifier())
    [finding] = judge(of, select=["ACT101"])[0]
    assert finding.severity is Severity.INFO
    assert finding.remedy.startswith(
        "Nothing, while it works. When training again: normalise the inputs"
    )


ONE_CLASS: dict[str, Any] = {"label_classes": 1, "majority": 1.0}


@pytest.mark.parametrize(("accuracy", "severity"), [(1.0, "info"), (0.99, "warning")])
def test_idle_units_on_one_class_are_less_severe_and_never_loud_where_all_is_right(
    accuracy, severity
):
    output = classifier(accuracy=accuracy, **ONE_CLASS)
    findings, _ = judge(scan(data_in(), act("1", "input", per_unit=ALL_DEAD), output=output))
    told = {finding.code: finding for finding in findings}
    assert told["ACT101"].severity == severity
    assert told["DAT705"].severity == "info"
    assert told["ACT101"].message.endswith(
        "The scanned data holds 1 class of 10 only: units that work for the others look idle on it."
    )


def test_a_constant_answer_is_not_excused_by_data_of_one_class():
    same = classifier(accuracy=1.0, predicted_classes=1, between_sample_std=0.0, **ONE_CLASS)
    [finding] = judge(
        scan(data_in(), act("1", "input", per_unit=ALL_DEAD), output=same), select=["ACT101"]
    )[0]
    assert finding.severity is Severity.WARNING


def test_nothing_wasted_is_loud_in_a_model_that_is_always_right():
    dead = scan(data_in(), act("1", "input", per_unit=ALL_DEAD), output=classifier(accuracy=1.0))
    [finding] = judge(dead, select=["ACT101"])[0]
    assert finding.severity is Severity.INFO


def test_synthetic_input_caps_what_depends_on_the_data():
    synthetic = DataInfo("synthetic", synthetic=True, samples=500)
    nan = linear("3", "2", nonfinite=1, nan=1)
    of = sick(data=synthetic, output=None, weights=(weight("0", identical_rows=9),))
    findings, _ = judge(scan(*of.sites, nan, data=synthetic, weights=of.weights))
    severe = {finding.code: (finding.severity, finding.confidence) for finding in findings}
    assert severe["ACT101"] == (Severity.WARNING, Confidence.LOW)
    assert severe["INI402"] == (Severity.ERROR, Confidence.HIGH)
    assert severe["ACT109"][0] is Severity.ERROR


def test_equal_scans_are_judged_equally():
    assert judge(sick()) == judge(sick())


def broken(*_):
    message = "x"
    raise KeyError(message)


def test_a_rule_that_raises_does_not_cost_the_report():
    rules = {**registry(), "ZZZ999": Rule("ZZZ999", "zzz", ("forward",), (), broken)}
    findings, skips = judge(sick(), rules=rules)
    assert findings
    [skip] = [skip for skip in skips if skip.code == "ZZZ999"]
    assert skip.reason == "internal error in this rule, please report it: KeyError: 'x'"


@pytest.mark.parametrize(
    ("select", "ignore", "codes"),
    [
        (["ACT101"], [], {"ACT101"}),
        (["dead-relu", "OUT2"], ["OUT201", "OUT212"], {"ACT101"}),
        (["act101"], [], {"ACT101"}),
        ([], ["ACT", "OUT", "INI", "ARC"], {"DAT701"}),
    ],
)
def test_rules_are_chosen_by_code_prefix_or_name(select, ignore, codes):
    findings, _ = judge(sick(), select=select, ignore=ignore)
    assert {finding.code for finding in findings} == codes


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        ({"select": ["ded-relu"]}, "no rule is called 'ded-relu'", "Did you mean dead-relu?"),
        ({"ignore": ["ACT11"]}, "no rule is called 'ACT11'", "Did you mean ACT101?"),
        (
            {"settings": {"ACT110": {}}},
            "thresholds are set for 'ACT110', and no rule has that code",
            "Did you mean ACT101?",
        ),
        (
            {"settings": {"ACT101": {"eror": 0.3}}},
            "ACT101 has no threshold 'eror'",
            "Did you mean error?",
        ),
    ],
)
def test_unknown_words_are_errors_with_a_suggestion(arguments, message, hint):
    only = {code: registry()[code] for code in ("ACT101", "DAT701")}
    with pytest.raises(UsageError) as caught:
        judge(sick(), rules=only, **arguments)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_a_setting_changes_the_judgement_and_not_the_measurement():
    findings, _ = judge(sick(), {"ACT101": {"error": 1.1}}, select=["ACT101"])
    assert findings[0].severity is Severity.WARNING
    assert findings[0].threshold["error"] == 1.1
    assert findings[0].measured["share"] == 1.0


PLUGIN = '''
"""A rule from another package."""
from actdiag.records import Severity
from actdiag.rules import Rule

def check(scan, limits):
    yield RULE.finding(Severity.INFO, None, "Hello.", remedy="None.", measured={"sites": 1})

RULE = Rule("PLG001", "hello", ("forward",), (), check)
'''


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Installs a package that declares a rule; gives a function that says what is in it."""

    def install(source, module):
        (tmp_path / f"{module}.py").write_text(source)
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[actdiag.rules]\nhello = {module}\n")
        monkeypatch.syspath_prepend(tmp_path)
        registry.cache_clear()

    yield install
    for module in ("hello_rule", "broken_rule", "empty_rule", "taken_rule"):
        sys.modules.pop(module, None)
    registry.cache_clear()


def test_a_package_adds_a_rule_by_its_entry_point(plugin):
    plugin(PLUGIN, "hello_rule")
    findings, _ = judge(sick(), select=["PLG001"])
    assert [finding.fingerprint for finding in findings] == ["PLG001"]


@pytest.mark.parametrize(
    ("source", "module", "message"),
    [
        ("1 / 0", "broken_rule", "cannot be loaded: ZeroDivisionError: division by zero"),
        ("RULES = 1", "empty_rule", "holds no rule"),
        (PLUGIN.replace("PLG001", "ACT101"), "taken_rule", "two rules are called ACT101"),
    ],
)
def test_a_broken_plugin_is_named(plugin, source, module, message):
    plugin(source, module)
    with pytest.raises(UsageError) as caught:
        registry()
    assert message in caught.value.message
    assert module in caught.value.message


def test_limits_name_their_source():
    rule = Rule("A", "a", (), (Threshold("most", 0.5, "our choice"),), broken)
    assert rule.limits({"most": 0.7}) == {"most": 0.7}
