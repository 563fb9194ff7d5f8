"""Losses by name against torch's own, in every shape that outputs and labels come in."""

import pytest
import torch
from torch.nn import functional as F

from actdiag.stats.losses import NAMED, OF_KIND, inferred


def test_every_kind_of_output_has_a_loss_that_exists():
    assert set(OF_KIND.values()) <= set(NAMED)
    assert inferred("logits", torch.randn(4, 3), torch.arange(4)) == "cross-entropy"


def test_cross_entropy_of_samples_positions_and_pixels():
    logits, labels = torch.randn(6, 4), torch.tensor([0, 1, 2, 3, -100, 1])
    loss = NAMED["cross-entropy"]
    assert loss(logits, labels) == F.cross_entropy(logits, labels)
    marked = F.one_hot(labels.clamp(min=0), 4)
    assert loss(logits, marked) == F.cross_entropy(logits, labels.clamp(min=0))
    tokens, ids = torch.randn(2, 5, 4), torch.randint(4, (2, 5))
    assert loss(tokens, ids) == pytest.approx(F.cross_entropy(tokens.flatten(0, 1), ids.flatten()))
    pixels, classes = torch.randn(2, 4, 3, 3), torch.randint(4, (2, 3, 3))
    assert loss(pixels, classes) == pytest.approx(F.cross_entropy(pixels, classes).item())


def test_probabilities_and_their_logarithms_cost_the_same():
    logits, labels = torch.randn(6, 4), torch.randint(4, (6,))
    expected = F.cross_entropy(logits, labels).item()
    assert NAMED["nll"](logits.log_softmax(1), labels) == pytest.approx(expected)
    of_probabilities = NAMED["nll-of-probabilities"]
    assert of_probabilities(logits.softmax(1), labels) == pytest.approx(expected, rel=1e-5)
    assert of_probabilities(torch.tensor([[0.0, 1.0]]), torch.tensor([0])).isfinite()


def test_binary_losses_agree_and_bear_certainty():
    logits, labels = torch.randn(8, 1), torch.randint(2, (8,))
    sure = NAMED["bce-with-logits"](logits, labels)
    assert NAMED["bce"](logits.sigmoid(), labels) == pytest.approx(sure.item(), rel=1e-4)
    assert NAMED["bce"](torch.tensor([0.0]), torch.tensor([1])).isfinite()


@pytest.mark.parametrize(("name", "theirs"), [("mse", F.mse_loss), ("l1", F.l1_loss)])
def test_losses_of_values(name, theirs):
    output, targets = torch.randn(5, 1), torch.randn(5)
    assert NAMED[name](output, targets) == theirs(output, targets.unsqueeze(1))


def test_classes_become_rows_where_values_are_asked_for():
    output, labels = torch.rand(4, 3), torch.tensor([2, 0, 1, 1])
    assert NAMED["mse"](output, labels) == F.mse_loss(output, F.one_hot(labels, 3).float())


@pytest.mark.parametrize("name", sorted(NAMED))
def test_what_does_not_fit_is_told_with_its_shapes(name):
    with pytest.raises(ValueError, match=r"shapes \(5, 3\) and \(4,\) do not fit"):
        NAMED[name](torch.rand(5, 3), torch.ones(4, dtype=torch.int64))


def test_several_labels_at_once_are_binary_and_anything_else_unknown():
    labels = torch.randint(2, (4, 3))
    assert inferred("unknown", torch.randn(4, 3) * 9, labels) == "bce-with-logits"
    assert inferred("unknown", torch.rand(4, 3), labels) == "bce"
    assert inferred("unknown", torch.rand(4, 3), torch.rand(4, 3)) is None
    assert inferred("unknown", torch.rand(4, 3), torch.ones(4)) is None


@pytest.mark.parametrize("dtype", [torch.int64, torch.float32])
def test_binary_losses_take_labels_of_either_form(dtype):
    logits, classes = torch.randn(8, 1), torch.arange(8) % 2
    signs = (2 * classes - 1).to(dtype)
    for name, output in (("bce-with-logits", logits), ("bce", logits.sigmoid())):
        assert NAMED[name](output, signs) == NAMED[name](output, classes)
        assert inferred("margin", output, signs) == name
    assert NAMED["bce-with-logits"](logits, signs).item() == pytest.approx(
        F.soft_margin_loss(logits[:, 0], signs.float()).item(), rel=1e-5
    )
    assert NAMED["mse"](logits, signs) == F.mse_loss(logits[:, 0], signs.float())


@pytest.mark.parametrize("dtype", [torch.int64, torch.float32])
def test_binary_losses_leave_out_what_has_no_label(dtype):
    logits, marked = torch.randn(8, 1), (torch.arange(8) % 2).to(dtype)
    marked[2:5] = -100
    kept = marked != -100
    for name, output in (("bce-with-logits", logits), ("bce", logits.sigmoid())):
        assert NAMED[name](output, marked) == NAMED[name](output[kept], marked[kept])
