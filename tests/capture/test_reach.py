"""What a unit can be given at most: interval bounds against all corners of the inputs' range."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from actdiag.capture import Capture

torch.set_num_threads(1)


def bounds(model, x, name="1"):
    with Capture(model.eval()) as capture:
        capture.run((x,), {}, len(x))
        sites = {site.name: site for site in capture.sites()}
    return sites[name].per_unit


def corners(low, high):
    return torch.tensor(list(itertools.product(*zip(low, high, strict=True))))


def test_the_bound_is_the_largest_value_over_all_corners_of_the_range():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 2))
    x = torch.randn(50, 5) * torch.tensor([1.0, 10.0, 0.1, 3.0, 1.0]) + 2
    found = bounds(model, x)
    largest = model[0](corners(x.amin(0).tolist(), x.amax(0).tolist())).amax(0)
    assert found.input_bound == pytest.approx(largest.tolist(), rel=1e-5)
    assert found.input_bias == pytest.approx(model[0].bias.tolist())
    assert all(seen <= most for seen, most in zip(found.input_max, found.input_bound, strict=True))


@pytest.mark.parametrize("padding", [0, 1])
def test_a_grouped_convolution_with_its_batch_norm(padding):
    torch.manual_seed(1)
    conv = nn.Conv2d(4, 6, 3, groups=2, padding=padding, bias=False)
    norm = nn.BatchNorm2d(6)
    norm.running_mean, norm.running_var = torch.randn(6), torch.rand(6) + 0.5
    norm.weight.data, norm.bias.data = torch.randn(6), torch.randn(6)
    x = torch.rand(8, 4, 5, 5) + 1
    found = bounds(nn.Sequential(conv, norm, nn.ReLU(), nn.Flatten()), x, "2")
    low, high = x.amin((0, 2, 3)), x.amax((0, 2, 3))
    if padding:
        low = low.clamp(max=0)
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    weight = conv.weight * scale.view(-1, 1, 1, 1)
    ends = [end.view(2, 2).repeat_interleave(3, 0).view(6, 2, 1, 1) for end in (low, high)]
    expected = torch.maximum(weight * ends[0], weight * ends[1]).sum((1, 2, 3))
    expected = expected + norm.bias - norm.running_mean * scale
    assert found.input_bound == pytest.approx(expected.tolist(), rel=1e-4)


def test_flattened_maps_have_the_range_of_all_of_them():
    torch.manual_seed(2)
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(18, 4), nn.ReLU(), nn.Linear(4, 2)
    )
    x = torch.rand(20, 1, 5, 5)
    found = bounds(model, x, "4")
    top = model[1](model[0](x)).max()
    expected = model[3].weight.clamp(min=0).sum(1) * top + model[3].bias
    assert found.input_bound == pytest.approx(expected.tolist(), rel=1e-4)


class Scaled(nn.Module):
    """Divides its input by 255 first: what the layer is given is not what was measured."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, x):
        return F.relu(self.layer(x / 255)).sum(1)


class Averaged(Scaled):
    def forward(self, x):
        return F.relu(self.layer(x) + 1).sum(1)


@pytest.mark.parametrize("model", [Scaled(), Averaged()])
def test_where_values_change_on_the_way_nothing_is_claimed(model):
    assert bounds(model, torch.rand(10, 4), "relu").input_bound == ()


def test_a_function_that_does_not_clip_has_no_bound():
    model = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))
    assert bounds(model, torch.rand(10, 4)).input_bound == ()


def test_verbatim_tells_a_view_from_a_scaling():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    with Capture(model.eval()) as capture:
        capture.run((torch.rand(10, 2, 2),), {}, 10)
        assert [site.verbatim for site in capture.sites()] == [False, True, True, True]
    with Capture(Scaled().eval()) as capture:
        capture.run((torch.rand(10, 4),), {}, 10)
        found = [(site.straight, site.verbatim) for site in capture.sites()]
    assert found[1:3] == [(True, False), (True, True)]


class TwoAnswers(nn.Module):
    def __init__(self):
        super().__init__()
        self.features, self.head = nn.Linear(4, 3), nn.Linear(3, 2)

    def forward(self, x):
        features = self.features(x)
        return {"logits": self.head(features), "features": features}


def test_what_the_model_returns_beside_its_answer_is_told():
    with Capture(TwoAnswers().eval()) as capture:
        capture.run((torch.rand(10, 4),), {}, 10)
        found = {site.name: (site.returned, site.is_final) for site in capture.sites()}
    assert found == {"input": (False, False), "features": (True, False), "head": (True, True)}


def _through_data(x):
    x.data.mul_(-5)
    return x


def _with_new_data(x):
    x.data = x * -5
    return x


def _through_numpy(x):
    x.numpy()[...] *= -5
    return x


class Written(nn.Module):
    """Changes values behind torch's back, between layer and activation or before the layer."""

    def __init__(self, *, before, change):
        super().__init__()
        self.first, self.second = nn.Linear(5, 7), nn.Linear(7, 6)
        self.before, self.change = before, change

    def forward(self, x):
        hidden = torch.relu(self.first(x))
        if self.before:
            return torch.relu(self.second(self.change(hidden)))
        return torch.relu(self.change(self.second(hidden)))


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("change", [_through_data, _with_new_data, _through_numpy])
def test_no_bound_is_claimed_of_values_that_were_written_unseen(before, change):
    torch.manual_seed(0)
    model, x = Written(before=before, change=change), torch.randn(50, 5)
    first, second = bounds(model, x, "relu"), bounds(model, x, "relu#2")
    assert second.input_bound == ()
    assert len(first.input_bound) == 7
    plain = Written(before=before, change=lambda values: values)
    assert len(bounds(plain, x, "relu#2").input_bound) == 6


def test_no_bound_is_merged_of_values_that_were_written_unseen():
    torch.manual_seed(0)
    for change, known in ((_through_data, False), (lambda values: values, True)):
        model = Written(before=True, change=change).eval()
        nn.init.constant_(model.second.bias, -100.0)
        with Capture(model) as capture:
            capture.run((torch.randn(50, 5),), {}, 50)
            assert ("relu#2" in capture.state(capture.sites())["reach"]) is known
