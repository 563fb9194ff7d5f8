"""Gates of recurrent layers: torch's own answers are built again from them."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import rnn

from actdiag.capture import Capture, recurrent, unrolled
from actdiag.capture.recorder import Recorder
from actdiag.capture.unrolled import Unrolled, steps_measured
from actdiag.records import Role
from actdiag.stats import gates
from actdiag.stats.stretches import stretches

STEPS, SAMPLES, WIDTH, HIDDEN = 9, 3, 5, 6


def sites_of(model, *inputs, samples=SAMPLES):
    with Capture(model.eval()) as capture:
        output = capture.run(inputs, {}, samples)
        assert capture.failure is None, capture.failure
        return {site.name: site for site in capture.sites()}, output


def gates_of(model, *inputs, samples=SAMPLES):
    sites, _ = sites_of(model, *inputs, samples=samples)
    return {name: site for name, site in sites.items() if site.role is Role.GATE}


def drawn(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def called(model, x, state=None):
    """The arguments that the module hands to torch's function, and what it answers."""
    seen = []

    class Watching(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            result = func(*args, **(kwargs or {}))
            if func.__name__ in gates.OF:
                seen.append((func, args, result))
            return result

    with torch.no_grad(), Watching():
        model.eval()(x, state)
    return seen[0]


def rebuilt(kind, part, start, projection):
    """The hidden states of one layer and direction, step by step from its gates."""
    found = {
        gate.name: gate.function.value(gate.before, torch) for gate in gates.OF[kind](*part[1:])
    }
    if kind.startswith("rnn"):
        return next(iter(found.values()))
    if kind == "gru":
        return (1 - found["update_gate"]) * found["new"] + found["update_gate"] * part.hidden
    cell, states = start, []
    backwards = part.suffix.endswith("_reverse")
    steps = range(part.x.shape[1])
    for step in reversed(steps) if backwards else steps:
        cell = found["forget_gate"][:, step] * cell + (
            found["input_gate"][:, step] * found["cell"][:, step]
        )
        state = found["output_gate"][:, step] * torch.tanh(cell)
        states.append(state if projection is None else state @ projection.T)
    return torch.stack(states[::-1] if backwards else states, dim=1)


LAYERS = {
    "lstm": lambda **given: nn.LSTM(WIDTH, HIDDEN, **given),
    "gru": lambda **given: nn.GRU(WIDTH, HIDDEN, **given),
    "rnn_tanh": lambda **given: nn.RNN(WIDTH, HIDDEN, **given),
    "rnn_relu": lambda **given: nn.RNN(WIDTH, HIDDEN, nonlinearity="relu", **given),
}
SETTINGS = [
    {"num_layers": layers, "bidirectional": both, "batch_first": first, "bias": bias}
    for layers, both, first, bias in itertools.product(
        (1, 3), (False, True), (False, True), (True,)
    )
] + [{"num_layers": 2, "bidirectional": True, "bias": False}]
CASES = [(kind, given) for kind in LAYERS for given in SETTINGS] + [
    ("lstm", {"num_layers": 2, "bidirectional": True, "proj_size": 4})
]


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize(("kind", "given_"), CASES)
def test_the_layers_answer_is_built_again_from_its_gates(kind, given_):
    torch.manual_seed(0)
    model = LAYERS[kind](**given_)
    first = given_.get("batch_first", False)
    x = drawn(SAMPLES, STEPS, WIDTH) if first else drawn(STEPS, SAMPLES, WIDTH)
    directions = 2 if given_["bidirectional"] else 1
    states = directions * given_["num_layers"]
    hidden, cells = drawn(states, SAMPLES, given_.get("proj_size") or HIDDEN), None
    if kind == "lstm":
        cells = drawn(states, SAMPLES, HIDDEN)
    function, args, own = called(model, x, hidden if cells is None else (hidden, cells))
    call = Unrolled(function, args)
    with torch.no_grad():
        result = call.run()
    for mine, torchs in zip(result, own, strict=True):
        assert torch.equal(mine, torchs)
    for place, part in enumerate(call.parts()):
        output = call.outputs[place // directions].chunk(directions, dim=-1)[place % directions]
        each = len(call.weights[0]) // directions
        projection = None
        if "proj_size" in given_:
            projection = call.weights[place // directions][(place % directions + 1) * each - 1]
        start = None if cells is None else cells[place]
        built = rebuilt(kind, part, start, projection)
        expected = output if first else output.transpose(0, 1)
        assert torch.allclose(built, expected, atol=1e-5)
    assert place + 1 == states


@pytest.fixture(autouse=True)
def every_step(request, monkeypatch):
    """Cells can only be built up again from all their steps."""
    if "built_again" in request.node.name:
        monkeypatch.setattr(unrolled, "FEWEST", STEPS)


@pytest.mark.parametrize("sorted_", [True, False])
@pytest.mark.parametrize("kind", LAYERS)
def test_packed_sequences_have_the_gates_of_each_sequence_alone(kind, sorted_):
    torch.manual_seed(0)
    model = LAYERS[kind](num_layers=2, bidirectional=True)
    lengths = [9, 7, 1] if sorted_ else [1, 9, 7]
    sequences = [drawn(length, WIDTH) for length in lengths]
    packed = rnn.pack_sequence(sequences, enforce_sorted=sorted_)
    together = gates_of(model, packed)
    alone = [gates_of(model, sequence.unsqueeze(1), samples=1) for sequence in sequences]
    for name, site in together.items():
        counts = [one[name].stats.elements for one in alone]
        means = [one[name].stats.mean for one in alone]
        assert site.stats.elements == sum(counts)
        assert site.stats.mean == pytest.approx(np.average(means, weights=counts), abs=1e-6)
        assert site.per_unit.input_min == pytest.approx(
            np.min([one[name].per_unit.input_min for one in alone], axis=0), abs=1e-5
        )


class Packing(nn.Module):
    """Packs what its recurrent layer is given, as sequences of one length."""

    def __init__(self, kind) -> None:
        super().__init__()
        self.layer = LAYERS[kind](batch_first=True)

    def forward(self, x):
        packed = rnn.pack_padded_sequence(x, [x.shape[1]] * len(x), batch_first=True)
        return rnn.pad_packed_sequence(self.layer(packed)[0], batch_first=True)[0]


@pytest.mark.parametrize("kind", LAYERS)
def test_packed_layers_are_called_as_others_are(kind):
    x = drawn(SAMPLES, STEPS, WIDTH)
    model = Packing(kind)
    plain, _ = sites_of(model.layer, x)
    packed, _ = sites_of(model, x)
    _, whole, *gates_within = plain  # of the root, whose sites go by their functions
    wanted = ["layer", *(f"layer{name.removeprefix(whole)}" for name in gates_within)]
    assert [name for name in packed if name.startswith("layer")] == wanted


def test_names_roles_and_functions():
    model = nn.Sequential(nn.LSTM(WIDTH, HIDDEN, num_layers=2, bidirectional=True))
    found = gates_of(model, drawn(STEPS, SAMPLES, WIDTH))
    kinds = ("input_gate", "forget_gate", "cell", "output_gate")
    assert list(found) == [
        f"0/{kind}.l{layer}{way}"
        for layer, way in itertools.product((0, 1), ("", "_reverse"))
        for kind in kinds
    ]
    assert [site.function for site in found.values()][:4] == [
        "sigmoid",
        "sigmoid",
        "tanh",
        "sigmoid",
    ]
    cell = found["0/cell.l1_reverse"]
    assert (cell.module, cell.module_class, cell.units, cell.inputs) == (
        "0",
        "LSTM",
        HIDDEN,
        ("0",),
    )


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (nn.GRU(WIDTH, HIDDEN), ["reset_gate.l0", "update_gate.l0", "new.l0"]),
        (nn.RNN(WIDTH, HIDDEN), ["tanh.l0"]),
        (nn.RNN(WIDTH, HIDDEN, nonlinearity="relu"), ["relu.l0"]),
    ],
)
def test_names_of_the_other_layers(model, names):
    found = gates_of(nn.Sequential(model), drawn(STEPS, SAMPLES, WIDTH))
    assert list(found) == [f"0/{name}" for name in names]


def test_unbatched_sequences_and_functions_of_torch():
    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = nn.GRU(WIDTH, HIDDEN)

        def forward(self, x):
            weights, start = self.cell._flat_weights, torch.zeros(1, SAMPLES, HIDDEN)
            return torch.gru(x, start, weights, True, 1, 0.0, False, False, False)[0]

    x = drawn(STEPS, SAMPLES, WIDTH)
    found = gates_of(Functional(), x)
    assert list(found) == ["gru/reset_gate.l0", "gru/update_gate.l0", "gru/new.l0"]
    one = gates_of(nn.GRU(WIDTH, HIDDEN), x[:, 0], samples=1)
    assert [site.stats.observations for site in one.values()] == [2] * 3


def test_the_gates_are_of_a_spread_of_steps_of_every_sample():
    assert steps_measured(1) == [0]
    assert steps_measured(20) == [5, 15]
    assert steps_measured(100) == [16, 50, 83]
    assert len(steps_measured(10_000)) == 16
    found = gates_of(nn.LSTM(WIDTH, HIDDEN), drawn(100, SAMPLES, WIDTH))
    assert {site.stats.observations for site in found.values()} == {3 * SAMPLES}


def gates_by_batches(model, x, *sizes, first=0):
    """The gates, where batches of these sizes run one after the other."""
    with Capture(model.eval(), recorder=Recorder(first)) as capture:
        for part in x.split(sizes):
            capture.run((part,), {}, len(part))
            assert capture.failure is None, capture.failure
        return [site for site in capture.sites() if site.role is Role.GATE]


def assert_alike(whole, parts):
    assert [site.name for site in whole] == [site.name for site in parts]
    for one, other in zip(whole, parts, strict=True):
        assert one.stats.observations == other.stats.observations
        assert one.per_unit.count == other.per_unit.count
        assert one.per_unit.saturated_high == other.per_unit.saturated_high
        assert one.per_unit.mean == pytest.approx(other.per_unit.mean, rel=1e-4)
        assert one.stats.quantiles == pytest.approx(other.stats.quantiles, rel=0.05)


@pytest.mark.parametrize("samples", [12, 200])
def test_any_batches_give_the_same(samples):
    torch.manual_seed(0)
    model = nn.LSTM(WIDTH, HIDDEN, num_layers=2, batch_first=True)
    x = drawn(samples, 40, WIDTH)
    cut = [7] * (samples // 7) + [samples % 7]
    assert_alike(gates_by_batches(model, x, samples), gates_by_batches(model, x, *cut))


def test_of_later_samples_few_are_looked_at_and_each_counts_once():
    model, x = nn.GRU(WIDTH, HIDDEN, batch_first=True), drawn(400, 40, WIDTH)
    looked_at = {
        place
        for start, stop, weight in stretches(0, 400, recurrent.LOOKS)
        for place in range(start, stop)
        if weight
    }
    found = gates_by_batches(model, x, 150, 250)
    assert {site.stats.observations for site in found} == {2 * len(looked_at)}
    assert looked_at > set(range(64))
    assert max(looked_at) > 150
    chosen = x[sorted(looked_at)]
    early, late = (gates_by_batches(model, part, len(part)) for part in (chosen[:64], chosen[64:]))
    counts = 64, len(chosen) - 64
    for site, *halves in zip(found, early, late, strict=True):
        expected = np.average([half.per_unit.mean for half in halves], axis=0, weights=counts)
        assert site.per_unit.mean == pytest.approx(expected, rel=1e-4)


def test_a_part_of_the_data_looks_at_the_samples_that_the_whole_does():
    model, x = nn.RNN(WIDTH, HIDDEN, batch_first=True), drawn(300, 20, WIDTH)
    [whole] = gates_by_batches(model, x, 300)
    [early] = gates_by_batches(model, x[:130], 130)
    [late] = gates_by_batches(model, x[130:], 90, 80, first=130)
    counts = [site.stats.observations for site in (early, late)]
    assert whole.stats.observations == sum(counts)
    means = [site.per_unit.mean for site in (early, late)]
    expected = np.average(means, axis=0, weights=counts)
    assert whole.per_unit.mean == pytest.approx(expected, rel=1e-4)


class Chunked(nn.Module):
    """Runs several pieces of each sample beside each other."""

    def __init__(self):
        super().__init__()
        self.cell = nn.RNN(WIDTH, HIDDEN, batch_first=True)

    def forward(self, x):
        return self.cell(x.reshape(-1, 10, WIDTH))[0].reshape(len(x), -1)


def test_several_sequences_of_a_sample_are_looked_at_with_it():
    x = drawn(200, 30, WIDTH)
    [whole], [parts] = (gates_by_batches(Chunked(), x, *sizes) for sizes in ([200], [50, 150]))
    [alone] = gates_by_batches(nn.RNN(WIDTH, HIDDEN, batch_first=True), x, 200)
    assert whole.per_unit.count == parts.per_unit.count
    assert whole.stats.observations == 3 * alone.stats.observations


class Stepping(nn.Module):
    """A cell called once per step."""

    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def forward(self, x):
        state, outputs = None, []
        for step in x.unbind(1):
            state = self.cell(step, state)
            outputs.append(state[0] if isinstance(state, tuple) else state)
        return torch.stack(outputs, dim=1)


CELLS = {
    nn.LSTMCell: nn.LSTM,
    nn.GRUCell: nn.GRU,
    nn.RNNCell: nn.RNN,
}


@pytest.mark.parametrize("kind", CELLS)
def test_a_cells_gates_are_those_of_the_layer_with_its_weights(kind, monkeypatch):
    torch.manual_seed(0)
    cell, layer_ = kind(WIDTH, HIDDEN), CELLS[kind](WIDTH, HIDDEN, batch_first=True)
    layer_.load_state_dict({f"{name}_l0": value for name, value in cell.state_dict().items()})
    monkeypatch.setattr(unrolled, "steps_measured", lambda _length: [0, 1, 3, 7, 15, 31])
    x = drawn(SAMPLES, 40, WIDTH)
    by_cell = gates_of(Stepping(cell), x)
    by_layer = gates_of(nn.Sequential(layer_), x)
    assert [f"0{name.removeprefix('cell')}.l0" for name in by_cell] == list(by_layer)
    for one, other in zip(by_cell.values(), by_layer.values(), strict=True):
        assert one.per_unit.count == other.per_unit.count == (6 * SAMPLES,) * HIDDEN
        assert one.per_unit.mean == pytest.approx(other.per_unit.mean, abs=1e-6)
        assert one.per_unit.input_max == pytest.approx(other.per_unit.input_max, abs=1e-5)


def test_a_gate_is_at_an_end_below_a_hundredth_and_above_ninety_nine():
    model = nn.LSTM(1, 4, bias=True)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        ends = torch.tensor([-4.6, -4.5, 4.5, 4.6])
        model.bias_ih_l0[:4] = ends
    found = gates_of(model, drawn(STEPS, SAMPLES, 1))
    gate = found["RNN/input_gate.l0" if "RNN/input_gate.l0" in found else "lstm/input_gate.l0"]
    count = gate.stats.observations
    assert gate.per_unit.saturated_low == (count, 0, 0, 0)
    assert gate.per_unit.saturated_high == (0, 0, 0, count)
    assert gate.per_unit.mean == pytest.approx(torch.sigmoid(ends).tolist(), abs=1e-6)


def test_the_answer_is_the_models_own_and_dropout_between_layers_is_respected():
    torch.manual_seed(0)
    model, x = nn.GRU(WIDTH, HIDDEN, num_layers=2, dropout=0.5).eval(), drawn(STEPS, SAMPLES, WIDTH)
    with torch.no_grad():
        expected = model(x)[0]
    assert torch.equal(sites_of(model, x)[1], expected)
    function, args, _ = called(model, x)
    training = (*args[:6], True, *args[7:])
    call = Unrolled(function, training)
    torch.manual_seed(3)
    dropped = call.run()[0]
    torch.manual_seed(3)
    assert torch.equal(dropped, function(*training)[0])
    assert list(call.parts()) == []
