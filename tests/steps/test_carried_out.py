"""Each debug step on a model where it helps, where it does not, and where it has nothing to do."""

import pytest
import torch
from torch import nn

from actdiag import scan
from actdiag.errors import UsageError
from actdiag.records import Outcome
from actdiag.steps import registry
from actdiag.steps.depth import where_it_dies
from actdiag.steps.label_smoothing import ideal_gap
from tests.end_to_end.samples import scanned


def outcome(name, step):
    for diagnosis in scanned(name).diagnoses:
        for told in diagnosis.steps:
            if told.id == step:
                return told
    raise AssertionError(f"{step} was not called for in {name}")


def test_the_registry_holds_the_contracts_ids():
    assert set(registry()) == {
        *("check-statistics", "try-leaky-relu", "check-initialisation", "reduce-learning-rate"),
        *("normalise-inputs", "add-dropout", "label-smoothing", "temperature-scaling"),
        *("check-leakage", "check-overfitting", "check-regularisation"),
    }


def test_leaky_relu_opens_a_dead_network_and_says_by_how_much():
    told = outcome("constant_output", "try-leaky-relu")
    assert told.outcome is Outcome.HELPS
    before, after = told.measured["first_layer_gradient"]
    assert before == 0 < after
    before, after = told.measured["output_spread"]
    assert before == 0 < after


def test_leaky_relu_is_no_help_against_exploding_weights():
    assert outcome("exploding_init", "try-leaky-relu").outcome is Outcome.NO_EFFECT


def test_leaky_relu_has_nothing_to_do_without_relus():
    assert outcome("saturated_tanh", "try-leaky-relu").outcome is Outcome.NOT_APPLICABLE


def test_a_relu_that_is_written_out_cannot_be_replaced():
    class Clamped(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(4, 16), nn.Linear(16, 2)
            nn.init.constant_(self.first.bias, -50.0)

        def forward(self, x):
            return self.second(self.first(x).clamp(min=0))

    report = scan(Clamped(), torch.randn(200, 4, generator=torch.Generator().manual_seed(0)))
    told = {step.id: step for step in report.diagnoses[0].steps}["try-leaky-relu"]
    assert told.outcome is Outcome.NEEDS_INPUT
    assert "so is one that the model writes out itself" in told.result


def test_functional_relus_are_replaced_in_the_forward_and_the_backward():
    class Dead(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(4, 16), nn.Linear(16, 2)
            nn.init.constant_(self.first.bias, -50.0)

        def forward(self, x):
            return self.second(torch.relu(self.first(x)))

    torch.manual_seed(0)
    model = Dead()
    state = {key: value.clone() for key, value in model.state_dict().items()}
    report = scan(model, (torch.randn(200, 4), torch.arange(200) % 2))
    told = {step.id: step for step in report.diagnoses[0].steps}["try-leaky-relu"]
    assert told.outcome is Outcome.HELPS
    assert told.measured["first_layer_gradient"][0] == 0
    assert told.measured["first_layer_gradient"][1] > 0
    assert all(torch.equal(state[key], value) for key, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_fresh_initialisation_mends_an_exploding_one():
    told = outcome("exploding_init", "check-initialisation")
    assert told.outcome is Outcome.HELPS
    assert told.measured["growth"][0] > 1e6
    assert 0.1 < told.measured["growth"][1] < 10


def test_the_signal_does_not_die_in_a_softmax():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4), nn.Softmax(1))
    found = scan(model, torch.randn(200, 8)).scan

    assert found.sites[-1].function == "softmax"
    assert where_it_dies(found) is None


def test_the_statistics_name_the_layer_where_the_signal_dies():
    assert outcome("constant_output", "check-statistics").measured["dies_at"] == "3"
    assert outcome("exploding_init", "check-statistics").measured["dies_at"] is None


def test_standardised_inputs_free_saturated_units():
    told = outcome("saturated_tanh", "normalise-inputs")
    assert told.outcome is Outcome.HELPS
    before, after = told.measured["saturated_units"]
    assert after < before


def test_a_temperature_halves_the_calibration_error_of_an_overconfident_net():
    told = outcome("overconfident", "temperature-scaling")
    assert told.outcome is Outcome.HELPS
    assert told.measured["temperature"] > 1.5
    assert told.measured["ece_after"] < told.measured["ece_before"] / 2
    assert told.measured["nll_after"] < told.measured["nll_before"]


def test_dropout_before_the_final_layer_lowers_confidence():
    told = outcome("overconfident", "add-dropout")
    before, after = told.measured["mean_confidence"]
    assert after < before
    assert told.measured["final_layer"] == "4"


@pytest.mark.parametrize(("classes", "gap"), [(2, 2.302585), (10, 4.406719), (1000, 9.104091)])
def test_the_gap_that_label_smoothing_aims_for(classes, gap):
    assert ideal_gap(classes) == pytest.approx(gap, rel=1e-6)


def test_with_steps_none_nothing_is_carried_out_and_each_step_says_so():
    report = scan(
        "sample_models/models/constant_output.pt", "sample_models/data/digits.npz", steps="none"
    )
    for step in report.diagnoses[0].steps:
        assert step.outcome is Outcome.NEEDS_INPUT
        assert "--steps none" in step.result


def test_cheap_steps_use_some_of_the_data_and_all_uses_all():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
    nn.init.constant_(model[0].bias, -50.0)
    data = (torch.randn(700, 4), torch.arange(700) % 2)
    for budget, samples in (("cheap", 512), ("all", 700)):
        told = {s.id: s for s in scan(model, data, batch_size=64, steps=budget).diagnoses[0].steps}
        assert told["try-leaky-relu"].measured["samples"] == samples


def test_an_unknown_budget_is_told():
    with pytest.raises(UsageError, match="steps='cheep' is none of the choices"):
        scan(nn.Linear(4, 2), torch.randn(8, 4), steps="cheep")
