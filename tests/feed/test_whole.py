"""A forward that takes its inputs as one dictionary."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import actdiag
from actdiag.errors import DataError, UsageError
from actdiag.feed.whole import Whole, whole_of

X = torch.randn(120, 6, generator=torch.Generator().manual_seed(0))
Y = torch.arange(120) % 3


class Base(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.head = nn.Linear(6, 8), nn.Linear(8, 3)

    def answer(self, image):
        return self.head(torch.relu(self.hidden(image)))


class Reads(Base):
    def forward(self, batch):
        return self.answer(batch["image"])


class Helped(Base):
    def forward(self, batch, train=False):
        return self.answer(self.masked(batch))

    def masked(self, parts):
        return parts["image"] * parts["mask"] if "mask" in parts else parts["image"]


class Layer(nn.Module):
    def forward(self, parts):
        return parts["image"]


class Handed(Base):
    def __init__(self):
        super().__init__()
        self.first = Layer()

    def forward(self, batch):
        return self.answer(self.first(batch))


class Spread(Base):
    def forward(self, batch):
        return self.answer(**batch)


class Annotated(Base):
    def forward(self, given: dict[str, Tensor]):
        return self.answer(next(iter(given.values())))


class Trains(Base):
    def forward(self, batch):
        return self.answer(batch["image"]) + 0 * batch["label"][:, None]


class Positional(Base):
    def forward(self, x):
        return self.answer(x)


class Overwrites(Base):
    def forward(self, x):
        x = {"image": self.hidden(x)}
        return self.head(torch.relu(x["image"]))


class Either(Base):
    def forward(self, x):
        if isinstance(x, Mapping):
            x = x["image"]
        return self.answer(x)


def info(model, data, **options):
    scan = actdiag.scan(model, data, steps="none", **options).scan
    assert scan.coverage.failure is None
    return scan.data


@pytest.mark.parametrize("model", [Reads, Helped, Handed, Spread, Annotated])
def test_arrays_with_names_are_given_as_one_dictionary(model):
    found = info(model(), {"image": X, "label": Y})
    assert found.notes == ("given to the forward as one dictionary: image",)
    assert (found.labels, found.sample_shape) == (120, (6,))


def test_only_what_the_forward_reads_is_given():
    given = {"image": X, "other": X, "mask": torch.ones(120, 6), "label": Y}
    assert info(Helped(), given).notes == (
        "not used from the data: other",
        "given to the forward as one dictionary: image, mask",
    )


def test_labels_go_along_where_the_forward_looks_them_up():
    found = info(Trains(), {"image": X, "label": Y})
    assert found.notes == ("given to the forward as one dictionary: image, label",)
    assert found.labels == 120


@pytest.mark.parametrize("batches", [list, iter], ids=["list", "iterator"])
def test_batches_that_are_dictionaries(batches):
    data = [{"image": X[:60], "label": Y[:60]}, {"image": X[60:], "label": Y[60:]}]
    found = info(Reads(), batches(data))
    assert (found.samples, found.labels) == (120, 120)
    assert "given to the forward as one dictionary: image" in found.notes


def test_a_dictionary_beside_its_labels():
    assert info(Reads(), [({"image": X}, Y)]).labels == 120


def test_from_a_file(tmp_path):
    np.savez(tmp_path / "named.npz", image=X.numpy(), label=Y.numpy())
    assert info(Reads(), tmp_path / "named.npz").labels == 120


@pytest.mark.parametrize("model", [Positional, Overwrites, Either])
@pytest.mark.parametrize("names", [("x", "y"), ("data", "target")])
def test_a_forward_of_a_tensor_is_given_the_tensor(model, names):
    assert info(model(), dict(zip(names, (X, Y), strict=True))).notes == ()


def test_either_is_given_the_dictionary_where_the_names_fit():
    assert info(Either(), {"image": X, "label": Y}).notes == (
        "given to the forward as one dictionary: image",
    )


def test_names_that_the_forward_does_not_read_are_an_error():
    with pytest.raises(DataError) as caught:
        info(Reads(), {"picture": X, "y": Y})
    assert caught.value.message == (
        "the model's forward reads image from its batch, and the data holds picture"
    )
    assert caught.value.hint == "Name the arrays of the data as the forward does."


def test_what_is_read_of_the_code():
    assert whole_of(Helped()) == Whole(needs=frozenset({"image", "mask"}), may=frozenset({"mask"}))
    assert whole_of(Spread()) == Whole(every=True)
    assert whole_of(Positional()) is None
    assert whole_of(Overwrites()) is None
    assert whole_of(nn.Linear(2, 2)) is None


def test_the_model_comes_back_as_it_was():
    model = Reads()
    info(model, {"image": X, "label": Y})
    assert type(model) is Reads
    assert model({"image": X}).shape == (120, 3)


class Two(Base):
    def forward(self, batch):
        return self.answer(batch["image"] + batch["shift"])


class Pair(Base):
    def forward(self, image, shift):
        return self.answer(image + shift)


@pytest.mark.parametrize("data", [X, (X, Y), [(X[:60], Y[:60]), (X[60:], Y[60:])], X.numpy()])
def test_an_array_without_a_name_goes_under_the_one_that_is_looked_up(data):
    found = info(Reads(), data)
    assert found.notes == ("given to the forward as one dictionary: image",)
    assert found.labels == (0 if isinstance(data, Tensor | np.ndarray) else 120)


def test_its_labels_too_where_the_forward_looks_them_up():
    found = info(Trains(), (X, Y))
    assert found.notes == ("given to the forward as one dictionary: image, label",)
    assert found.labels == 120


@pytest.mark.parametrize("data", [X, (X, Y), ((X, X), Y)])
def test_of_several_names_the_error_says_which(data):
    with pytest.raises(DataError) as caught:
        info(Two(), data)
    assert caught.value.message == (
        "the model's forward reads image, shift from its batch, and the data has no names"
    )
    assert "np.savez(path, image=..., shift=...)" in caught.value.hint


def test_a_name_that_is_looked_up_and_not_there_is_told():
    scan = actdiag.scan(Two(), {"image": X, "y": Y}).scan
    assert scan.coverage.failure.exception == "KeyError"
    assert "the forward also reads shift, which the data does not hold" in scan.data.notes


def test_no_dictionary_is_made_up():
    with pytest.raises(UsageError, match="random input is made of tensors alone") as caught:
        actdiag.scan(Two())
    assert caught.value.hint == "Give data that holds arrays of these names."


@pytest.mark.parametrize(
    ("data", "told"), [((X, Y), True), (((X, Y), Y), False)], ids=["taken for inputs", "labelled"]
)
def test_labels_that_were_taken_for_an_input_are_told_where_the_forward_fails(data, told):
    failure = actdiag.scan(Pair(), data).scan.coverage.failure
    said = (
        "the 2 parts of the data were taken for image, shift: labels go beside them, as "
        "((image, shift), labels)"
    )
    assert (said in failure.advice) is told


class Decodes(Base):
    def forward(self, image, decoder_input_ids=None):
        raise ValueError("You must specify decoder_input_ids")


def test_a_decoder_that_wants_the_labels_is_told_of_its_input():
    failure = actdiag.scan(Decodes(), {"image": X, "labels": Y}).scan.coverage.failure
    [said] = failure.advice
    assert said == (
        "labels are compared with the answers, not given to the forward: give decoder_input_ids too"
    )
