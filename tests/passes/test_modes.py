"""Train mode against eval mode on samples kept from all over the data."""

import numpy as np
import pytest
import torch
from torch import nn

from actdiag import scan
from actdiag.passes.modes import MOST_SAMPLES, Modes, correlation


def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))


def data(samples=100):
    return torch.randn(samples, 4, generator=torch.Generator().manual_seed(1)) * 5 + 3


def modes_of(module, x, **options):
    return scan(module, x, **options).scan.train_eval


def test_the_correlation_is_that_of_the_two_answers_with_dropout_off():
    module, x = model(), data(32)
    found = modes_of(module, x)
    module.eval()
    in_eval = module(x).detach().numpy().ravel()
    module[1].train()
    in_train = module(x).detach().numpy().ravel()
    assert (found.samples, found.layers) == (32, 1)
    assert found.correlation == pytest.approx(np.corrcoef(in_eval, in_train)[0, 1], rel=1e-4)


def test_the_model_keeps_its_statistics_and_its_mode():
    module = model()
    before = {name: item.clone() for name, item in module.state_dict().items()}
    modes_of(module, data())
    assert all(torch.equal(before[name], item) for name, item in module.state_dict().items())
    assert all(part.training for part in module.modules())


def test_the_same_samples_are_kept_however_the_data_is_batched():
    module, x = model(), data(500)
    results = [modes_of(module, x, batch_size=size) for size in (1, 33, 500)]
    assert results[0].samples == MOST_SAMPLES
    assert results[0].correlation == pytest.approx(results[1].correlation, rel=1e-6)
    assert results[0].correlation == pytest.approx(results[2].correlation, rel=1e-6)


def test_they_come_from_all_over_the_data():
    x = torch.arange(1000.0).view(-1, 1).expand(-1, 4)
    modes = Modes(model())
    from actdiag.feed import open_data

    for _ in modes.noting(open_data(x, batch_size=50)):
        pass
    kept = sorted(float(batch.inputs[0][0, 0]) for *_, batch in modes._kept)
    assert len(kept) == MOST_SAMPLES
    assert kept[0] < 150
    assert kept[-1] > 750


@pytest.mark.parametrize(
    ("module", "samples"),
    [
        (nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8)), 100),
        (nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8, track_running_stats=False)), 100),
        (model(), 15),
    ],
    ids=["layer-norm", "no-statistics", "few"],
)
def test_where_there_is_nothing_to_compare_nothing_is_told(module, samples):
    assert modes_of(module, data(samples)) is None


def test_samples_of_different_shapes_are_not_joined():
    class Means(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(4)

        def forward(self, x):
            return self.norm(x.mean(1))

    batches = [torch.randn(8, length, 4) for length in range(2, 8)]
    assert modes_of(Means(), batches) is None


def test_correlation_of_answers_that_do_not_vary_or_are_not_finite():
    assert correlation(torch.ones(4), torch.arange(4.0)) is None
    assert correlation(torch.tensor([torch.nan, 1.0]), torch.ones(2)) is None
    with_nan = torch.tensor([torch.nan, 1.0, 2.0, 3.0])
    assert correlation(with_nan, -with_nan) == pytest.approx(-1)
