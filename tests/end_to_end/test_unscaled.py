"""Raw inputs kill ReLU units: one small tabular network trained twice, and what the scan says."""

import pytest
import torch
from torch import nn

from actdiag.render import text
from sample_models.recipes.data import TASKS
from sample_models.recipes.unscaled import RECIPES
from tests.end_to_end.samples import scanned

UNITS = 21


def dead_units(model, x):
    """Units of the model's ReLUs that fire for no row of ``x``, counted without the product."""
    dead = 0
    for layer in model:
        x = layer(x)
        if isinstance(layer, nn.ReLU):
            dead += int((x <= 0).all(dim=0).sum())
    return dead


def reported(report):
    found = [one for one in report.findings if one.code == "ACT101"]
    return sum(one.measured["dead_units"] for one in found)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_trained_again_raw_inputs_kill_most_units_and_standardised_ones_few(recipe):
    torch.manual_seed(recipe.seed)
    model, inputs = recipe.make(), torch.from_numpy(TASKS[recipe.data]().x)
    with torch.no_grad():
        dead = dead_units(model, inputs)
    assert dead > UNITS / 2 if recipe.sick else dead <= 3


def test_of_21_units_16_are_dead_on_raw_inputs_and_1_on_standardised_ones():
    for name, dead in (("raw_table", 16), ("scaled_table", 1)):
        assert reported(scanned(name)) == dead


def test_the_unnormalised_input_is_the_root_of_all_that_is_found():
    findings = scanned("raw_table").findings
    root = next(one for one in findings if one.code == "DAT701")
    assert root.follows_from == ()
    by_mark = {one.fingerprint: one for one in findings}

    def leads_back(one):
        causes = [by_mark[mark] for mark in one.follows_from]
        return one is root or any(leads_back(cause) for cause in causes)

    assert all(leads_back(one) for one in findings)
    constant = next(one for one in findings if one.code == "OUT201")
    through = {by_mark[mark].code for mark in constant.follows_from}
    assert through & {"ACT101", "ACT106"}


def test_the_diagnosis_names_the_unnormalised_input_first():
    (diagnosis,) = scanned("raw_table").diagnoses
    assert diagnosis.symptom == "outputs-all-same"
    first, second = [one.name for one in diagnosis.causes if one.verdict == "confirmed"][:2]
    assert (first, second) == ("unnormalised-input", "dead-relus")
    assert diagnosis.advice.startswith("Standardise the features")


def test_what_follows_is_folded_under_the_root():
    rendered = text.render(scanned("raw_table"), width=120)
    said = " ".join(rendered.split())
    assert "model outputs all the same value because of unnormalised input" in said
    assert said.index("found ! warning DAT701") < said.index("This explains ACT101")
    assert said.count("OUT201 in layer") == 1
