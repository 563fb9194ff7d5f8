"""Trials end to end: on a small problem, and (slow) on the sample models."""

import copy
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from actdiag.errors import DataError, ModelFileError, NothingCheckedError, UsageError
from actdiag.records import Trial, from_json
from actdiag.trial import try_remedies
from tests.remedies.build import Functional, clouds, network

MANIFEST = {
    entry["name"]: entry
    for entry in json.loads(Path("sample_models/manifest.json").read_text(encoding="utf-8"))
}


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def tried(module, data=None, **options):
    options = {"steps": 30, "seeds": 2, "lr": 1e-2, **options}
    return try_remedies(module, data or clouds(), **options).trial


@pytest.fixture(scope="module")
def plain():
    return tried(network(), remedies=("gelu", "dropout", "temperature"))


def test_every_arm_has_its_numbers(plain):
    assert {item.remedy for item in plain.trials} == {"gelu", "dropout", "temperature"}
    for item in plain.trials:
        assert len(item.treated.scores) == len(item.control.scores) >= 2
        assert item.change
        assert item.low <= item.effect <= item.high
        assert all(0 <= score <= 1 for score in item.treated.scores)
    starts = {item.remedy: item.treated.start for item in plain.trials}
    assert starts["gelu"] == "fresh"
    assert starts["temperature"] == "as-is"
    assert plain.answer
    assert "No training data was given" in plain.recipe.split
    assert (plain.recipe.optimizer, plain.recipe.lr, plain.recipe.steps) == ("adam", 0.01, 30)


def test_the_record_goes_through_json(plain):
    assert from_json(Trial, json.loads(json.dumps(plain.to_json()))) == plain


def test_the_same_seed_gives_the_same_trial(plain):
    again = tried(network(), remedies=("gelu", "dropout", "temperature"))
    assert replace(again, seconds=0.0) == replace(plain, seconds=0.0)


def test_the_model_the_random_state_and_torchs_switches_come_back_as_they_were():
    module = network().train()
    module[0].requires_grad_(requires_grad=False)
    before, state = copy.deepcopy(module.state_dict()), torch.get_rng_state()
    tried(module, remedies=("batchnorm", "he-init", "residual", "leaky-relu"))
    assert all(torch.equal(item, before[name]) for name, item in module.state_dict().items())
    assert module.training
    assert [item.requires_grad for item in module.parameters()] == [False] * 2 + [True] * 4
    assert [len(part._forward_hooks) for part in module.modules()] == [0] * 6
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.backends.mha.get_fastpath_enabled()


def test_what_is_wrong_with_the_start_is_mended_by_a_new_one():
    layers = [nn.Linear(6, 16), *(nn.Linear(16, 16) for _ in range(4)), nn.Linear(16, 2)]
    torch.manual_seed(0)
    for layer in layers:
        nn.init.normal_(layer.weight, std=1e-3)
        nn.init.zeros_(layer.bias)
    module = nn.Sequential(*(part for layer in layers for part in (layer, nn.ReLU())))[:-1]
    trial = tried(module, remedies=("he-init", "dropout"))
    assert trial.first == "he-init"
    assert trial.trials[0].control.start == "kept"
    assert trial.answer.startswith("Initialise with He's scheme")


def test_training_data_trains_and_the_data_judges():
    trial = tried(network(), clouds(80), train_data=clouds(60, seed=1), remedies=("dropout",))
    assert (trial.recipe.train_samples, trial.recipe.judged_samples) == (60, 80)
    assert trial.recipe.split == "The training data trained, the data judged."


def test_a_regression_is_judged_by_its_error():
    x, _ = clouds()
    module = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1))
    trial = tried(module, (x, x[:, :1] * 2.0), remedies=("label-smoothing", "standardize"))
    assert (trial.recipe.metric, trial.recipe.loss) == ("MSE", "squared error")
    smoothing = next(item for item in trial.trials if item.remedy == "label-smoothing")
    assert smoothing.verdict == "not-applicable"
    assert smoothing.reason == "It is a regression: there are no classes to smooth."


def test_functions_in_the_forward_are_replaced_and_told_to_be_unsaveable():
    trial = tried(Functional(), remedies=("leaky-relu",))
    (item,) = trial.trials
    assert item.effect is not None
    assert "the forward calls relu as a function" in item.unsaveable


class Encoder(nn.Module):
    """A model that is used by a method, not by its forward."""

    def __init__(self):
        super().__init__()
        self.layers = network()

    def forward(self, x):
        raise RuntimeError("call encode")

    def encode(self, x):
        return self.layers(x)


def test_a_method_in_place_of_the_forward_is_trained():
    [item] = tried(Encoder(), call="encode", device="cpu", remedies=("weight-decay",)).trials
    assert item.effect is not None
    assert item.treated.accuracies


def test_where_nothing_helps_the_answer_is_what_the_scan_advises():
    entry = MANIFEST["log_of_zero"]
    trial = try_remedies(
        entry["file"],
        entry["data"],
        factory=entry["model"],
        remedies=("lower-lr",),
        steps=20,
        seeds=2,
    ).trial
    assert trial.first is None
    assert trial.answer.startswith("Nothing of this first: the remedy that was tried made no clear")
    assert "What the scan advises: Clamp the argument of the operation" in trial.answer


def test_a_remedy_that_nothing_called_for_stands_beside_the_advice():
    entry = MANIFEST["missing_activation"]
    trial = tried(entry["file"], entry["data"], remedies=("dropout",))
    told = f"{trial.answer} {' '.join(trial.notes)}"
    assert "Put an activation between the layers" in told


def test_time_that_is_up_is_told():
    trial = tried(network(), remedies=("dropout", "gelu"), time_budget=0.0)
    assert {item.verdict for item in trial.trials} == {"not-tried"}
    assert trial.first is None
    assert trial.answer.startswith("Nothing could be compared")


@pytest.mark.parametrize(
    ("module", "data", "error", "says"),
    [
        (network(), (clouds()[0],), DataError, "has no labels"),
        (nn.Sequential(nn.Flatten()), clouds(), NothingCheckedError, "no weights to train"),
        (nn.Linear(5, 2), clouds(), (DataError, ModelFileError), "5"),
    ],
)
def test_what_cannot_be_tried_is_told(module, data, error, says):
    with pytest.raises(error, match=says):
        try_remedies(module, data[0] if len(data) == 1 else data)


def test_a_remedy_or_a_number_of_seeds_that_there_is_not():
    with pytest.raises(UsageError, match="there is no remedy 'relu'"):
        try_remedies(network(), clouds(), remedies=("relu",))
    with pytest.raises(UsageError, match="--seeds 0 is not in 1 to 10"):
        try_remedies(network(), clouds(), seeds=0)


MENDS = {
    "cnn_raw_pixels": {"standardize"},
    "raw_table": {"standardize"},
    "saturated_pixels": {"standardize"},
    "dead_relu": {"standardize"},
    "saturated_tanh": {"standardize"},
    "constant_output": {"he-init", "lower-lr"},
    "sigmoid_stack": {"gelu", "leaky-relu", "batchnorm", "layernorm", "residual"},
    "exploding_init": {"he-init"},
    "vanishing_init": {"he-init"},
    "symmetric_init": {"he-init"},
    "overconfident": {"weight-decay", "temperature", "label-smoothing", "dropout"},
    "diverged_transformer": {"he-init"},
}


def on_sample(name, **options):
    entry = MANIFEST[name]
    return try_remedies(
        entry["file"],
        entry["data"],
        factory=entry["model"],
        train_data=entry["train_data"],
        **{"time_budget": 600.0, "steps": 300, **options},
    ).trial


@pytest.mark.slow
@pytest.mark.parametrize("name", MENDS)
def test_the_top_remedy_mends_what_made_the_model_sick(name):
    trial = on_sample(name)
    assert trial.first in MENDS[name]
    assert trial.trials[0].suggested_by


@pytest.mark.slow
def test_at_the_rate_that_killed_it_a_tenth_of_it_helps_most():
    trial = on_sample("constant_output", lr=1.0, optimizer="sgd")
    assert trial.first == "lower-lr"


@pytest.mark.slow
def test_every_documented_remedy_of_over_confidence_lowers_the_held_out_nll():
    trial = on_sample("overconfident")
    helping = {item.remedy for item in trial.trials if item.verdict == "helps"}
    assert MENDS["overconfident"] <= helping
    for item in trial.trials:
        if item.remedy in MENDS["overconfident"]:
            assert sum(item.treated.losses) < sum(item.control.losses)
