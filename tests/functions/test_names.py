"""The names in the catalogue against torch: each exists, and each activation of torch is named."""

import re
import warnings

import pytest
import torch
from torch.overrides import (
    TorchFunctionMode,
    get_ignored_functions,
    get_testing_overrides,
    resolve_name,
)
from torch.utils._python_dispatch import TorchDispatchMode

from actdiag import functions
from tests.functions.cases import build, every_row, has_module, resolve, torch_modules

OBJECTS = {resolve(name): row for row in functions.ALL for name in row.callables}
LIKE_AN_ACTIVATION = re.compile(
    r"relu|elu_?$|gelu|silu|mish|sigmoid|tanh|softm|softplus|softsign|shrink|hard|threshold|glu|expit"
)
NO_ACTIVATION = {
    "MultiheadAttention": "attention, which holds a softmax",
    "atanh": "the inverse of tanh",
    "arctanh": "the inverse of tanh",
    "gumbel_softmax": "draws a random sample",
    "_get_softmax_dim": "chooses an axis",
    "rnn_tanh": "a whole recurrent layer",
    "rnn_relu": "a whole recurrent layer",
    "rnn_tanh_cell": "a whole recurrent cell",
    "rnn_relu_cell": "a whole recurrent cell",
    "quantized_rnn_relu_cell": "a whole recurrent cell",
    "quantized_rnn_tanh_cell": "a whole recurrent cell",
    "cudnn_convolution_relu": "fused with a convolution",
    "cudnn_convolution_add_relu": "fused with a convolution",
    "miopen_convolution_relu": "fused with a convolution",
    "miopen_convolution_add_relu": "fused with a convolution",
    "_add_relu": "fused with an addition",
    "_foreach_sigmoid": "for lists of tensors, as optimisers use",
    "_foreach_tanh": "for lists of tensors, as optimisers use",
    "_sym_tanh": "for symbolic sizes",
    "_masked_softmax": "inside fused attention",
    "_nested_tensor_softmax_with_shape": "inside fused attention",
}
BACKWARD = re.compile(r"_backward(_data)?$")
SCRIPTED_AS = {"gelu_tanh": "gelu", "relu6": "hardtanh"}  # told apart by their arguments
DECOMPOSED = {"softsign", "tanhshrink", "softmin", "softmax2d", "softmax", "log_softmax"}


@every_row(lambda row: bool(row.callables))
def test_every_callable_exists(row):
    assert all(callable(resolve(name)) for name in row.callables)


@every_row(lambda row: bool(row.callables))
def test_the_name_that_torch_gives_a_callable_leads_back_to_the_row(row):
    for name in row.callables:
        official = resolve_name(resolve(name))
        if official is None:  # torch has no name for these: they are known by identity alone
            assert name.startswith(("torch._C._nn.", "torch._"))
        else:
            assert functions.by_callable(official) is row, official


def test_no_object_stands_for_two_rows():
    claims = {(id(resolve(name)), row.name) for row in functions.ALL for name in row.callables}
    assert len(claims) == len(OBJECTS)


@every_row(lambda row: bool(torch_modules(row)))
def test_every_module_exists_under_its_own_qualified_name(row):
    for name in torch_modules(row):
        cls = resolve(name)
        assert issubclass(cls, torch.nn.Module)
        assert f"{cls.__module__}.{cls.__qualname__}" == name


@pytest.mark.parametrize("name", torch.nn.modules.activation.__all__)
def test_every_activation_module_of_torch_has_a_row(name):
    row = functions.by_module(f"torch.nn.modules.activation.{name}")
    assert (row is None) == (name in NO_ACTIVATION)


@pytest.mark.parametrize(
    "owner",
    [torch, torch.Tensor, torch.nn.functional, torch.special, torch._C._nn],
    ids=["torch", "Tensor", "functional", "special", "C-nn"],
)
def test_every_function_that_looks_like_an_activation_has_a_row(owner):
    missing = [
        name
        for name in dir(owner)
        if LIKE_AN_ACTIVATION.search(name)
        and not BACKWARD.search(name)
        and name.rstrip("_") not in NO_ACTIVATION
        and getattr(owner, name) not in OBJECTS
    ]
    assert missing == []


def test_every_overridable_function_that_looks_like_an_activation_has_a_row():
    with warnings.catch_warnings(action="ignore"):  # it touches deprecated functions
        overridable = [*get_testing_overrides(), *get_ignored_functions()]
    names = {resolve_name(function) for function in overridable} - {None}
    candidates = {name for name in names if LIKE_AN_ACTIVATION.search(name.rpartition(".")[2])}
    unknown = {
        name
        for name in candidates
        if functions.by_callable(name) is None
        and name.rpartition(".")[2].rstrip("_") not in NO_ACTIVATION
    }
    assert len(candidates) > 50
    assert unknown == set()


class Seen(TorchFunctionMode):
    """Keeps the rows of what a function mode is handed."""

    def __init__(self):
        super().__init__()
        self.rows = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func in OBJECTS:
            self.rows.append(functions.variant(OBJECTS[func], kwargs or {}))
        return func(*args, **(kwargs or {}))


@every_row(lambda row: has_module(row) and row.name not in ("identity", "softmax2d"))
def test_a_function_mode_recognises_what_the_module_calls(row):
    with Seen() as seen:
        build(row)(torch.ones(2, 4, dtype=torch.float64))
    assert [known.name for known in seen.rows] == [row.name]


CALLS = [(row, name) for row in functions.ALL for name in row.callables]
ARGUMENTS = {
    "threshold": (0.0, 0.0),
    "prelu": (torch.tensor([0.25]),),
    "softmax": (-1,),
    "log_softmax": (-1,),
    "softmin": (-1,),
    "torch._softmax": (-1, False),
    "torch._log_softmax": (-1, False),
    "torch._C._nn.rrelu_with_noise": (torch.ones(2, 4),),
    "torch._C._nn.rrelu_with_noise_": (torch.ones(2, 4),),
}


@pytest.mark.parametrize(("row", "name"), CALLS, ids=[name for _, name in CALLS])
def test_a_function_mode_recognises_every_callable(row, name):
    arguments = ARGUMENTS.get(name, ARGUMENTS.get(row.name, ()))
    with Seen() as seen:
        resolve(name)(torch.ones(2, 4), *arguments)
    assert [known.name for known in seen.rows] == [row.name]


@every_row(lambda row: bool(row.operators))
def test_every_operator_exists(row):
    known = {schema.name for schema in torch._C._jit_get_all_schemas()}
    assert set(row.operators) <= known


class Dispatched(TorchDispatchMode):
    """Keeps the rows of the operators below autograd, with their arguments by name."""

    def __init__(self):
        super().__init__()
        self.rows = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        row = functions.by_operator(func.name())
        if row is not None:
            names = [argument.name for argument in func._schema.arguments]
            named = dict(zip(names, args, strict=False)) | (kwargs or {})
            self.rows.append(functions.variant(row, named))
        return func(*args, **(kwargs or {}))


@every_row(lambda row: has_module(row) and row.name not in DECOMPOSED | {"identity"})
def test_a_dispatch_mode_recognises_the_operator_below(row):
    settings = {"alpha": 2.0} if row.name in ("elu", "celu") else {}
    module = build(row, settings).train()
    if row.name == "threshold":
        module.value = 1.0  # with both 0 it is a ReLU
    with torch.no_grad(), Dispatched() as seen:
        module(torch.ones(2, 4, dtype=torch.float64))
    assert [known.name for known in seen.rows] == [row.name]


@every_row(lambda row: has_module(row) and row.name not in DECOMPOSED | {"identity"})
def test_scripted_code_names_the_operator(row):
    graph = str(torch.jit.script(build(row)).inlined_graph)
    rows = [functions.by_operator(name) for name in re.findall(r"aten::\w+", graph)]
    expected = SCRIPTED_AS.get(row.name, row.name)
    assert {known.name for known in rows if known is not None} == {expected}


def test_variants(row_of):
    def meant(name, **arguments):
        return functions.variant(row_of(name), arguments).name

    assert meant("gelu", approximate="tanh") == "gelu_tanh"
    assert meant("gelu", approximate="none") == "gelu"
    assert meant("hardtanh", min_val=0, max_val=6.0) == "relu6"
    assert meant("hardtanh", min_val=-1.0, max_val=1.0) == "hardtanh"
    assert meant("threshold", threshold=0, value=0) == "relu"
    assert meant("threshold", threshold=0.5, value=0) == "threshold"
    assert meant("elu", alpha=1.0, scale=1.0507009873554805) == "selu"
    assert meant("elu", alpha=2.0, input_scale=0.5) == "celu"
    assert meant("elu") == "elu"
    assert meant("relu", inplace=True) == "relu"


HUGGING_FACE = [
    (row, name) for row in functions.ALL for name in row.modules if name.startswith("transformers.")
]


@pytest.mark.parametrize(("row", "name"), HUGGING_FACE, ids=[name for _, name in HUGGING_FACE])
def test_modules_of_transformers_compute_the_function(row, name):
    activations = pytest.importorskip("transformers.activations")
    cls = getattr(activations, name.rpartition(".")[2], None)
    if cls is None:
        pytest.skip("of another version of transformers")
    x = torch.linspace(-6, 6, 241, dtype=torch.float64)
    torch.testing.assert_close(cls()(x), row.value(x, torch), rtol=1e-6, atol=1e-8)
