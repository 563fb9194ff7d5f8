"""TorchScript and exported programs show the sites and the numbers of the model they came from."""

from functools import cache

import pytest
import torch
from torch import nn

from actdiag.capture import Capture
from actdiag.records import to_json
from tests.capture import graphs
from tests.capture.test_guard import surroundings


@cache
def eager(name):
    build, shape = graphs.MODELS[name]
    torch.manual_seed(1)
    model, x = build().eval(), torch.randn(4, *shape)
    return model, x, graphs.captured(model, x)


def told(site):
    """Everything but where in which file, and the layout that attention works in."""
    told = {**to_json(site), "source": None}
    if site.role == "attention":
        told.update(shape=sorted(site.shape))
    return told


def assert_close(found, expected, where):
    """The same values, floats to what float32 sums in another order give."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), where
        for key, value in expected.items():
            assert_close(found[key], value, f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for place, value in enumerate(expected):
            assert_close(found[place], value, f"{where}[{place}]")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-6), where
    else:
        assert found == expected, where


def described(modules):
    """What is known of each module; an exported program does not tell the class of one not called.

    The layer's projection is not called either: attention uses its weights.
    """
    known = {m.name: (m.class_name, m.calls, m.leaf, m.parameters) for m in modules}
    return {name: about if about[1] else about[1:] for name, about in known.items()}


@pytest.mark.parametrize("form", graphs.FORMS)
@pytest.mark.parametrize("name", graphs.MODELS)
def test_a_graph_has_the_sites_and_numbers_of_its_model(name, form):
    model, x, (sites, coverage, modules) = eager(name)
    found, found_coverage, found_modules = graphs.captured(graphs.FORMS[form](model, x), x)
    assert [site.name for site in found] == [site.name for site in sites]
    for site, expected in zip(found, sites, strict=True):
        assert_close(told(site), told(expected), site.name)
    assert found_coverage == coverage
    assert described(found_modules) == described(modules)


def state_of(model):
    """All that a scan could change: tensors, flags, hooks, and what hangs on each module."""
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return (
        {name: (id(tensor), tensor.clone()) for name, tensor in tensors.items()},
        [getattr(module, "training", None) for module in model.modules()],
        [sorted(module.__dict__) for module in model.modules()],
        [len(module._forward_pre_hooks) for module in model.modules()],
    )


def assert_unchanged(model, before):
    after = state_of(model)
    assert before[0].keys() == after[0].keys()
    for name, (identity, value) in before[0].items():
        assert after[0][name][0] == identity
        assert torch.equal(after[0][name][1], value)
    assert before[1:] == after[1:]


@pytest.mark.parametrize("form", graphs.FORMS)
def test_the_graph_comes_back_bit_for_bit(form):
    model, x, _ = eager("convolutions")
    graph = graphs.FORMS[form](model, x)
    code = getattr(graph, "code", None)
    optimised = torch._C._get_graph_executor_optimize()
    before, around, answer = state_of(graph), surroundings(), graph(x.clone())
    graphs.captured(graph, x)
    assert_unchanged(graph, before)
    assert surroundings() == around
    assert torch._C._get_graph_executor_optimize() == optimised
    assert getattr(graph, "code", None) == code
    assert torch.equal(graph(x.clone()), answer)


class Attends(nn.Module):
    """Attention that answers for itself."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        return x + self.attention(x, x, x)[0]


@pytest.mark.parametrize(
    "model",
    [
        graphs.Encoder(),
        nn.TransformerEncoderLayer(8, 2, 12, batch_first=True, norm_first=True),
        Attends(),
    ],
)
@pytest.mark.parametrize("kept", [lambda graph: graph, graphs.loaded])
def test_a_layer_traced_as_one_operator_is_taken_apart(model, kept):
    model, x = model.eval(), torch.randn(4, 5, 8)
    with torch.no_grad():
        graph = kept(graphs.traced(model, x))
    assert any(word in str(graph.inlined_graph) for word in ("_layer_fwd", "_native_multi_head"))
    sites, _, _ = graphs.captured(model, x)
    found, coverage, _ = graphs.captured(graph, x)
    assert [site.name for site in found] == [site.name for site in sites]
    for site, expected in zip(found, sites, strict=True):
        assert_close(told(site), told(expected), site.name)
    assert all("dropout" in name for name in coverage.modules_not_called)


class Remembering(nn.Module):
    """Keeps tensors and numbers in attributes that are no buffers."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 3)
        self.last = torch.zeros(3)
        self.added = torch.ones(3)
        self.calls = 0
        self.widths = [1]
        self.seen: torch.Tensor
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, x):
        x = self.layer(x) + self.last
        self.last = x.mean(0)
        self.added += 1.0
        self.seen = self.seen + 1
        self.calls += 1
        self.widths.append(3)
        return torch.relu(x)


@pytest.mark.parametrize(
    "form", [graphs.scripted, lambda m, x: graphs.loaded(graphs.scripted(m, x))]
)
def test_attributes_that_the_code_changes_come_back(form):
    model = form(Remembering(), None)
    held = model.last, model.added, model.seen
    sites, coverage, _ = graphs.captured(model, torch.ones(4, 6))
    assert [site.name for site in sites] == ["input", "layer", "relu"]
    assert coverage.failure is None
    assert all(
        now is then for now, then in zip((model.last, model.added, model.seen), held, strict=True)
    )
    assert [tensor.tolist() for tensor in held] == [[0, 0, 0], [1, 1, 1], [0]]
    assert (model.calls, model.widths) == (0, [1])


class Breaks(nn.Module):
    """Its second layer does not fit the first."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 5)
        self.second = nn.Linear(4, 3)

    def forward(self, x):
        return self.second(torch.relu(self.first(x)))


def test_a_scripted_forward_that_raises_keeps_what_was_seen_and_names_the_place():
    model = torch.jit.script(Breaks())
    before = state_of(model)
    sites, coverage, _ = graphs.captured(model, torch.ones(4, 6), batches=1)
    assert [site.name for site in sites] == ["input", "first", "relu"]
    assert sites[2].stats.dead_units is not None
    assert coverage.failure is not None
    assert coverage.failure.module == "second"
    assert coverage.failure.exception == "RuntimeError"
    assert coverage.failure.message.startswith("mat1 and mat2 shapes cannot be multiplied")
    assert_unchanged(model, before)


def test_an_exported_forward_that_raises_names_the_place():
    class Looks(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(6, 5)
            self.table = nn.Embedding(3, 2)

        def forward(self, x, index):
            return torch.relu(self.first(x)), self.table(index)

    index = torch.tensor([0, 1])
    program = torch.export.export(Looks(), (torch.ones(4, 6), index)).module()
    with Capture(program) as capture:
        capture.run((torch.ones(4, 6), index + 7), {}, 4)
        sites, failure = capture.sites(), capture.coverage().failure
    assert [site.name for site in sites] == ["input", "input#2", "first", "relu"]
    assert failure is not None
    assert (failure.module, failure.exception) == ("table", "IndexError")
    assert "While executing" not in failure.message


def test_graphs_inside_an_ordinary_model_are_seen_too():
    class Outer(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.before = nn.Linear(6, 6)
            self.inner = inner

        def forward(self, x):
            return torch.sigmoid(self.inner(torch.tanh(self.before(x))))

    model, x, _ = eager("functions")
    expected, coverage, _ = graphs.captured(Outer(model).eval(), x)
    for form in ("traced", "scripted", "exported"):
        outer = Outer(graphs.FORMS[form](model, x))
        found, found_coverage, _ = graphs.captured(outer, x)
        assert [site.name for site in found] == [site.name for site in expected]
        assert found_coverage == coverage


def test_control_flow_loops_and_keyword_arguments_are_followed():
    class Branching(nn.Module):
        def __init__(self):
            super().__init__()
            self.step = nn.Linear(6, 6)

        def forward(self, x, steps: int = 2, flat: bool = False):
            for _ in range(steps):
                x = torch.tanh(self.step(x)) if x.sum() != 0 else self.halved(x)
            return x.flatten() if flat else x

        def halved(self, x):
            return x / 2

    def run(model):
        with Capture(model) as capture:
            capture.run((torch.ones(4, 6),), {"steps": 3}, 4)
            return [(site.name, site.inputs, site.call) for site in capture.sites()]

    model = Branching()
    names = ["input", "step", "tanh", "step#2", "tanh#2", "step#3", "tanh#3"]
    assert [name for name, _, _ in run(model)] == names
    assert run(torch.jit.script(model)) == run(model)


def test_a_missing_argument_is_the_models_failure():
    with Capture(torch.jit.script(Breaks())) as capture:
        capture.run((), {"y": torch.ones(1)}, 1)
        failure = capture.coverage().failure
    assert failure is not None
    assert failure.exception == "TypeError"
    assert failure.message == "forward(x) does not take an argument 'y'"


def test_a_shared_module_goes_by_its_first_name():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.mix = nn.Linear(6, 6)
            self.net = nn.Sequential(nn.Linear(6, 6), nn.Tanh(), self.mix)

        def forward(self, x):
            return self.mix(self.net(x) - 1)

    model, x = Shared().eval(), torch.ones(4, 6)
    expected, coverage, modules = graphs.captured(model, x)
    assert [site.name for site in expected] == ["input", "net.0", "net.1", "mix", "mix#2"]
    for form in graphs.FORMS.keys() - {"exported, saved"}:  # which saves the weights twice
        found, found_coverage, found_modules = graphs.captured(graphs.FORMS[form](model, x), x)
        assert [site.name for site in found] == [site.name for site in expected]
        assert found_coverage == coverage
        assert described(found_modules) == described(modules)
