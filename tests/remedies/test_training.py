import math

import pytest
import torch
from torch import nn

from actdiag.errors import DataError, UsageError
from actdiag.feed import Batch
from actdiag.remedies.base import Arm, Settings
from actdiag.remedies.objective import Objective, objective_for
from actdiag.remedies.pool import gathered, split
from actdiag.remedies.training import Clock, OutOfTimeError, _decayed, require_optimizer, train
from tests.remedies.build import clouds, network


def batch(samples=120, **more):
    x, y = clouds(samples, **more)
    return Batch((x,), {}, y, samples)


def trained(arm, judged, kind="logits", clock=Clock()):  # noqa: B008 - frozen
    return train(arm, judged, Objective(kind), clock=clock, tick=lambda: None)


def test_it_learns_and_keeps_a_curve():
    fitted, judged = split(batch(), 0)
    arm = Arm(network(), Settings("adam", 1e-2, steps=40, batch_size=16), fitted, 0)
    result = trained(arm, judged)
    assert result.steps[0] == 0
    assert result.steps[-1] == 40
    assert result.training[0] is None
    assert result.judged.loss == min(result.held_out) < result.held_out[0]
    assert result.judged.score == pytest.approx(math.exp(-result.judged.loss))
    assert result.judged.accuracy > 0.8


def test_the_weights_that_are_left_are_those_that_were_judged_best():
    fitted, judged = split(batch(40), 0)
    arm = Arm(network(), Settings("sgd", 3.0, steps=40, batch_size=8), fitted, 0)
    result = trained(arm, judged)
    with torch.no_grad():
        assert Objective("logits").judge(arm, judged) == result.judged


def test_arms_of_a_seed_see_the_same_batches():
    seen = {}
    for name, rate in (("treated", 1e-4), ("control", 1e-2)):
        arm = Arm(network(), Settings("adam", rate, steps=12, batch_size=8), batch(40), 3)
        rows = seen[name] = []
        arm.module.register_forward_pre_hook(
            lambda module, args, rows=rows: rows.append(args[0]) if module.training else None
        )
        trained(arm, batch(40))
    assert len(seen["treated"]) == 12
    assert all(map(torch.equal, seen["treated"], seen["control"]))


def test_weight_decay_shrinks_matrices_and_no_bias():
    module = network()
    before = {name: item.detach().clone() for name, item in module.named_parameters()}
    _decayed(list(module.parameters()), 0.1)
    for name, item in module.named_parameters():
        wanted = before[name] * (0.9 if item.dim() > 1 else 1.0)
        assert torch.allclose(item, wanted)


def test_a_loss_that_is_not_finite_ends_the_training():
    fitted = batch()
    fitted.inputs[0][:] = math.nan
    result = trained(Arm(network(), Settings("adam", 1e-3, steps=40), fitted, 0), fitted)
    assert result.judged.loss is None
    assert result.judged.score == 0.0


def test_the_clock_stops_it():
    with pytest.raises(OutOfTimeError):
        trained(Arm(network(), Settings("adam", 1e-3), batch(), 0), batch(), clock=Clock(0.0))


def test_an_optimizer_that_there_is_not():
    with pytest.raises(UsageError, match="there is no optimizer 'lion'"):
        require_optimizer("lion")


@pytest.mark.parametrize(
    ("kind", "output", "labels", "reference"),
    [
        ("logits", torch.randn(8, 3), torch.randint(3, (8,)), nn.CrossEntropyLoss()),
        ("binary-logit", torch.randn(8, 1), torch.randint(2, (8,)), None),
        ("values", torch.randn(8, 2), torch.randn(8, 2), nn.MSELoss()),
    ],
)
def test_losses_are_those_of_torch(kind, output, labels, reference):
    loss = Objective(kind).loss(output, labels)
    if reference is None:
        wanted = nn.BCEWithLogitsLoss()(output[:, 0], labels.float())
    else:
        wanted = reference(output, labels)
    assert torch.allclose(loss, wanted)


@pytest.mark.parametrize("kind", ["probabilities", "log-probabilities"])
def test_smoothing_is_the_same_for_probabilities(kind):
    logits, labels = torch.randn(8, 3), torch.randint(3, (8,))
    output = logits.softmax(1) if kind == "probabilities" else logits.log_softmax(1)
    wanted = nn.functional.cross_entropy(logits, labels, label_smoothing=0.1)
    assert torch.allclose(Objective(kind).loss(output, labels, 0.1), wanted, atol=1e-6)


def test_several_labels_at_once_are_binary():
    labels = torch.randint(2, (8, 4)).float()
    assert objective_for("unknown", torch.randn(8, 4) * 3, labels).kind == "binary-logit"


@pytest.mark.parametrize("dtype", [torch.int64, torch.float32])
def test_scores_of_either_sign_are_binary(dtype):
    scores, signs = torch.randn(8, 1), torch.tensor([-1, 1] * 4).to(dtype)
    objective = objective_for("margin", scores, signs)
    wanted = nn.SoftMarginLoss()(scores[:, 0], signs.float())
    assert torch.allclose(objective.loss(scores, signs), wanted)
    assert objective.name == "binary cross-entropy (labels −1 and 1 as 0 and 1)"
    assert objective.rows(scores, signs)[1].tolist() == [0, 1] * 4
    assert objective_for("margin", scores.sigmoid(), signs).kind == "binary-probability"


def test_answers_without_a_label_are_left_out_of_binary_ones():
    logits, marked = torch.randn(8, 1), torch.tensor([0, 1, -100, 1] * 2)
    rows, labels = objective_for("binary-logit", logits, marked).rows(logits, marked)
    assert labels.tolist() == [0, 1, 1] * 2
    assert rows.tolist() == logits[marked != -100].tolist()


def test_labels_out_of_range_are_told():
    with pytest.raises(DataError, match="the labels lie in 0 to 5, and the model tells 3 classes"):
        objective_for("logits", torch.randn(4, 3), torch.tensor([0, 1, 2, 5]))


def test_data_without_labels_or_with_too_few_samples():
    with pytest.raises(DataError, match="has no labels"):
        gathered([Batch((torch.zeros(30, 2),), {}, None, 30)], "x.npz")
    with pytest.raises(DataError, match="has 3 samples: too few"):
        gathered([Batch((torch.zeros(3, 2),), {}, torch.zeros(3), 3)], "x.npz")


def test_samples_of_different_shapes_are_told():
    batches = [Batch((torch.zeros(20, size),), {}, torch.zeros(20), 20) for size in (2, 3)]
    with pytest.raises(DataError, match=r"the samples of x\.npz differ in shape"):
        gathered(batches, "x.npz")


def test_a_split_divides_and_depends_on_the_seed():
    pool = batch(50)
    first, second = split(pool, 0)
    assert first.samples + second.samples == 50
    rows = torch.cat([first.inputs[0], second.inputs[0]])
    assert sorted(rows.sum(1).tolist()) == sorted(pool.inputs[0].sum(1).tolist())
    assert not torch.equal(split(pool, 1)[0].inputs[0], first.inputs[0])
