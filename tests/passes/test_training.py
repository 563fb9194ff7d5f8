"""``--train-data``: measured once, and read by rules and steps."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from actdiag import scan
from actdiag.records import Report


def sets():
    generator = torch.Generator().manual_seed(3)
    x, y = torch.randn(50, 4, generator=generator), torch.arange(50) % 2
    others = torch.randn(5, 4, generator=generator)
    return (x, y), (torch.cat((x[:10], others)), torch.cat((1 - y[:5], y[5:15])))


def model():
    torch.manual_seed(0)
    return nn.Linear(4, 2).eval()


def test_the_numbers_are_those_of_the_training_data():
    data, (x, y) = sets()
    train = scan(model(), data, train_data=(x, y), batch_size=7).scan.training_data
    logits = model()(x)
    assert train.samples == 15
    assert train.accuracy == pytest.approx((logits.argmax(1) == y).double().mean().item())
    assert train.nll == pytest.approx(F.cross_entropy(logits, y).item(), rel=1e-5)
    assert train.mean_confidence == pytest.approx(logits.softmax(1).amax(1).mean().item(), rel=1e-5)


def test_shared_samples_and_labels_that_contradict_each_other_are_counted():
    data, train = sets()
    report = scan(model(), data, train_data=train)
    found = report.scan.training_data
    assert (found.judged, found.shared, found.label_conflicts, found.repeated) == (50, 10, 5, 0)
    [leak] = [finding for finding in report.findings if finding.code == "DAT704"]
    others = (model()(data[0][10:]).argmax(1) == data[1][10:]).double().mean().item()
    everywhere = report.scan.output.accuracy
    assert leak.message == (
        "10 of 50 samples (20.0 %) are training samples, 5 of them under another label. Accuracy: "
        f"{100 * everywhere:.1f} % on all, {100 * others:.1f} % on the 40 others."
    )


def test_repeated_rows_negative_zeros_and_other_batches_are_seen_through():
    zero = torch.zeros(6, 3)
    found = scan(nn.Linear(3, 2), zero, train_data=-zero, batch_size=4).scan.training_data
    assert (found.shared, found.repeated, found.label_conflicts) == (6, 5, 0)
    assert found.accuracy is None


def blurred(rows, share):
    return rows + share * torch.randn(rows.shape, generator=torch.Generator().manual_seed(9))


def many(samples, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(samples, 12, generator=generator), torch.arange(samples) % 2


def test_near_duplicates_are_told_from_neighbours_however_they_are_batched():
    (x, y), (others, _) = many(200), many(100, seed=1)
    data = (torch.cat((x[:5], blurred(x[20:40], 0.01), others)), torch.arange(125) % 2)
    module = nn.Linear(12, 2)
    found = scan(module, data, train_data=(x, y), batch_size=7).scan.training_data
    assert (found.shared, found.near, found.near_judged, found.near_known) == (5, 20, 120, 200)
    assert found.near_natural == 0
    assert found.near_conflicts == int((data[1][5:25] != y[20:40]).sum())
    whole = scan(module, data, train_data=(x, y)).scan.training_data
    assert (whole.near, whole.near_conflicts) == (found.near, found.near_conflicts)
    others_right = (module(others).argmax(1) == data[1][25:]).double().mean().item()
    assert (found.unseen, found.unseen_accuracy) == (100, pytest.approx(others_right))


def test_where_training_samples_lie_as_close_near_ones_are_no_leak():
    points = torch.linspace(0, 1, 400).unsqueeze(1)
    even, odd = points[::2] * 2, points[1::2] * 2
    pairs = torch.cat((even, even + 1e-6))
    report = scan(nn.Linear(1, 2), (odd, torch.arange(200) % 2), train_data=pairs)
    assert not [finding for finding in report.findings if finding.code == "DAT704"]


def test_the_search_is_bounded(monkeypatch):
    monkeypatch.setattr("actdiag.passes.near.MOST_KNOWN", 50)
    monkeypatch.setattr("actdiag.passes.near.MOST_JUDGED", 30)
    (x, y), data = many(200), many(100, seed=1)
    found = scan(nn.Linear(12, 2), data, train_data=(x, y)).scan.training_data
    assert (found.near, found.near_judged, found.near_known) == (0, 30, 50)


def test_token_ids_have_no_distance():
    ids = torch.randint(50, (60, 8), generator=torch.Generator().manual_seed(0))
    module = nn.Sequential(nn.Embedding(50, 4), nn.Flatten(), nn.Linear(32, 2))
    found = scan(module, ids[:30], train_data=ids[30:]).scan.training_data
    assert (found.shared, found.near, found.near_judged) == (0, None, 0)


def test_made_up_input_is_not_looked_up():
    found = scan(model(), input_shape=(4,), train_data=sets()[1]).scan.training_data
    assert (found.samples, found.judged, found.shared) == (15, 0, 0)


def test_training_data_that_the_model_cannot_take_is_told():
    class Picky(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 2)

        def forward(self, x):
            if x.max() > 100:
                raise ValueError("far too large")
            return self.layer(x)

    found = scan(Picky(), sets()[0], train_data=torch.full((8, 4), 200.0)).scan
    assert found.training_data is None
    assert found.data.notes[-1] == "the training data can't be run: ValueError: far too large"


def test_it_is_kept_in_the_report():
    report = scan(model(), sets()[0], train_data=sets()[1])
    again = Report.from_json(report.to_json())
    assert again.scan.training_data == report.scan.training_data
