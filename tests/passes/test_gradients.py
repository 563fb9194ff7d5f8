"""``--gradients``: against plain autograd, on awkward models, and what is told when it can't be."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from actdiag import scan
from actdiag.errors import ModelFileError, UsageError
from actdiag.feed import open_data
from actdiag.passes.gradients import few, loss_named


class InPlace(nn.Module):
    """Functional, in-place and gated activations, a norm, and a layer that nothing uses."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)
        self.fc, self.head, self.unused = nn.Linear(64, 16), nn.Linear(16, 3), nn.Linear(2, 2)

    def forward(self, x):
        x = self.relu(self.norm(self.conv(x))).flatten(1)
        x = F.relu_(self.fc(x))
        return self.head(x * torch.sigmoid(x))


def data(samples=40):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(samples, 1, 4, 4, generator=generator), torch.arange(samples) % 3


def model():
    torch.manual_seed(0)
    return InPlace().eval()


def gradients_of(found):
    return {weight.name: weight.gradient for weight in found.weights if weight.gradient}


def test_parameters_and_sites_have_the_gradients_that_autograd_gives():
    module, (x, y) = model(), data()
    found = scan(module, (x, y), gradients=True, batch_size=16).scan
    twin = copy.deepcopy(module)
    twin.relu.inplace = False
    kept = {}
    for name in ("conv", "norm", "relu", "head"):
        twin.get_submodule(name).register_forward_hook(
            lambda _module, _args, out, name=name: (out.retain_grad(), kept.update({name: out}))[1]
        )
    F.cross_entropy(twin(x), y, reduction="sum").backward()
    for name, values in kept.items():
        gradient = found.site(name).gradient
        assert gradient.rms == pytest.approx(values.grad.square().mean().sqrt().item(), rel=1e-4)
        assert gradient.elements == values.numel()
        assert gradient.zero_fraction == pytest.approx((values.grad == 0).float().mean().item())
    told = gradients_of(found)
    for name, item in twin.named_parameters():
        if item.grad is None:
            assert told[name].elements == 0
        else:
            rms = item.grad.div(len(x)).square().mean().sqrt().item()
            assert told[name].rms == pytest.approx(rms, rel=1e-4)
    assert found.gradients.loss == "cross-entropy"
    assert found.gradients.assumed
    assert found.gradients.value == pytest.approx(F.cross_entropy(twin(x), y).item(), rel=1e-5)


def test_the_batch_size_makes_no_difference():
    small, large = (scan(model(), data(), gradients=True, batch_size=size).scan for size in (7, 40))
    for one, other in zip(small.weights, large.weights, strict=True):
        if one.gradient and one.gradient.rms:
            assert one.gradient.rms == pytest.approx(other.gradient.rms, rel=1e-4)
    for one, other in zip(small.sites, large.sites, strict=True):
        if one.gradient:
            assert one.gradient.rms == pytest.approx(other.gradient.rms, rel=1e-4)


def test_the_model_stays_as_it_was():
    module = model().train()
    before = {name: item.clone() for name, item in module.state_dict().items()}
    scan(module, data(), gradients=True)
    assert all(torch.equal(before[name], item) for name, item in module.state_dict().items())
    assert all(item.grad is None and item.requires_grad for item in module.parameters())
    assert module.training


def test_without_asking_nothing_runs_backward():
    found = scan(model(), data()).scan
    assert found.gradients is None
    assert not gradients_of(found)


def test_frozen_parameters_are_measured_only_where_all_are_frozen():
    module = model()
    module.conv.requires_grad_(requires_grad=False)
    found = scan(module, data(), gradients=True).scan
    assert "conv.weight" not in gradients_of(found)
    assert not found.gradients.thawed
    module.requires_grad_(requires_grad=False)
    found = scan(module, data(), gradients=True).scan
    assert gradients_of(found)["conv.weight"].rms > 0
    assert found.gradients.thawed


def test_torchscript_has_the_gradients_of_the_module_it_came_from():
    module = torch.jit.trace(model(), data()[0][:4])
    graph = scan(module, data(), gradients=True).scan
    plain = scan(model(), data(), gradients=True).scan
    assert gradients_of(graph)["conv.weight"].rms > 0
    for name, gradient in ((n, g) for n, g in gradients_of(plain).items() if g.rms):
        assert gradients_of(graph)[name].rms == pytest.approx(gradient.rms, rel=1e-4)
    for site in plain.sites:
        if site.gradient and "#" not in site.name and site.name != "relu":
            assert graph.site(site.name).gradient.rms == pytest.approx(site.gradient.rms, rel=1e-4)


def test_recurrent_layers_and_attention():
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(4, 8, batch_first=True)
            self.block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
            self.head = nn.Linear(8, 3)

        def forward(self, x):
            return self.head(self.block(self.lstm(x.squeeze(1))[0])[:, -1])

    found = scan(Reader(), data(), gradients=True).scan
    assert all(item.rms > 0 for item in gradients_of(found).values())
    assert found.site("lstm").gradient.rms > 0


def test_a_loss_can_be_named_or_be_ones_own(tmp_path):
    x, y = data()
    found = scan(model(), (x, F.one_hot(y, 3).float()), loss="mse").scan
    assert (found.gradients.loss, found.gradients.assumed) == ("mse", False)
    file = tmp_path / "losses.py"
    file.write_text("def energy(output):\n    return output.square().sum(1)\n")
    found = scan(model(), x, loss=f"{file}:energy").scan
    expected = model()(x).square().sum(1).mean().item()
    assert found.gradients.value == pytest.approx(expected, rel=1e-5)


def test_mistakes_with_losses_are_told(tmp_path):
    x, y = data()
    with pytest.raises(UsageError, match="--gradients needs labels, and the data has none"):
        scan(model(), x, gradients=True)
    with pytest.raises(UsageError, match="--loss crossentropy: there is no such loss") as told:
        loss_named("crossentropy")
    assert "Did you mean cross-entropy? Or FILE.py:FUNCTION" in told.value.hint
    with pytest.raises(UsageError, match=r"--loss mse failed: ValueError: .* do not fit"):
        scan(model(), (x, y / 2), loss="mse")
    file = tmp_path / "losses.py"
    file.write_text("def number(output, labels):\n    return 3.0\n")
    with pytest.raises(UsageError, match="gave a float, not a tensor"):
        scan(model(), (x, y), loss=f"{file}:number")
    with pytest.raises(ModelFileError, match="has no nmber"):
        loss_named(f"{file}:nmber")


def test_what_stops_it_is_told_and_the_scan_goes_on():
    class Through(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(16, 3)

        def forward(self, x):
            return torch.from_numpy(self.head(x.flatten(1)).numpy())

    found = scan(Through(), data(), gradients=True)
    assert "the forward raised RuntimeError with gradients on" in found.scan.gradients.note
    skipped = {skip.code: skip.reason for skip in found.skipped}
    assert skipped["GRD501"].startswith("needs gradients, and there are none: the forward raised")


def test_the_samples_are_spread_over_the_data():
    x = torch.arange(6400).view(-1, 1).float()
    module = nn.Linear(1, 2)
    batches = list(few(module, open_data((x, torch.zeros(6400)), batch_size=100, module=module)))
    assert sum(batch.samples for batch in batches) == 512
    starts = [int(batch.inputs[0][0]) for batch in batches]
    assert starts == [0, 800, 1600, 2400, 3200, 4000, 4800, 5600]
