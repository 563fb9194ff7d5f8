"""Each awkward model with its exact sites, in order: name, role, function, units, inputs."""

from pathlib import Path

import pytest
import torch
from torch import nn

from actdiag.capture import Capture
from tests.capture import awkward

VECTORS, SEQUENCES = (6,), (3, 8)


def sites_of(model, shape, batches=2):
    torch.manual_seed(0)
    with Capture(model) as capture:
        for _ in range(batches):
            capture.run((torch.randn(4, *shape),), {}, 4)
        return capture.sites(), capture.coverage()


def told(sites):
    return [(s.name, s.role.value, s.function, s.units, s.inputs) for s in sites]


torch.manual_seed(0)  # what is recognised by its values needs some on either side of zero
INPUT = ("input", "input", "input")

CASES = {
    "functions": (
        awkward.Functional(),
        VECTORS,
        [
            (*INPUT, 6, ()),
            ("first", "linear", "linear", 5, ("input",)),
            ("relu", "activation", "relu", 5, ("first",)),
            ("second", "linear", "linear", 4, ("relu",)),
            ("tanh", "activation", "tanh", 4, ("second",)),
            ("head", "linear", "linear", 3, ("tanh",)),
            ("log_softmax", "activation", "log_softmax", 3, ("head",)),
        ],
    ),
    "reused module": (
        awkward.Reused(),
        VECTORS,
        [
            (*INPUT, 6, ()),
            ("wide", "linear", "linear", 8, ("input",)),
            ("relu", "activation", "relu", 8, ("wide",)),
            ("narrow", "linear", "linear", 3, ("relu",)),
            ("relu#2", "activation", "relu", 3, ("narrow",)),
        ],
    ),
    "unregistered in-place": (
        awkward.Unregistered(),
        VECTORS,
        [
            (*INPUT, 6, ()),
            ("layer", "linear", "linear", 5, ("input",)),
            ("relu", "activation", "relu", 5, ("layer",)),
        ],
    ),
    "gated": (
        awkward.Gated(),
        VECTORS,
        [
            (*INPUT, 6, ()),
            ("gate", "linear", "linear", 8, ("input",)),
            ("silu", "gate", "silu", 8, ("gate",)),
            ("up", "linear", "linear", 8, ("input",)),
            ("mul", "gated-product", "mul", 8, ("silu", "up")),
            ("down", "linear", "linear", 6, ("mul",)),
            ("silu#2", "activation", "silu", 6, ("down",)),
        ],
    ),
    "attention": (
        awkward.Attention(),
        SEQUENCES,
        [
            (*INPUT, 8, ()),
            ("q", "linear", "linear", 8, ("input",)),
            ("k", "linear", "linear", 8, ("input",)),
            ("v", "linear", "linear", 8, ("input",)),
            (
                "scaled_dot_product_attention",
                "attention",
                "scaled_dot_product_attention",
                4,
                ("q", "k", "v"),
            ),
            ("o", "linear", "linear", 8, ("scaled_dot_product_attention",)),
            ("output", "output", "output", 8, ("input", "o")),
        ],
    ),
    "weights by hand": (
        awkward.ByHand(),
        VECTORS,
        [
            (*INPUT, 6, ()),
            ("matmul", "linear", "matmul", 4, ("input",)),
            ("relu", "activation", "relu", 4, ("matmul",)),
        ],
    ),
    "recurrent": (
        awkward.Recurrent(),
        (3, 5),
        [
            (*INPUT, 5, ()),
            ("lstm", "recurrent", "lstm", 7, ("input",)),
            ("lstm/input_gate.l0", "gate", "sigmoid", 7, ("lstm",)),
            ("lstm/forget_gate.l0", "gate", "sigmoid", 7, ("lstm",)),
            ("lstm/cell.l0", "gate", "tanh", 7, ("lstm",)),
            ("lstm/output_gate.l0", "gate", "sigmoid", 7, ("lstm",)),
            ("head", "linear", "linear", 2, ("lstm",)),
        ],
    ),
    "forward called directly": (
        awkward.Direct(),
        VECTORS,
        [
            (*INPUT, 6, ()),
            ("layer", "linear", "linear", 3, ("input",)),
            ("relu", "activation", "relu", 3, ("layer",)),
        ],
    ),
    "convolutions": (
        nn.Sequential(
            nn.Conv2d(1, 8, 3),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Dropout(),
            nn.Flatten(),
            nn.Linear(72, 5),
        ),
        (1, 8, 8),
        [
            (*INPUT, 1, ()),
            ("0", "conv", "conv2d", 8, ("input",)),
            ("1", "norm", "batch_norm", 8, ("0",)),
            ("2", "activation", "relu", 8, ("1",)),
            ("3", "block", "MaxPool2d", 8, ("2",)),
            ("6", "linear", "linear", 5, ("3",)),
        ],
    ),
    "fused encoder layer": (
        nn.TransformerEncoderLayer(8, 2, 12, activation="gelu", batch_first=True),
        SEQUENCES,
        [
            (*INPUT, 8, ()),
            ("self_attn", "attention", "multi_head_attention_forward", 8, ("input",)),
            ("norm1", "norm", "layer_norm", 8, ("input", "self_attn")),
            ("linear1", "linear", "linear", 12, ("norm1",)),
            ("gelu", "activation", "gelu", 12, ("linear1",)),
            ("linear2", "linear", "linear", 8, ("gelu",)),
            ("norm2", "norm", "layer_norm", 8, ("norm1", "linear2")),
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_awkward_models_have_exactly_these_sites(case):
    model, shape, expected = CASES[case]
    sites, coverage = sites_of(model, shape)
    assert told(sites) == expected
    assert coverage.failure is None


def test_an_in_place_activation_does_not_change_what_was_measured_before_it():
    inplace, plain = (
        nn.Sequential(nn.Linear(6, 5), nn.ReLU(inplace=flag)) for flag in (True, False)
    )
    plain.load_state_dict(inplace.state_dict())
    assert [s.stats for s in sites_of(inplace, (6,))[0]] == [
        s.stats for s in sites_of(plain, (6,))[0]
    ]


def test_only_the_answer_is_final():
    sites, _ = sites_of(awkward.Functional(), (6,))
    assert [site.name for site in sites if site.is_final] == ["log_softmax"]


def test_the_source_is_the_users_line():
    sites, _ = sites_of(awkward.Functional(), (6,))
    relu = next(site for site in sites if site.name == "relu")
    assert relu.source is not None
    file, line = relu.source.split(":")
    assert file == "tests/capture/awkward.py"
    text = Path(file).read_text().splitlines()[int(line) - 1]
    assert "F.relu(self.first(x))" in text


def test_modules_never_called_are_told_and_used_weights_are_not():
    _, coverage = sites_of(awkward.Recurrent(), (3, 5))
    assert coverage.modules_not_called == ("forgotten",)
    encoder = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True)
    assert sites_of(encoder, (3, 8))[1].modules_not_called == ()
    assert sites_of(awkward.Direct(), (6,))[1].modules_not_called == ()


def test_functions_in_no_catalogue_are_told():
    sites, coverage = sites_of(awkward.Strange(), (6,))
    assert coverage.functions_not_captured == ("sin",)
    assert told(sites)[-1] == ("sin", "block", "sin", 3, ("layer",))


def test_a_forward_that_raises_keeps_what_was_seen_and_names_the_place():
    sites, coverage = sites_of(awkward.Raises(), (6,), batches=1)
    assert [site.name for site in sites] == ["input", "first", "relu"]
    assert coverage.failure is not None
    assert coverage.failure.module == "second"
    assert coverage.failure.exception == "RuntimeError"
    assert coverage.failure.source is not None
    assert coverage.failure.source.startswith("tests/capture/awkward.py:")
