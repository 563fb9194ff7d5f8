"""Every debug step on every real model: each says something, none fails, and nothing is changed."""

import copy

import pytest
import torch

from actdiag import scan
from actdiag.feed import open_data
from actdiag.load import Trust, load_model
from actdiag.measure import whole_batches
from actdiag.records import Outcome
from actdiag.steps import carry_out, registry
from actdiag.steps.base import Case
from actdiag.steps.bench import Bench
from tests.real import data
from tests.real.models import MODELS

pytestmark = pytest.mark.slow

SAMPLES = 200
DONE = {Outcome.DONE, Outcome.HELPS, Outcome.NO_EFFECT}


def loaded(name):
    real = MODELS[name]
    found = load_model(
        real.path, factory=real.factory, factory_args=dict(real.arguments), trust=Trust()
    )
    return found.module.eval()


def all_steps(module, given, **options):
    report = scan(module, given, max_samples=SAMPLES, steps="none", **options)
    feed = open_data(given, module=module, max_samples=SAMPLES)
    bench = Bench(module, tuple(whole_batches(module, feed)))
    return carry_out(registry(), Case(report.scan, report.findings, bench))


@pytest.mark.parametrize("name", MODELS)
def test_no_step_fails_and_the_model_stays_as_it_is(name):
    module = loaded(name)
    before = copy.deepcopy(module.state_dict())
    told = all_steps(module, MODELS[name].feed())
    for step in told.values():
        assert step.result
        assert "Could not" not in step.result, (step.id, step.result)
    for step in ("check-statistics", "check-initialisation", "check-regularisation"):
        assert told[step].outcome in DONE
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


@pytest.mark.parametrize("name", ["digit-recognizer", "ccexam"])
def test_on_a_classifier_with_training_data_every_step_has_something_to_say(name):
    images, labels = data.digits()
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    images, labels = images[order], labels[order]
    module = loaded(name)
    train = (images[100:2000], labels[100:2000])
    told = all_steps(module, (images[:SAMPLES], labels[:SAMPLES]), train_data=train)
    leak = told["check-leakage"].measured
    assert leak["shared"] == SAMPLES - 100
    assert leak["label_conflicts"] == 0
    assert told["check-overfitting"].outcome is Outcome.DONE
    assert not told["check-overfitting"].measured["over_fitting"]
    assert told["temperature-scaling"].outcome is Outcome.NO_EFFECT
    assert told["add-dropout"].measured["agreement"] > 0.9


def test_a_layer_that_was_killed_is_found_and_the_way_opened_again():
    module = loaded("digit-recognizer")
    layers = [item for item in module.modules() if isinstance(item, torch.nn.Linear)]
    with torch.no_grad():
        layers[0].bias.fill_(-100.0)
    images, labels = data.digits()
    report = scan(module, (images, labels), max_samples=SAMPLES)
    [found] = [each for each in report.diagnoses if each.symptom == "outputs-all-same"]
    assert found.cause == "dead-relus"
    told = {step.id: step for step in found.steps}
    assert told["try-leaky-relu"].outcome is Outcome.HELPS
    assert told["try-leaky-relu"].measured["first_layer_gradient"][0] == 0
    assert "The signal dies at " in told["check-statistics"].result
