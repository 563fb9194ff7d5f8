"""The step read off an optimizer's state against the step that the optimizer then makes."""

import pytest
import torch
from torch import nn

from actdiag.stats.updates import updates


def trained(make, steps=5):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3))
    optimizer = make(model)
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.randn(16, 6)).square().mean().backward()
        optimizer.step()
    return model, optimizer


def last_step(make):
    """The state, the weights before the last step, and its true size over the weight's."""
    before, _ = trained(make, steps=4)
    after, optimizer = trained(make, steps=5)
    pairs = zip(before.parameters(), after.parameters(), strict=True)
    ratios = [((new - old).norm() / old.norm()).item() for old, new in pairs]
    return optimizer.state_dict(), dict(before.named_parameters()), ratios


@pytest.mark.parametrize(
    "make",
    [
        lambda model: torch.optim.Adam(model.parameters(), lr=0.01),
        lambda model: torch.optim.Adam(model.parameters(), lr=0.01, amsgrad=True),
        lambda model: torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.3),
        lambda model: torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
        lambda model: torch.optim.Adam(model.named_parameters(), lr=0.01),
    ],
    ids=["adam", "amsgrad", "adamw", "sgd", "named"],
)
def test_the_step_is_the_one_that_was_made(make):
    state, weights, ratios = last_step(make)
    told = updates(state, weights)
    assert list(told) == list(weights)
    for item, ratio in zip(told.values(), ratios, strict=True):
        assert item.ratio == pytest.approx(ratio, rel=1e-4)


def test_groups_keep_their_own_rates_and_schedules():
    def make(model):
        optimizer = torch.optim.Adam(
            [
                {"params": list(model[0].parameters()), "lr": 0.02},
                {"params": list(model[2].parameters()), "lr": 0.001},
            ]
        )
        torch.optim.lr_scheduler.ConstantLR(optimizer, factor=0.5)
        return optimizer

    model, optimizer = trained(make)
    told = updates(optimizer.state_dict(), dict(model.named_parameters()))
    rates = {name: (item.lr, item.initial_lr) for name, item in told.items()}
    assert rates["0.weight"] == (0.01, 0.02)
    assert rates["2.weight"] == (0.0005, 0.001)


def test_an_order_that_does_not_fit_the_shapes_is_not_believed():
    def make(model):
        matrices = [item for item in model.parameters() if item.dim() > 1]
        others = [item for item in model.parameters() if item.dim() < 2]
        return torch.optim.Adam([{"params": matrices}, {"params": others}])

    model, optimizer = trained(make)
    assert updates(optimizer.state_dict(), dict(model.named_parameters())) == {}


def test_named_parameters_are_found_in_any_order():
    def make(model):
        return torch.optim.Adam(reversed(list(model.named_parameters())))

    model, optimizer = trained(make)
    told = updates(optimizer.state_dict(), dict(model.named_parameters()))
    assert set(told) == set(dict(model.named_parameters()))


@pytest.mark.parametrize(
    "make",
    [
        lambda model: torch.optim.SGD(model.parameters(), lr=0.1),
        lambda model: torch.optim.RMSprop(model.parameters()),
    ],
)
def test_a_state_without_the_step_tells_nothing(make):
    model, optimizer = trained(make)
    assert updates(optimizer.state_dict(), dict(model.named_parameters())) == {}


@pytest.mark.parametrize("broken", [{}, {"state": [], "param_groups": []}, {"state": {}}])
def test_a_damaged_state_tells_nothing(broken):
    assert updates(broken, {"weight": torch.ones(2)}) == {}


def test_weights_of_zero_have_no_ratio():
    model, optimizer = trained(lambda model: torch.optim.Adam(model.parameters()))
    zeros = {name: torch.zeros_like(item) for name, item in model.named_parameters()}
    assert updates(optimizer.state_dict(), zeros) == {}
