"""What a checkpoint says of its training."""

from __future__ import annotations

import pytest
import torch

from tests.load.makers import load, tiny


def trained(optimizer_class, **options):
    model = tiny()
    optimizer = optimizer_class(model.parameters(), **options)
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.ones(2, 4)).sum().backward()
        optimizer.step()
    return model, optimizer


@pytest.mark.parametrize(
    ("optimizer_class", "options", "family", "steps"),
    [
        (torch.optim.Adam, {"lr": 0.01, "weight_decay": 0.1}, "Adam", 3),
        (torch.optim.AdamW, {"lr": 0.01, "weight_decay": 0.1}, "Adam", 3),
        (torch.optim.RMSprop, {"lr": 0.01, "weight_decay": 0.1}, "RMSprop", 3),
        (torch.optim.Adagrad, {"lr": 0.01, "weight_decay": 0.1}, "Adagrad", 3),
        (torch.optim.SGD, {"lr": 0.01, "weight_decay": 0.1, "momentum": 0.9}, "SGD", None),
    ],
)
@pytest.mark.parametrize("key", ["optimizer_state_dict", "optimizer", "optimizer_states"])
def test_the_optimizer_is_read(tmp_path, optimizer_class, options, family, steps, key):
    model, optimizer = trained(optimizer_class, **options)
    held = [optimizer.state_dict()] if key == "optimizer_states" else optimizer.state_dict()
    torch.save({"state_dict": model.state_dict(), key: held, "epoch": 7}, tmp_path / "c.pt")
    loaded = load(tmp_path / "c.pt")
    facts = loaded.info.training
    assert facts["optimizer"] == family
    assert facts["lr"] == 0.01
    assert facts["weight_decay"] == 0.1
    assert facts["epoch"] == 7
    assert facts.get("step") == steps
    assert len(loaded.optimizer["param_groups"]) == 1


def test_the_trainers_own_step_wins(tmp_path):
    model, optimizer = trained(torch.optim.Adam)
    held = {"model": model.state_dict(), "opt": optimizer.state_dict(), "global_step": 900}
    torch.save(held, tmp_path / "c.pt")
    assert load(tmp_path / "c.pt").info.training["step"] == 900


def test_nothing_is_made_up(tmp_path):
    odd = {"epoch": float("nan"), "step": "many", "optimizer": {"param_groups": [], "state": {}}}
    torch.save({"model": tiny().state_dict(), **odd}, tmp_path / "c.pt")
    assert load(tmp_path / "c.pt").info.training == {}
