"""What was not seen is told, and nothing seen is never healthy."""

import pytest
import torch
from torch import nn

import actdiag
from actdiag.capture import Capture
from actdiag.records import ReportVerdict
from tests.capture.catalogue.case import drawn

X = drawn(120, 6)


def coverage_of(model, x=X):
    with Capture(model) as capture:
        capture.run((x,), {}, len(x))
        return capture.coverage()


class Half(nn.Module):
    """Only the first of two equal layers is used; the other gives a table."""

    def __init__(self):
        super().__init__()
        self.used, self.table = nn.Linear(6, 6), nn.Linear(6, 6)
        self.positions = nn.Parameter(torch.randn(2, 6))

    def forward(self, x):
        return torch.relu(self.used(x)), self.table(self.positions)


def test_the_share_of_parameters_is_of_those_that_met_the_data():
    seen = coverage_of(Half())
    assert seen.parameters_seen == pytest.approx(42 / (42 + 42 + 12))
    assert seen.note.startswith("The model gives 2 tensors")
    assert seen.note.endswith("Of the parameters, only 44 % took part in anything that was seen.")
    assert seen.modules_not_called == ()


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (nn.Linear(6, 3), (4, 6)),
        (nn.LSTM(6, 5, 2, bidirectional=True), (4, 3, 6)),
        (nn.MultiheadAttention(6, 2, batch_first=True), (4, 3, 6)),
        (nn.TransformerEncoderLayer(6, 2, 7, batch_first=True), (4, 3, 6)),
        (nn.Sequential(nn.Linear(6, 6), nn.PReLU(), nn.LayerNorm(6)), (4, 6)),
    ],
)
def test_everything_of_a_model_that_is_used_whole(model, shape):
    x = drawn(*shape)
    inputs = (x, x, x) if isinstance(model, nn.MultiheadAttention) else (x,)
    with Capture(model) as capture:
        capture.run(inputs, {}, 4)
        assert capture.coverage().parameters_seen == 1


def test_tied_weights_count_once():
    model = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 6, bias=False))
    model[2].weight = model[0].weight
    assert coverage_of(model).parameters_seen == 1


def test_no_parameters_and_no_forward_have_no_share():
    assert coverage_of(nn.ReLU()).parameters_seen is None


@pytest.mark.parametrize("model", [nn.Identity(), nn.Flatten(), nn.Dropout()])
def test_nothing_seen_is_not_healthy(model):
    report = actdiag.scan(model, X, steps="none", select=["ACT"])
    assert report.verdict is ReportVerdict.NOT_CHECKED
    assert not report.ok


def test_something_seen_may_be():
    report = actdiag.scan(nn.Sequential(nn.ReLU()), X, steps="none", select=["ACT"])
    assert report.verdict is ReportVerdict.HEALTHY


LEAST = torch.finfo(torch.float32).min
MASKS = {
    "a number": lambda bias, seen: torch.where(seen, bias, LEAST),
    "a tensor": lambda bias, seen: torch.where(seen, bias, torch.tensor(-1e9)),
    "many": lambda bias, seen: torch.where(~seen, torch.full_like(bias, -torch.inf), bias),
}


@pytest.mark.parametrize("mask", MASKS)
def test_a_mask_put_on_a_bias_is_no_function(mask):
    """T5 adds a learned bias to the scores, which it masks first."""

    class Biased(nn.Module):
        def __init__(self):
            super().__init__()
            self.positions, self.out = nn.Embedding(9, 5), nn.Linear(5, 2)

        def forward(self, ids, x):
            bias = MASKS[mask](self.positions(ids), torch.ones(5, 5).tril().bool())
            return self.out(torch.softmax(x + bias, -1))

    with Capture(Biased()) as capture:
        capture.run((torch.randint(9, (8, 5)), torch.randn(8, 5, 5)), {}, 8)
        assert capture.coverage().functions_not_captured == ()
        assert "where" not in [site.name for site in capture.sites()]


def test_a_module_that_lends_its_only_weight_to_another_is_used():
    """T5 keeps its embedding under three names and calls two of them."""

    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.shared, self.embed = nn.Embedding(9, 4), nn.Embedding(9, 4)
            self.embed.weight = self.shared.weight
            self.unused = nn.Linear(4, 4)

        def forward(self, ids):
            return self.embed(ids)

    assert coverage_of(Tied(), torch.randint(9, (20, 5))).modules_not_called == ("unused",)


class Detector(nn.Module):
    """A table of boxes for each image, as torchvision's detectors give it."""

    def __init__(self):
        super().__init__()
        self.boxes = nn.Linear(6, 4)

    def forward(self, x):
        return [{"boxes": self.boxes(row).view(1, 4), "scores": row.mean().view(1)} for row in x]


class Energy(nn.Module):
    """One number for the whole batch beside a row for each sample."""

    def __init__(self):
        super().__init__()
        self.forces = nn.Linear(6, 3)

    def forward(self, x):
        return x.sum().view(1), self.forces(x)


class TimeFirst(nn.Module):
    """The samples lie on the second axis."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(6, 3)

    def forward(self, x):
        return self.rnn(x.view(len(x), 1, 6).transpose(0, 1).expand(7, -1, -1))


@pytest.mark.parametrize(
    ("model", "judged"), [(Detector, None), (Energy, (120, 3)), (TimeFirst, (7, 120, 3))]
)
def test_of_several_tensors_one_with_a_row_for_each_sample_is_judged(model, judged):
    with Capture(model()) as capture:
        output = capture.run((X,), {}, len(X))
        assert (None if output is None else tuple(output.shape)) == judged
        note = capture.coverage().note
        assert ("none of which has a row for each sample" in note) is (judged is None)
