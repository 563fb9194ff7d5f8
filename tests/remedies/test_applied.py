"""What each remedy does to a copy, and whether a file can hold it."""

import copy
import io

import pytest
import torch
from torch import nn

import actdiag
from actdiag.capture.entry import view
from actdiag.feed import Batch
from actdiag.remedies import registry
from actdiag.remedies.base import Arm, NotApplicableError, Settings, Subject
from actdiag.remedies.fresh import redraw
from actdiag.remedies.saving import UnsaveableError, content_of
from tests.remedies.build import Functional, clouds, network


def applied(name, module, scale=1.0):
    x, y = clouds(scale=scale)
    report = actdiag.scan(module, (x, y), steps="none")
    subject = Subject(report.scan, report.findings, report.diagnoses, "logits")
    arm = Arm(copy.deepcopy(module), Settings("adam", 1e-2), Batch((x,), {}, y, len(x)), 0)
    return arm, registry()[name].apply(arm, subject), report.scan


def kinds(arm):
    return [type(item).__name__ for item in arm.module.modules()]


@pytest.mark.parametrize(("name", "kind"), [("leaky-relu", "LeakyReLU"), ("gelu", "GELU")])
@pytest.mark.parametrize("activation", [nn.ReLU, nn.Sigmoid, nn.Tanh])
def test_activation_modules_are_replaced(name, kind, activation):
    arm, told, _ = applied(name, network(activation))
    assert kinds(arm).count(kind) == 2
    assert activation.__name__ not in kinds(arm)
    assert told == f"{'LeakyReLU(0.01)' if name == 'leaky-relu' else 'GELU'} in place of 2 modules"


def test_activation_functions_are_replaced_forward_and_backward():
    module = Functional()
    arm, told, scan = applied("leaky-relu", module)
    assert told == "LeakyReLU(0.01) in place of every call of relu in the forward"
    x = torch.full((1, 6), -9.0, requires_grad=True)
    leaky = nn.functional.leaky_relu
    by_hand = arm.module.last(leaky(arm.module.second(leaky(arm.module.first(x)))))
    assert torch.equal(arm(Batch((x,), {}, None, 1)), by_hand)
    with pytest.raises(UnsaveableError, match="calls relu as a function: change it in your code"):
        content_of(arm, scan, module)


def test_the_answers_own_activation_stays():
    module = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 2), nn.Sigmoid())
    arm, _, _ = applied("gelu", module)
    assert kinds(arm)[1:] == ["Linear", "GELU", "Linear", "Sigmoid"]


@pytest.mark.parametrize(
    ("name", "kind"), [("batchnorm", "BatchNorm1d"), ("layernorm", "LayerNorm")]
)
def test_norms_stand_between_layers_and_activations(name, kind):
    arm, told, _ = applied(name, network())
    assert kinds(arm).count(kind) == 2
    assert "behind 2 layers (0, 2)" in told


def test_residual_paths_go_around_what_keeps_its_shape():
    module = network(nn.Tanh)
    arm, told, _ = applied("residual", module)
    x = clouds()[0]
    hidden = torch.tanh(module[0](x))
    wanted = module[4](hidden + torch.tanh(module[2](hidden)))
    assert told == "residual paths around 1 layers with their activations"
    assert torch.allclose(arm(Batch((x,), {}, None, 120)), wanted)


@pytest.mark.parametrize(("name", "gain"), [("he-init", 2 / 6), ("xavier-init", 2 / 22)])
def test_weights_are_drawn_by_the_scheme(name, gain):
    arm, _, _ = applied(name, network())
    assert arm.module[0].weight.var().item() == pytest.approx(gain, rel=0.5)
    assert not arm.module[0].bias.any()


def test_standardised_inputs_have_mean_0_and_deviation_1():
    arm, _, _ = applied("standardize", network(), scale=100.0)
    (x,) = arm.prepared(arm.samples).inputs
    assert torch.allclose(x.mean(0), torch.zeros(6), atol=1e-5)
    assert torch.allclose(x.std(0, correction=0), torch.ones(6), atol=1e-5)


def test_dead_units_come_back_and_the_answer_stays():
    module = network()
    with torch.no_grad():
        module[0].weight[:5], module[0].bias[:5] = 0.0, -1.0
    arm, told, scan = applied("reset-dead-units", module)
    dead = sum(site.stats.dead_units or 0 for site in scan.sites if site.name == "1")
    x, _ = clouds()
    assert dead >= 5
    assert "dead units: fresh weights in" in told
    assert torch.allclose(arm.module(x), module(x), atol=1e-6)
    assert int((torch.relu(arm.module[0](x)) > 0).any(0).sum()) > 16 - dead


@pytest.mark.parametrize("name", ["dropout", "leaky-relu", "standardize", "layernorm"])
def test_a_saved_model_answers_as_the_treated_one(name):
    module = network()
    arm, _, scan = applied(name, module, scale=10.0)
    arm.module.eval()
    wanted = arm(arm.prepared(arm.samples))
    content = content_of(arm, scan, module)
    loaded = torch.load(io.BytesIO(content), weights_only=False)
    assert torch.allclose(loaded(arm.samples.inputs[0]), wanted, atol=1e-5)


def test_a_temperature_goes_into_the_last_layer():
    module = network()
    arm, _, scan = applied("temperature", module)
    arm.temperature = 4.0
    loaded = torch.load(io.BytesIO(content_of(arm, scan, module)), weights_only=False)
    x, _ = clouds()
    assert torch.allclose(loaded(x) * 4, module(x), atol=1e-6)


def test_a_class_of_the_users_is_saved_as_its_state_dict():
    module = Functional()
    arm, _, scan = applied("dropout", module)
    loaded = torch.load(io.BytesIO(content_of(arm, scan, module)), weights_only=True)
    assert loaded.keys() == module.state_dict().keys()
    arm, _, scan = applied("standardize", module)
    loaded = torch.load(io.BytesIO(content_of(arm, scan, module)), weights_only=True)
    assert loaded.keys() == {"state_dict", "input_0_mean", "input_0_std"}
    arm, _, scan = applied("batchnorm", module)
    with pytest.raises(UnsaveableError, match="no place for the new layers"):
        content_of(arm, scan, module)


@pytest.mark.parametrize(
    ("name", "module", "says"),
    [
        ("gelu", nn.Sequential(nn.Linear(6, 2)), "There is no hidden relu"),
        ("batchnorm", nn.Sequential(nn.Linear(6, 2)), "No layer goes straight"),
        (
            "dropout",
            nn.Sequential(nn.Linear(6, 4), nn.Dropout(0.2), nn.Linear(4, 2)),
            "has dropout",
        ),
        ("reset-dead-units", network(nn.Tanh), "No unit behind"),
        ("residual", nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2)), "keeps its shape"),
    ],
)
def test_where_there_is_nothing_to_act_on(name, module, says):
    with pytest.raises(NotApplicableError, match=says):
        applied(name, module)


def test_fresh_weights_are_seeded_and_keep_the_scale_of_loose_parameters():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.loose = nn.Linear(3, 3), nn.Parameter(torch.arange(6.0))
            self.lost = nn.Parameter(torch.tensor([1.0, float("nan")]))

    one, other = Own(), Own()
    redraw(one, 5)
    redraw(other, 5)
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert one.loose.sort().values.tolist() == list(range(6))
    assert one.lost.isfinite().all()


def test_a_model_entered_another_way_is_saved_as_what_it_is():
    module = network()
    seen = view(module, aside="mask")
    arm, _, scan = applied("weight-decay", seen)
    saved = torch.load(io.BytesIO(content_of(arm, scan, seen)), weights_only=False)
    assert type(saved) is nn.Sequential
    assert saved.state_dict().keys() == module.state_dict().keys()
