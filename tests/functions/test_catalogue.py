"""Finding rows, and what each of them says."""

import re
import subprocess
import sys

import pytest

from actdiag import functions
from actdiag.errors import UsageError
from actdiag.functions.catalogue import _index
from tests.functions.cases import every_row


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("none", "identity"),
        ("linear", "identity"),
        ("ReLU", "relu"),
        ("Leaky ReLU", "leaky_relu"),
        ("leaky-relu", "leaky_relu"),
        ("LeakyReLU", "leaky_relu"),
        ("PReLU", "prelu"),
        ("ReLU²", "relu_squared"),
        ("relu2", "relu_squared"),
        ("ELU", "elu"),
        ("GELU", "gelu"),
        ("gelu-tanh", "gelu_tanh"),
        ("Swish", "silu"),
        ("SiLU", "silu"),
        ("SwiGLU", "swiglu"),
        ("GeGLU", "geglu"),
        ("GLU", "glu"),
        ("ReGLU", "reglu"),
        ("bilinear", "bilinear"),
        ("Sigmoid", "sigmoid"),
        ("Tanh", "tanh"),
        ("Softmax", "softmax"),
        ("LogSoftmax", "log_softmax"),
        ("Log Sigmoid", "logsigmoid"),
    ],
)
def test_a_function_is_found_however_it_is_written(written, name):
    assert functions.get(written).name == name
    assert functions.find(written) is functions.get(written)


def test_an_unknown_name_is_an_error_that_suggests_the_nearest():
    assert functions.find("reluu") is None
    with pytest.raises(UsageError) as caught:
        functions.get("reluu")
    assert caught.value.message == (
        "There is no activation function called 'reluu' in the catalogue."
    )
    assert caught.value.hint == "Did you mean relu?"
    with pytest.raises(UsageError) as caught:
        functions.get("swishh")
    assert caught.value.hint == "Did you mean silu?"


def test_a_name_like_no_other_is_answered_with_the_whole_list():
    with pytest.raises(UsageError) as caught:
        functions.get("\x1b[2J!!")
    assert "\x1b" not in caught.value.message
    assert caught.value.hint.startswith("Known: bilinear, celu, ")


def test_lookups():
    relu = functions.get("relu")
    assert functions.by_module("torch.nn.modules.activation.ReLU") is relu
    assert functions.by_callable("torch.nn.functional.relu") is relu
    assert functions.by_callable("torch.Tensor.relu_") is relu
    assert functions.by_operator("aten::relu") is relu
    assert functions.by_operator("aten::relu.default") is relu
    assert functions.by_module("torch.nn.modules.linear.Linear") is None
    assert functions.by_callable("torch.nn.functional.linear") is None
    assert functions.by_operator("aten::addmm") is None


def test_two_rows_cannot_claim_one_name():
    relu, elu = functions.get("relu"), functions.get("elu")
    with pytest.raises(ValueError, match=r"^x stands for both relu and elu$"):
        _index([("x", relu), ("x", elu)])


def test_names_are_unique_and_plain():
    names = [row.name for row in functions.ALL]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names)


@every_row()
@pytest.mark.parametrize("field", ["used_for", "goes_wrong", "advice", "source"])
def test_every_row_is_documented_in_a_sentence_or_two(row, field):
    text = getattr(row, field)
    assert text[0].isupper() or text.startswith(("α", "torch"))
    assert text.endswith(".")
    assert 20 <= len(text) <= 240
    assert "  " not in text


@every_row()
def test_every_row_has_a_formula_and_a_dated_source(row):
    assert row.formula
    assert re.search(r"\b(19|20)\d\d\b", row.source)
    if row.gain is not None and row.name not in ("leaky_relu", "rrelu"):
        assert "gain" in row.source


def test_the_catalogue_needs_no_torch():
    code = (
        "import sys; import actdiag.functions as f; f.get('gelu').slope(1.0, f.scalar);"
        "print(sorted({'torch', 'numpy', 'pandas', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
