"""Settings: named as the module names them, in the order of the function's arguments."""

import math

import pytest
import torch

from tests.functions.cases import OTHER_SETTINGS, build, every_case, every_row, grid, resolve


def number(attribute):
    return attribute.item() if isinstance(attribute, torch.Tensor) else attribute


@every_case(lambda row: bool(row.settings))
def test_settings_are_attributes_of_the_module(row, settings):
    module = build(row, settings)
    assert {key: number(getattr(module, key)) for key in row.settings} == row.settings


@every_case(lambda row: bool(row.settings))
def test_settings_are_positional_arguments_of_the_function_in_this_order(row, settings):
    name = next(name for name in row.callables if name.startswith("torch.nn.functional."))
    arguments = list(row.settings.values())
    if row.name == "prelu":
        arguments = [torch.tensor(arguments, dtype=torch.float64)]
    x = grid(-6, 6, 481)
    torch.testing.assert_close(resolve(name)(x, *arguments), row.value(x, torch, **settings))


@every_row(lambda row: bool(row.settings) and row.name != "threshold")
def test_defaults_are_those_of_torch(row):
    module = resolve(row.modules[0])()
    assert {key: number(getattr(module, key)) for key in row.settings} == row.settings


@every_row(lambda row: bool(row.settings))
def test_other_settings_are_tested_too(row):
    assert row.name in OTHER_SETTINGS
    changed = set().union(*OTHER_SETTINGS[row.name])
    assert changed == set(row.settings)


@every_row(lambda row: row.numbers is not None)
def test_numbers_of_the_defaults_are_those_of_the_row(row):
    for field, number in row.numbers(**row.settings).items():
        assert getattr(row, field) == number, field


def test_a_prelu_with_alpha_0_clips_like_relu_and_with_1_is_linear(row_of):
    assert row_of("prelu").with_settings({"weight": 0.0}).clips_at_zero
    assert row_of("prelu").with_settings({"weight": 1.0}).linear_region == (-math.inf, math.inf)


def test_no_settings_give_the_row_itself(row_of):
    assert row_of("elu").with_settings({}) is row_of("elu")
    assert row_of("relu").with_settings({}) is row_of("relu")


def test_a_setting_that_the_function_has_not_is_refused(row_of):
    with pytest.raises(TypeError, match=r"^relu has no setting alpha$"):
        row_of("relu").with_settings({"alpha": 1.0})
