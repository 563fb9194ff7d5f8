"""The rules on attention and on recurrent gates, one by one, on scans written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from actdiag.records import AttentionStats, Role, Severity
from actdiag.rules.training import Age, age
from tests.rules.build import FAILING, act, classifier, found, scan, site, units, weight


def attention(name: str, *entropy: float | None, logits=(5.0,), queries=4000, masked=0, **changes):
    heads = AttentionStats(len(entropy), entropy, logits * len(entropy), queries, masked)
    of_site: dict[str, Any] = {"module_class": "MultiheadAttention", "attention": heads}
    return site(name, Role.ATTENTION, **of_site | changes)


FIRST = attention("0", 0.8, 0.8)


def test_half_of_the_heads_collapsed_is_a_warning():
    [finding] = found("ATT301", scan(FIRST, attention("1", 0.004, 0.7, 0.0, 0.3)))
    assert (finding.severity, finding.site, finding.units) == (Severity.WARNING, "1", (0, 2))


def test_single_heads_and_the_first_layer_may_rest_on_one_key():
    assert not found("ATT301", scan(FIRST, attention("1", 0.004, 0.7, 0.02, 0.3)))
    assert not found("ATT301", scan(attention("0", 0.0, 0.0), attention("1", 0.5, 0.5)))


def test_heads_of_which_nothing_is_known_do_not_count():
    assert not found("ATT301", scan(FIRST, attention("1", None, None)))
    [finding] = found("ATT301", scan(FIRST, attention("1", None, 0.001)))
    assert finding.units == (1,)
    assert not found("ATT301", scan(FIRST, attention("1", 0.0, 0.0, queries=58)))
    assert found("ATT301", scan(FIRST, attention("1", 0.0, 0.0, queries=60)))


def test_collapse_and_large_logits_in_a_model_that_works_go_down_one_step():
    second = attention("1", 0.0, 0.0, logits=(2000.0,))
    [collapse] = found("ATT301", scan(FIRST, second, output=classifier()))
    [logits] = found("ATT303", scan(FIRST, second, output=classifier()))
    assert (collapse.severity, logits.severity) == (Severity.INFO, Severity.WARNING)


@pytest.mark.parametrize(
    ("output", "severity"),
    [(None, "info"), (classifier(), "info"), (classifier(**FAILING), "warning")],
)
def test_uniform_heads_matter_where_labels_show_harm(output, severity):
    [finding] = found("ATT302", scan(attention("0", 0.9995, 0.98), output=output))
    assert (finding.severity, finding.units) == (severity, (0,))
    assert not found("ATT302", scan(attention("0", 0.9985, 0.9985), output=output))


def test_uniform_heads_of_weights_that_look_fresh_are_by_design():
    fresh = weight("0", (40, 40))
    of = scan(attention("0", 0.9995, 0.98), weights=(fresh,), output=classifier(**FAILING))
    assert age(of) is Age.FRESH
    [finding] = found("ATT302", of)
    assert finding.severity is Severity.INFO


@pytest.mark.parametrize(
    ("logit", "severity"), [(99.0, None), (101.0, "warning"), (999.0, "warning"), (1001.0, "error")]
)
def test_the_largest_logit(logit, severity):
    heads = AttentionStats(3, (0.5,) * 3, (20.0, logit, None), 3000, 0)
    findings = found("ATT303", scan(attention("0", 0.5, attention=heads)))
    assert [finding.severity for finding in findings] == ([severity] if severity else [])
    assert [finding.units for finding in findings] == ([(1,)] if severity else [])


def test_masked_rows_are_an_error_where_they_make_nan():
    [finite] = found("ATT304", scan(attention("0", 0.5, masked=12)))
    [nan] = found("ATT304", scan(attention("0", 0.5, masked=12, nan=96)))
    assert (finite.severity, nan.severity) == (Severity.INFO, Severity.ERROR)
    assert "harmless if nobody reads those rows" in finite.message
    assert not found("ATT304", scan(attention("0", 0.5, nan=96)))


LSTM = site("lstm", Role.RECURRENT, "input", module_class="LSTM")


def gate(part: str, *, low=0, high=0, stuck=10, **changes):
    """A gate of ten units, of which ``stuck`` are at their ends for so many of 500 steps."""
    counts = {
        name: (value,) * stuck + (0,) * (10 - stuck)
        for name, value in (("saturated_low", low), ("saturated_high", high))
    }
    changes = {"module": "lstm", "module_class": "LSTM"} | changes
    function = "tanh" if part in ("cell.l0", "new.l0", "tanh.l0") else "sigmoid"
    return act(
        f"lstm/{part}",
        *changes.pop("inputs", ("lstm",)),
        role=Role.GATE,
        function=function,
        per_unit=units(**counts),
        **changes,
    )


@pytest.mark.parametrize(
    "part", ["input_gate.l0", "reset_gate.l1_reverse", "cell.l0", "output_gate"]
)
def test_a_gate_at_either_end_for_most_steps_is_stuck(part):
    [finding] = found("ACT116", scan(LSTM, gate(part, low=200, high=225, stuck=5)))
    assert (finding.severity, finding.units) == (Severity.WARNING, (0, 1, 2, 3, 4))
    assert (finding.measured["open"], finding.measured["shut"]) == (0.225, 0.2)
    assert not found("ACT116", scan(LSTM, gate(part, low=200, high=224)))
    assert not found("ACT116", scan(LSTM, gate(part, low=500, stuck=4)))


@pytest.mark.parametrize("part", ["forget_gate.l0", "update_gate.l0"])
def test_gates_that_keep_the_state_may_stay_open(part):
    [opened] = found("ACT116", scan(LSTM, gate(part, high=480)))
    [shut] = found("ACT116", scan(LSTM, gate(part, low=480)))
    assert (opened.severity, shut.severity) == (Severity.INFO, Severity.WARNING)
    [other] = found("ACT116", scan(LSTM, gate("input_gate.l0", high=480)))
    assert other.severity is Severity.WARNING


def test_other_gates_are_not_judged():
    elsewhere = gate("input_gate.l0", low=500, inputs=("other",))
    ours = act("lstm/sigmoid", "lstm", role=Role.GATE, per_unit=units(saturated_low=500))
    assert not found("ACT116", scan(LSTM, elsewhere, ours))


def test_stuck_gates_of_a_model_that_works_are_worth_knowing():
    [finding] = found("ACT116", scan(LSTM, gate("input_gate.l0", low=500), output=classifier()))
    assert finding.severity is Severity.INFO


def test_gates_of_too_few_steps_are_not_judged():
    few = gate("cell.l0", low=500, observations=99)
    assert found("ACT116", scan(LSTM, few)).needs == "observations"
    assert not found("ACT116", scan(LSTM, few, gate("input_gate.l0")))
