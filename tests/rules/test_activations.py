"""The rules on activations, one by one, on scans written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from actdiag.records import Role, Severity, SiteStats
from actdiag.rules.act111_massive_activations import median_size
from tests.rules.build import (
    FAILING,
    act,
    classifier,
    data_in,
    found,
    linear,
    scan,
    site,
    units,
    weight,
)


def with_dead(dead: int, **changes):
    positive = (0,) * dead + (200,) * (10 - dead)
    return act("1", "0", per_unit=units(positive=positive), **changes)


@pytest.mark.parametrize(
    ("dead", "severity"), [(5, "error"), (2, "warning"), (1, "info"), (10, "error")]
)
def test_dead_units_are_counted_as_a_share_of_the_layer(dead, severity):
    [finding] = found("ACT101", scan(data_in(), linear("0", "input"), with_dead(dead)))
    assert finding.severity == severity
    assert finding.units == tuple(range(dead))
    assert finding.measured["firing_rate_below"] == pytest.approx(3 / 500)


def test_zeros_without_a_dead_unit_are_healthy():
    alive = act("1", per_unit=units(zeros=499, positive=1), zero_fraction=0.998)
    assert not found("ACT101", scan(alive))


def test_a_function_that_does_not_clip_is_dead_only_if_exactly_zero():
    negative = act("1", function="gelu", per_unit=units(positive=0, zeros=400))
    silent = act("1", function="gelu", per_unit=units(positive=0, zeros=500))
    assert not found("ACT101", scan(negative))
    assert found("ACT101", scan(silent))


def test_a_linear_layer_of_zeros_and_a_gate_are_not_dead_relus():
    nothing = units(positive=0, zeros=500)
    sites = (linear("0", per_unit=nothing), site("g", Role.GATE, function="relu", per_unit=nothing))
    assert not found("ACT101", scan(*sites))


def test_how_far_below_zero_tells_units_that_cannot_fire():
    pre = linear("0", "input", per_unit=units(std=2.0))
    far = units(positive=(0,) * 6 + (9,) * 4, input_max=(-7.0,) * 3 + (-1.0,) * 7, input_min=-9.0)
    [finding] = found("ACT101", scan(data_in(), pre, act("1", "0", per_unit=far)))
    assert finding.measured["far_below_units"] == 3
    assert "3 of them stay more than 3 standard deviations below zero" in finding.message
    assert "cannot fire" not in finding.message


def test_a_unit_whose_weights_forbid_it_cannot_fire():
    bounds = (-0.5, 0.0, 2.0) + (9.0,) * 7
    dead = act("1", "0", per_unit=units(positive=(0,) * 3 + (9,) * 7, input_bound=bounds))
    [finding] = found("ACT101", scan(data_in(), linear("0", "input"), dead))
    assert finding.measured["units_that_cannot_fire"] == 2
    assert "2 of them cannot fire whatever the input within the range seen" in finding.message


def test_each_dead_unit_is_told_with_its_margins():
    pre = linear("0", "input", per_unit=units(std=2.0))
    dead = units(
        positive=(0,) * 2 + (9,) * 8,
        input_max=(-7.0, -1.0) + (5.0,) * 8,
        input_bound=(-6.0, 3.0) + (9.0,) * 8,
    )
    [finding] = found("ACT101", scan(data_in(), pre, act("1", "0", per_unit=dead)))
    assert finding.measured["margins_std"] == [3.5, 0.5]
    assert finding.measured["bounds"] == [-6.0, 3.0]
    assert finding.measured["bound_margins_std"] == [3.0, -1.5]
    assert "the weights keep it at least 3.0 standard deviations below zero" in finding.message


def test_a_single_dead_unit_is_told_in_the_singular():
    bounds = (-0.01,) + (9.0,) * 9
    one = units(positive=(0,) + (9,) * 9, input_bound=bounds)
    [finding] = found("ACT101", scan(data_in(), linear("0", "input"), act("1", "0", per_unit=one)))
    assert finding.message == (
        "1 of 10 units never fires on 500 samples: layer '1' (ReLU) is partly dead. If it fires at "
        "all, then for less than 0.6 % of samples (3/500, at 95 %). It cannot fire whatever the "
        "input within the range seen: the weights keep it below zero."
    )


def test_positions_of_one_sample_do_not_make_a_claim_surer():
    many = act("1", per_unit=units(positive=0), observations=500 * 784)
    [finding] = found("ACT101", scan(many))
    assert finding.measured["firing_rate_below"] == pytest.approx(3 / 500)
    assert "on 500 samples (392,000 values of each unit)" in finding.message


def test_a_fresh_network_wakes_up_unless_nearly_all_is_dead():
    drawn = weight("0", (100, 100), min=-0.5, max=0.5)
    severities = [
        found("ACT101", scan(linear("0"), with_dead(dead), weights=(drawn,)))[0].severity
        for dead in (6, 9)
    ]
    assert severities == [Severity.WARNING, Severity.ERROR]


def test_too_few_observations_are_said_not_judged():
    few = scan(with_dead(10, observations=99), samples=99)
    skip = found("ACT101", few)
    assert skip.reason == (
        "needs at least 100 observations of a unit, this data gives 99: feed more samples"
    )


def test_a_threshold_can_be_set():
    assert not found("ACT101", scan(with_dead(4)), warning=0.5, info=0.5)


def saturated(share: int, *, function: str = "tanh", **changes):
    high = (490,) * share + (20,) * (10 - share)
    per_unit = units(saturated_low=5, saturated_high=high)
    return act("1", "0", function=function, per_unit=per_unit, **changes)


@pytest.mark.parametrize(("share", "severity"), [(5, "error"), (2, "warning")])
def test_saturated_hidden_units(share, severity):
    sites = (linear("0", "input"), saturated(share), linear("2", "1"))
    [finding] = found("ACT103", scan(data_in(), *sites))
    assert finding.severity == severity
    assert finding.units == tuple(range(share))


def test_output_sigmoids_gates_and_relus_are_not_saturated():
    assert not found("ACT103", scan(linear("0"), saturated(10, function="sigmoid", is_final=True)))
    assert not found("ACT103", scan(linear("0"), saturated(10, role=Role.GATE), linear("2", "1")))
    assert not found("ACT103", scan(linear("0"), saturated(10, function="relu6"), linear("2", "1")))


def test_a_second_output_that_nothing_uses_is_no_hidden_layer():
    heads = (linear("0", "input"), saturated(10, function="sigmoid"), linear("2", "0"))
    assert not found("ACT103", scan(data_in(), *heads))


def test_a_sigmoid_that_is_multiplied_out_of_sight_is_taken_for_a_gate():
    gate = saturated(10, function="sigmoid")
    sites = (data_in(), linear("0", "input"), gate, linear("2", "0", "1"))
    assert not found("ACT103", scan(*sites))
    assert found("ACT103", scan(data_in(), linear("0", "input"), gate, linear("2", "1")))


def test_a_tenth_of_the_units_may_be_saturated():
    assert not found("ACT103", scan(linear("0"), saturated(1), linear("2", "1")))


def test_constant_units_are_a_warning():
    constant = units(std=(0.0,) * 3 + (1.0,) * 7)
    layers = (linear("0", "input"), act("1", "0", per_unit=constant), linear("2", "1"))
    [finding] = found("ACT105", scan(data_in(), *layers))
    assert finding.severity is Severity.WARNING
    assert finding.units == (0, 1, 2)


def test_dead_units_equal_samples_and_outputs_are_not_constant_units():
    zero = act("1", "0", per_unit=units(std=0.0, mean=0.0, zeros=500))
    assert not found("ACT105", scan(data_in(), linear("0", "input"), zero, linear("2", "1")))
    constant = act("1", "0", per_unit=units(std=0.0))
    same = data_in(std=0.0, between_sample=0.0)
    skip = found("ACT105", scan(same, linear("0", "input"), constant, linear("2", "1")))
    assert skip.needs == "varied"
    last = linear("2", "1", per_unit=units(std=0.0), is_final=True)
    assert not found("ACT105", scan(data_in(), linear("0", "input"), act("1", "0"), last))


def test_the_first_layer_that_knows_nothing_of_its_input_is_named():
    sites = (
        linear("0", "input"),
        act("1", "0", between_sample=1e-9),
        linear("2", "1", between_sample=1e-9),
        act("3", "2", between_sample=0.0),
        linear("4", "3", between_sample=0.0),
    )
    same = classifier(between_sample_std=0.0, **FAILING)
    [finding] = found("ACT106", scan(data_in(), *sites, output=same))
    assert (finding.site, finding.severity) == ("1", Severity.ERROR)
    assert "and so is the model's answer" in finding.message


def test_input_independence_needs_an_input_that_varies_and_reaches_the_layer():
    layers = (linear("0", "input"), act("1", "0", between_sample=0.0), linear("2", "1"))
    assert not found("ACT106", scan(data_in(between_sample=0.0), *layers))
    table = act("1", "table", between_sample=0.0)
    assert not found("ACT106", scan(data_in(), linear("table"), table, linear("2", "1", "input")))


def test_a_million_positions_make_small_sample_means_healthy():
    many = act("1", "0", between_sample=5e-7, observations=500 * 1_000_000)
    assert not found("ACT106", scan(data_in(), linear("0", "input"), many, linear("2", "1")))


def growing(*scales: float, norm_at: int | None = None):
    sites, before = [data_in()], "input"
    for place, rms in enumerate(scales):
        if place == norm_at:
            sites.append(site("norm", Role.NORM, before))
            before = "norm"
        sites += [linear(f"{place}", before, rms=rms), act(f"{place}a", f"{place}", rms=rms)]
        before = f"{place}a"
    return sites


def test_growth_by_ten_per_layer_is_an_explosion_named_once():
    [finding] = found("ACT107", scan(*growing(20, 400, 8000, 1.6e5, 3.2e6)))
    assert finding.site == "2"
    assert finding.measured["layers_growing"] == 3
    assert finding.message == (
        "Values grow ×8,000 over 3 layers, from rms 1 at the input to 8,000 at '2' (Linear), "
        "with no norm in between."
    )


def test_values_far_above_the_input_explode_without_a_steep_layer():
    [finding] = found("ACT107", scan(*growing(9, 80, 600, 5000, 4e4)))
    assert finding.site == "4"


@pytest.mark.parametrize(
    ("scales", "norm_at"),
    [
        ((20, 300, 850, 8875), None),  # CHGNet's and torchcrepe's values
        ((50, 60, 2000, 2500), 2),
        ((20, 400, 20, 400), 2),
        ((1e-6, 1e-5, 1e-4, 1e-3, 1e-2), None),
    ],
)
def test_large_values_of_healthy_networks_are_no_explosion(scales, norm_at):
    assert not found("ACT107", scan(*growing(*scales, norm_at=norm_at)))


def test_raw_inputs_are_measured_by_their_own_size():
    sites = growing(3e4, 6e4)
    assert not found("ACT107", scan(data_in(rms=2e4), *sites[1:]))


def test_an_explosion_is_as_severe_as_the_labels_show():
    sites = growing(20, 400, 8000, 1.6e5)
    [working] = found("ACT107", scan(*sites, output=classifier()))
    [failing] = found("ACT107", scan(*sites, output=classifier(**FAILING)))
    assert (working.severity, failing.severity) == (Severity.INFO, Severity.ERROR)


def test_fresh_weights_that_explode_will_not_train():
    drawn = weight("0", (100, 100), std=1.0, min=-4.0, max=4.0)
    [finding] = found("ACT107", scan(*growing(20, 400, 8000), weights=(drawn,)))
    assert finding.severity is Severity.ERROR


def test_the_site_that_makes_the_nan_is_named_not_those_that_pass_it_on():
    bad: dict[str, Any] = {"nonfinite": 3, "nan": 2}
    sites = (data_in(), linear("0", "input"), act("1", "0", **bad), linear("2", "1", **bad))
    [finding] = found("ACT109", scan(*sites))
    assert (finding.site, finding.severity) == ("1", Severity.ERROR)
    assert "2 NaN and 1 infinity among 5,000 values" in finding.message


def test_a_nan_between_two_sites_is_placed_between_them():
    norm = site("norm", Role.NORM, "input", nonfinite=5, nan=5, input_nonfinite=5)
    [finding] = found("ACT109", scan(data_in(), norm))
    assert "they arise between the input and here" in finding.message


def test_masks_and_bad_data_are_not_this_rules_matter():
    scores = site("scores", Role.BLOCK, "input", nonfinite=9)
    probabilities = site("p", Role.ATTENTION, "scores", function="softmax")
    assert not found("ACT109", scan(data_in(), scores, probabilities))
    bad: dict[str, Any] = {"nonfinite": 3, "nan": 3}
    assert not found("ACT109", scan(data_in(**bad), linear("0", "input", **bad)))


def test_dormant_units_are_counted_without_the_silent_ones():
    sizes = units(mean_abs=(0.0,) * 2 + (0.005,) * 2 + (0.6,) * 6, positive=(0,) * 2 + (200,) * 8)
    [finding] = found("ACT102", scan(act("1", "0", per_unit=sizes), linear("2", "1")))
    assert (finding.severity, finding.units) == (Severity.INFO, (2, 3))
    assert not found("ACT102", scan(act("1", "0", per_unit=sizes, is_final=True)))
    assert not found("ACT102", scan(act("1", "0", per_unit=sizes), linear("2", "1")), of_units=0.3)


def test_units_without_a_finite_value_are_not_dormant():
    nan = units(mean_abs=None, nonfinite=500, positive=0)
    assert not found("ACT102", scan(act("1", "0", per_unit=nan), linear("2", "1")))


@pytest.mark.parametrize(
    ("dtype", "peak", "severity"),
    [
        ("float16", 32_000.0, None),
        ("float16", 33_000.0, "warning"),
        ("bfloat16", 65_000.0, None),
        ("float32", 70_000.0, "info"),
        ("bfloat16", 2e38, "warning"),
        ("float32", 1e37, "info"),
    ],
)
def test_room_is_measured_by_the_dtype(dtype, peak, severity):
    layer = linear("0", "input", dtype=dtype, min=-peak)
    findings = found("ACT110", scan(data_in(max=1e6), layer))
    assert [finding.severity for finding in findings] == ([severity] if severity else [])


def massive(*, peak, spread=0.5, attention=True):
    quantiles = {"0.25": -spread, "0.5": 0.0, "0.75": spread}
    per_unit = units(max=(3.0,) * 9 + (peak,), min=-3.0)
    down = linear("down", "input", max=peak, quantiles=quantiles, per_unit=per_unit)
    first = site("a", Role.ATTENTION, "input") if attention else linear("a", "input")
    return scan(data_in(), first, down, linear("head", "down"))


def test_massive_values_are_large_in_themselves_and_beside_the_others():
    [finding] = found("ACT111", massive(peak=600.0))
    assert (finding.severity, finding.units) == (Severity.INFO, (9,))
    assert finding.measured["median_size"] == pytest.approx(0.5)
    assert not found("ACT111", massive(peak=90.0, spread=0.01))
    assert not found("ACT111", massive(peak=600.0, spread=0.7))
    assert not found("ACT111", massive(peak=600.0, attention=False))


def test_the_median_size_of_values_on_one_side_of_zero():
    positive = SiteStats(min=0.0, max=8.0, quantiles={"0.25": 1.0, "0.5": 2.0, "0.75": 3.0})
    assert median_size(positive) == pytest.approx(2.0)
    assert median_size(SiteStats()) is None


def biased(bounds, biases, **changes):
    clipped = act("1", "0", per_unit=units(input_bound=bounds, input_bias=biases))
    return scan(data_in(), linear("0", "input"), clipped, weights=(weight("0"),), **changes)


@pytest.mark.parametrize(("killed", "severity"), [(5, "error"), (2, "warning"), (1, "info")])
def test_biases_that_kill_are_graded_as_dead_units_are(killed, severity):
    bounds = (-1.0,) * killed + (5.0,) * (10 - killed)
    [finding] = found("INI404", biased(bounds, (-40.0,) * 10))
    assert (finding.severity, finding.module) == (severity, "0")
    assert finding.units == tuple(range(killed))


def test_a_unit_that_its_weights_alone_hold_down_is_not_the_biases_fault():
    assert not found("INI404", biased((-3.0,) * 10, (-2.0,) * 10))
    assert not found("INI404", biased((0.1,) * 10, (-50.0,) * 10))
    assert not found("INI404", biased((), ()))


@pytest.mark.parametrize(("scales", "fades"), [((1.0, 1.0, 1.0), False), ((0.1, 1e-2, 1e-3), True)])
def test_a_branch_that_adds_nothing_yet_does_not_fade_the_signal(scales, fades):
    sites, before = [data_in(rms=1.0)], "input"
    for index, rms in enumerate(scales):
        down, up = linear(f"a{index}", before, rms=1e-3), linear(f"b{index}", f"a{index}", rms=0.0)
        base = linear(f"base{index}", before, rms=rms)
        before = f"sum{index}"
        sites += [base, down, up, act(before, base.name, up.name, rms=rms)]
    assert bool(found("ACT108", scan(*sites))) is fades
