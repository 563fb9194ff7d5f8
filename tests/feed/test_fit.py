"""Types and layouts: converted, mended when asked, refused when the first layer can't take them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from actdiag.errors import DataError
from actdiag.feed import open_data
from actdiag.feed.first_layer import first_layer

RNG = np.random.default_rng(0)


def chain(*layers):
    return nn.Sequential(*layers)


class Reshapes(nn.Module):
    """Its first layer is a convolution, but its forward reshapes rows itself."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)

    def forward(self, x):
        return self.conv(x.view(-1, 1, 8, 8))


@pytest.mark.parametrize("module", [nn.Linear(3, 1).half(), nn.Linear(3, 1).double(), None])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64, np.uint8, bool])
def test_numbers_get_the_type_of_the_model(module, dtype):
    (batch,) = open_data(np.ones((5, 3), dtype), module=module)
    assert batch.inputs[0].dtype == (next(module.parameters()).dtype if module else torch.float32)


def test_a_conversion_of_the_type_is_noted():
    assert open_data(np.ones((5, 3))).notes == (
        "the data is float64 and was fed as float32, the type of the model",
    )


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, np.int16])
def test_ids_stay_integers_for_an_embedding(dtype):
    module = chain(nn.Embedding(10, 4), nn.Linear(4, 2))
    (batch,) = open_data(np.ones((5, 7), dtype), module=module)
    assert batch.inputs[0].dtype in {torch.int32, torch.int64}
    module(batch.inputs[0])


class OneHot(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 2)

    def forward(self, x):
        return self.layer(nn.functional.one_hot(x, 5).float())


class Tabular(nn.Module):
    def __init__(self):
        super().__init__()
        self.numbers, self.kinds = nn.Linear(3, 4), nn.Embedding(5, 4)

    def forward(self, numbers, kinds):
        return self.numbers(numbers) + self.kinds(kinds)


def test_ids_beside_numbers_stay_integers():
    module = Tabular()
    (batch,) = open_data((np.ones((5, 3)), np.ones(5, int)), module=module)
    module(*batch.inputs)


def test_integers_from_a_loader_are_left_to_a_forward_that_may_want_them():
    loader = DataLoader(TensorDataset(torch.ones(4, 64, dtype=torch.int64)))
    assert next(iter(open_data(loader, module=OneHot()))).inputs[0].dtype == torch.int64
    assert next(iter(open_data(loader, module=Reshapes()))).inputs[0].dtype == torch.float32
    fed = next(iter(open_data(loader, module=chain(nn.Linear(64, 2)))))
    assert fed.inputs[0].dtype == torch.float32


def test_eight_bit_images_are_named_and_scaled_when_asked():
    images = RNG.integers(0, 256, (4, 3, 8, 8), np.uint8)
    module = chain(nn.Conv2d(3, 2, 3))
    feed = open_data(images, module=module)
    assert "if the training divided it by 255, use --fix-input" in feed.notes[0]
    assert torch.equal(next(iter(feed)).inputs[0], torch.from_numpy(images).float())
    fixed = open_data(images, module=module, fix_input=True)
    assert torch.equal(next(iter(fixed)).inputs[0], torch.from_numpy(images).float() / 255)


LAYOUTS = {
    "channels last": ((5, 8, 6, 3), nn.Conv2d(3, 2, 3), (3, 8, 6), "channels seem to be last"),
    "no channel axis": ((5, 8, 6), nn.Conv2d(1, 2, 3), (1, 8, 6), "the channel axis is missing"),
    "flattened": ((5, 64), nn.Conv2d(1, 2, 3), (1, 8, 8), "images seem to be flattened to 64"),
    "flat colour": ((5, 192), nn.Conv2d(3, 2, 3), (3, 8, 8), "images seem to be flattened"),
    "signal": ((5, 40), nn.Conv1d(1, 2, 3), (1, 40), "the channel axis is missing"),
    "long signal": ((5, 40, 2), nn.Conv1d(2, 2, 3), (2, 40), "channels seem to be last"),
    "images to a linear layer": (
        (5, 8, 6),
        nn.Linear(48, 2),
        (48,),
        "samples are .8, 6., not flat",
    ),
    "numbers": ((5,), nn.Linear(1, 2), (1,), "a feature axis is missing"),
    "series": ((5, 9), nn.LSTM(1, 2, batch_first=True), (9, 1), "a feature axis is missing"),
    "batch norm": ((5, 8, 6, 3), nn.BatchNorm2d(3), (3, 8, 6), "channels seem to be last"),
}


@pytest.mark.parametrize(("shape", "layer", "fixed", "problem"), LAYOUTS.values(), ids=LAYOUTS)
def test_a_layout_is_named_and_mended_when_asked(shape, layer, fixed, problem):
    data = RNG.normal(size=shape).astype(np.float32)
    with pytest.raises(DataError) as caught:
        open_data(data, module=chain(layer))
    assert f"takes {'' if layer.__class__ is not nn.LSTM else '(time, '}" in caught.value.message
    assert "--fix-input" in caught.value.hint
    assert problem.split(".")[0].lower() in caught.value.hint.lower()
    feed = open_data(data, module=chain(layer), fix_input=True)
    (batch,) = feed
    assert feed.sample_shape == fixed
    assert "as --fix-input asks" in feed.notes[0]
    layer.eval()(batch.inputs[0])


def test_moved_channels_are_the_same_pixels():
    data = RNG.normal(size=(5, 8, 6, 3)).astype(np.float32)
    (batch,) = open_data(data, module=chain(nn.Conv2d(3, 2, 3)), fix_input=True)
    assert np.array_equal(batch.inputs[0].numpy(), data.transpose(0, 3, 1, 2))


def test_a_forward_that_may_reshape_is_left_alone_and_advised():
    feed = open_data(np.zeros((5, 64), np.float32), module=Reshapes())
    assert feed.sample_shape == (64,)
    assert feed.notes == ()
    assert feed.advice == (
        "the images seem to be flattened to 64 values: --fix-input makes them 1 × 8 × 8 again",
    )


@pytest.mark.parametrize(
    ("shape", "layers", "numbers"),
    [
        ((5, 30), [nn.Linear(64, 2)], ("30 features", "takes 64")),
        ((5, 3, 8, 8), [nn.Flatten(), nn.Linear(100, 2)], ("192 features", "takes 100")),
        ((5, 30), [nn.Dropout(), nn.ReLU(), nn.Linear(64, 2)], ("30 features", "takes 64")),
        ((5, 3, 8, 8), [nn.Conv2d(4, 2, 3)], ("3 channels", "takes 4")),
        ((5, 3, 8), [nn.Conv2d(3, 2, 3)], (r"\(3, 8\)", "3 channels and 2 further axes")),
        ((5, 9, 4), [nn.GRU(3, 2, batch_first=True)], (r"\(9, 4\)", r"\(time, 3\)")),
        ((5, 9), [nn.BatchNorm1d(8)], ("9 channels", "takes 8")),
        ((5, 9), [nn.LayerNorm(8)], (r"\(9,\)", "last axis of 8")),
        ((5, 9), [nn.Embedding(8, 2)], ("float32", "integer ids below 8")),
    ],
)
def test_a_width_that_cannot_fit_is_said_with_both_numbers(shape, layers, numbers):
    with pytest.raises(DataError, match=f"{numbers[0]}.*{numbers[1]}") as caught:
        open_data(np.full(shape, 0.5, np.float32), module=chain(*layers))
    assert caught.value.hint


def test_an_unknown_layer_before_makes_the_width_uncertain():
    class Own(nn.Module):
        def forward(self, x):
            return x[:, :3]

    open_data(np.zeros((5, 30), np.float32), module=chain(Own(), nn.Linear(3, 2)))


def test_ids_outside_the_embedding_are_found_anywhere_in_the_data():
    ids = np.zeros((600, 4), int)
    ids[599, 3] = 12
    module = chain(nn.Embedding(12, 2))
    with pytest.raises(DataError, match=r"holds the id 12, but .* has 12 ids, 0 to 11"):
        open_data(ids, module=module)
    ids[599, 3] = -1
    with pytest.raises(DataError, match="holds the id -1"):
        open_data(ids, module=module)


def test_ids_stored_as_floats_become_integers_when_asked():
    ids = np.array([[1.0, 2.0]])
    with pytest.raises(DataError) as caught:
        open_data(ids, module=chain(nn.Embedding(5, 2)))
    assert "--fix-input makes them integers" in caught.value.hint
    (batch,) = open_data(ids, module=chain(nn.Embedding(5, 2)), fix_input=True)
    assert batch.inputs[0].tolist() == [[1, 2]]
    assert batch.inputs[0].dtype == torch.int64


def test_samples_before_time_are_noted_and_swapped_when_asked():
    data = RNG.normal(size=(5, 9, 3)).astype(np.float32)
    feed = open_data(data, module=nn.LSTM(3, 2))
    assert "takes time before samples" in feed.notes[0]
    assert next(iter(feed)).inputs[0].shape == (5, 9, 3)
    (batch,) = open_data(data, module=nn.LSTM(3, 2), fix_input=True)
    assert batch.inputs[0].shape == (9, 5, 3)
    assert batch.samples == 5


@pytest.mark.parametrize(
    ("module", "kind", "expects", "certain"),
    [
        (nn.Linear(3, 2), "linear", 3, True),
        (chain(chain(nn.Identity()), chain(nn.Linear(3, 2))), "linear", 3, True),
        (chain(nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 2, 3)), "linear", 64, True),
        (chain(nn.Unflatten(1, (-1, 8)), nn.Conv2d(1, 2, 3)), "conv", 1, False),
        (nn.DataParallel(chain(nn.Linear(3, 2))), "linear", 3, True),
        (Reshapes(), "conv", 1, False),
        (nn.TransformerEncoderLayer(8, 2), "attention", 8, False),
        (torch.jit.trace(chain(nn.Linear(3, 2)), torch.ones(1, 3)), "linear", 3, False),
    ],
)
def test_the_first_layer_is_found(module, kind, expects, certain):
    layer = first_layer(module)
    assert layer is not None
    assert (layer.kind, layer.expects, layer.certain) == (kind, expects, certain)


def test_a_module_without_layers_and_a_lazy_one_have_no_first_layer():
    assert first_layer(nn.ReLU()) is None
    assert first_layer(nn.LazyLinear(3)) is None
    assert first_layer(None) is None


class Own(nn.Module):
    """A class of the user's own: what it does before its first layer isn't known."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 2)

    def forward(self, x):
        return self.first(x)


def test_a_column_too_many_is_advice_where_the_forward_is_the_users_own():
    feed = open_data(torch.rand(9, 7), module=Own())
    (advice,) = feed.advice
    assert "(Linear 'first') takes 6. It is one column too many" in advice
    assert not open_data(torch.rand(9, 6), module=Own()).advice


def test_a_row_is_told_that_it_was_taken_for_samples():
    """A linear layer takes it as one sample, and everything would look well."""
    feed = open_data(torch.rand(6), module=Own())
    assert "one row of 6 numbers was taken as 6 samples" in feed.notes[0]
    with pytest.raises(DataError, match="takes 6") as caught:
        open_data(torch.rand(6), module=nn.Linear(6, 2))
    assert "give it the shape (1, 6)" in caught.value.hint


def test_one_whole_number_a_sample_beside_the_input_stays_whole():
    """Lengths of sequences, time steps and classes are used as numbers of something."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(6, 2)

        def forward(self, x, lengths, more):
            return self.first(x)

    data = {
        "x": torch.ones(9, 6).long(),
        "lengths": torch.arange(9),
        "more": torch.ones(9, 3).int(),
    }
    (batch,) = open_data(data, module=Net())
    kinds = {name: value.dtype for name, value in batch.named().items()}
    assert kinds == {"x": torch.float32, "lengths": torch.int64, "more": torch.float32}


def test_an_argument_that_takes_no_position_is_given_by_name():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(6, 2)

        def forward(self, *, pixel_values, labels=None):
            return self.first(pixel_values)

    data = {"pixel_values": torch.rand(9, 6), "labels": torch.arange(9)}
    (batch,) = open_data(data, module=Net())
    assert (batch.inputs, list(batch.kwargs)) == ((), ["pixel_values"])
    assert batch.labels is not None
