"""What is done again in later passes is what would be found out anew, whatever changes."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from actdiag.capture import Capture, mode, repeats
from actdiag.capture.operations import Kind
from actdiag.capture.repeats import Repeats
from tests.capture.test_sites import CASES


class Dynamic(nn.Module):
    """Two layers, and the number of the batch."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 6), nn.Linear(6, 6)
        self.batch = 0

    def forward(self, x):
        self.batch += 1
        return self.run(x, self.batch % 2 == 0)


class Branches(Dynamic):
    """Takes another way, with other functions and in another order."""

    def run(self, x, even):
        first, second = (self.a, self.b) if self.batch % 3 else (self.b, self.a)
        x = torch.tanh(first(x)) if even else F.relu(first(x))
        if self.batch > 3:
            x = torch.sigmoid(x)
        return second(x) + x


class OtherInput(Dynamic):
    """The same call with the same shapes reads another layer, or a constant."""

    def run(self, x, even):
        a, b = self.a(x), self.b(x)
        constant = torch.ones_like(x) if self.batch % 3 else x
        return torch.relu(b if even else a) * 2 + torch.tanh(constant)


class OtherNumber(Dynamic):
    """The same call on the same tensor is the first or the second of its name."""

    def run(self, x, even):
        x = self.a(x)
        return x + torch.relu(x) if even else F.relu(x) + torch.relu(x)


class OtherValues(Dynamic):
    """Numbers, axes and keywords of a call change, but no shape."""

    def run(self, x, even):
        x = self.a(x).clamp(min=0) if even else self.a(x).clamp(min=1)
        x = x.unsqueeze(1).expand(-1, 6, -1)
        x = x.permute(0, 2, 1) if even else x.permute(0, 1, 2)
        return torch.softmax(torch.relu(x), dim=self.batch % 3).sum(1)


class OtherType(Dynamic):
    """An activation gets whole numbers, which are no activations."""

    def run(self, x, even):
        x = self.a(x).to(torch.int64 if even else torch.float64)
        return self.b(torch.relu(x).to(torch.float32))


class OtherWeights(Dynamic):
    """The weight of a call changes, or is computed from the data."""

    def run(self, x, even):
        x = torch.relu(F.linear(x, self.b.weight if even else self.a.weight))
        if even:
            with torch.no_grad():
                self.b.bias.copy_(x[0])
        return torch.tanh(F.layer_norm(x, (6,), None, self.b.bias))


class PickedRows(Dynamic):
    """What is picked depends on values: all samples, or so many others."""

    def run(self, x, even):
        x = self.a(x)
        rows = x[x[:, 0] > 0] if even else x[x[:, 0] > -1e9]
        return torch.relu(rows).sum(0, keepdim=True) + x


class Loop(Dynamic):
    """As many calls as the batch says."""

    def run(self, x, even):
        for _ in range(len(x) % 4 + 1 + even):
            x = torch.tanh(self.a(x))
        return x


class Leaves(Dynamic):
    """Goes through numpy in every second batch; then a constant may hold data."""

    def run(self, x, even):
        x = torch.relu(self.a(x))
        constant = torch.ones_like(x)
        if even:
            constant = torch.from_numpy(x.numpy().copy())
        return self.b(torch.tanh(constant)) + x


class InPlace(Dynamic):
    """Overwrites its activations, and adds those of the batch before."""

    kept = None

    def run(self, x, even):
        x = self.a(x).relu_()
        before, self.kept = self.kept, x.clone()
        if before is not None and before.shape == x.shape:
            x = x.add_(before)
        return x.mul_(2) if even else x


class Catches(Dynamic):
    """Goes on after a call that raised."""

    def run(self, x, even):
        try:
            x = self.a(x[:, :2] if even else x)
        except RuntimeError:
            x = torch.relu(x)
        return self.a(torch.relu(x))


class Activated(nn.Linear):
    """A layer of torch's own kind in which now the first, now the second call is the layer's."""

    def __init__(self):
        super().__init__(6, 6)
        self.batch = 0

    def forward(self, x):
        self.batch += 1
        if self.batch % 2:
            torch.relu(x)
        return super().forward(x)


DYNAMIC = [*Dynamic.__subclasses__(), lambda: nn.Sequential(Activated())]
SIZES = (4, 4, 4, 5, 4, 3, 3, 4, 4)


def observed(model, batches):
    torch.manual_seed(1)
    with Capture(model) as capture:
        outputs = [capture.run((batch.clone(),), {}, len(batch)) for batch in batches]
        return capture.sites(), capture.modules(), capture.coverage(), capture.failure, outputs


def assert_repeats_change_nothing(monkeypatch, build, batches):
    torch.manual_seed(0)
    *found, outputs = observed(build(), batches)
    monkeypatch.setattr(repeats, "agrees", lambda *_: False)
    torch.manual_seed(0)
    *expected, plain_outputs = observed(build(), batches)
    assert found == expected
    for output, plain in zip(outputs, plain_outputs, strict=True):
        assert (output is None and plain is None) or torch.equal(output, plain)


@pytest.mark.parametrize("build", DYNAMIC)
def test_models_that_change_from_batch_to_batch(monkeypatch, build):
    torch.manual_seed(2)
    batches = [torch.randn(size, 6) for size in SIZES]
    assert_repeats_change_nothing(monkeypatch, build, batches)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_awkward_models_over_batches_of_several_sizes(monkeypatch, case):
    model, shape, _ = case
    torch.manual_seed(2)
    batches = [torch.randn(size, *shape) for size in SIZES]
    assert_repeats_change_nothing(monkeypatch, lambda: model, batches)


def test_sequences_of_changing_length(monkeypatch):
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    torch.manual_seed(2)
    batches = [torch.randn(2, length, 8) for length in (3, 3, 5, 4, 3, 3, 7, 5, 5, 3, 6, 2, 1, 3)]
    assert_repeats_change_nothing(monkeypatch, lambda: layer, batches)


def test_images_of_changing_size(monkeypatch):
    layers = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.AdaptiveMaxPool2d(1)
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(4, 3)).eval()
    torch.manual_seed(2)
    batches = [torch.randn(2, 1, size, size) for size in (6, 6, 8, 6, 6, 7, 7, 7, 6)]
    assert_repeats_change_nothing(monkeypatch, lambda: model, batches)


def count_layers(monkeypatch):
    """A list that grows by every layer that is looked at as if it were new."""
    seen = []
    handler = mode._HANDLERS[Kind.LAYER]

    def layer(observer, operation, call):
        seen.append(operation.name)
        return handler(observer, operation, call)

    monkeypatch.setitem(mode._HANDLERS, Kind.LAYER, layer)
    return seen


def test_calls_of_later_batches_are_not_looked_at_again(monkeypatch):
    seen = count_layers(monkeypatch)
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3))
    observed(model, [torch.randn(4, 6) for _ in range(10)])
    assert seen == ["linear"] * 3
    seen.clear()
    observed(model, [torch.randn(size, 6) for size in (4, 4, 4, 3)])
    assert seen == ["linear"] * 6


def test_a_call_that_always_differs_is_remembered_no_more(monkeypatch):
    remembered = []
    anew = Repeats._anew

    def counted(self, operation, call, values):
        remembered.append(operation.name)
        return anew(self, operation, call, values)

    monkeypatch.setattr(Repeats, "_anew", counted)
    observed(nn.Sequential(nn.Linear(6, 5)), [torch.randn(size, 6) for size in range(1, 30)])
    assert len(remembered) == 8


def test_inputs_that_are_reshaped_to_one_shape(monkeypatch):
    model = nn.Sequential(nn.Flatten(), nn.Unflatten(1, (2, 6)), nn.Linear(6, 3))
    torch.manual_seed(2)
    shapes = [(6, 2), (6, 2), (2, 6), (2, 6), (12,), (6, 2)]
    batches = [torch.randn(4, *shape) for shape in shapes]
    assert_repeats_change_nothing(monkeypatch, lambda: model, batches)


def test_the_same_shapes_of_other_numbers_of_samples(monkeypatch):
    torch.manual_seed(2)
    model, batch = nn.Sequential(nn.Linear(6, 5), nn.ReLU()), torch.randn(4, 6)

    def sites():
        with Capture(model) as capture:
            for samples in (4, 4, 3, 3, 2, 4):
                capture.run((batch,), {}, samples)
            return capture.sites()

    found = sites()
    monkeypatch.setattr(repeats, "agrees", lambda *_: False)
    assert found == sites()


class Attentive(nn.Module):
    """Fused attention and one of torch's own, at times with a mask or with its weights."""

    def __init__(self, *, masked):
        super().__init__()
        self.masked, self.batch = masked, 0
        self.project, self.whole = nn.Linear(8, 24), nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        self.batch += 1
        odd = self.masked and self.batch % 3 == 0
        mask = torch.full((6, 6), -torch.inf).triu(1) if odd else None
        heads = self.project(x).unflatten(2, (3, 2, 4)).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(*heads, attn_mask=mask).transpose(1, 2).flatten(2)
        return self.whole(y, y, y, attn_mask=mask, need_weights=odd)[0]


@pytest.mark.parametrize("masked", [False, True])
def test_attention_that_is_not_looked_into_is_done_again(monkeypatch, masked):
    """Of the first 64 samples it is looked into."""
    torch.manual_seed(3)
    model, batches = Attentive(masked=masked), [torch.randn(20, 6, 8) for _ in range(12)]
    kinds = []
    again = Repeats._again

    def counted(self, found, operation, *given):
        kinds.append(operation.kind)
        return again(self, found, operation, *given)

    monkeypatch.setattr(Repeats, "_again", counted)
    assert_repeats_change_nothing(monkeypatch, lambda: copy.deepcopy(model), batches)
    assert kinds.count(Kind.ATTENTION) == kinds.count(Kind.MULTI_HEAD) > 1
