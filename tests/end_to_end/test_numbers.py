"""The numbers of the sites of real models against numpy in float64, collected independently.

The independent way: a plain forward hook on each module keeps its whole output over all the data
in one array, from which numpy computes everything again.
"""

import math

import numpy as np
import pytest
import torch

from actdiag import scan
from actdiag.load import load_model
from tests.end_to_end.samples import MANIFEST, scanned

NAMES = ("digits_cnn", "dead_relu", "saturated_tanh")
SATURATED = {"tanh": 2.1783, "sigmoid": 4.3567}
# |x| beyond which the slope is under 5 % of its maximum: 1 − tanh² = 0.05; σ(1 − σ) = 0.05 / 4


def outputs_of(entry):
    """Inputs and outputs of every module called once, by name, as float64 arrays over all data."""
    module = load_model(entry["file"], factory=entry["model"]).module
    module.eval()
    found = {}

    def keep(name):
        def hook(_module, args, output):
            found.setdefault(name, []).append((args[0].clone().numpy(), output.clone().numpy()))

        return hook

    for name, child in module.named_children():
        if isinstance(child, torch.nn.ReLU):
            child.inplace = False
        child.register_forward_hook(keep(name))
    with np.load(entry["data"]) as data, torch.no_grad():
        for rows in np.array_split(data["x"], 3):
            module(torch.from_numpy(rows))
    return {
        name: tuple(np.concatenate(side).astype(np.float64) for side in zip(*pairs, strict=True))
        for name, pairs in found.items()
    }


def per_unit(values, axis):
    return np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)


CASES = [
    (name, site.name)
    for name in NAMES
    for site in scanned(name).scan.sites
    if site.role in ("linear", "conv", "activation")
]


def test_there_are_ten_sites():
    assert len(CASES) >= 10


@pytest.fixture(scope="module")
def arrays():
    return {name: outputs_of(MANIFEST[name]) for name in NAMES}


@pytest.mark.parametrize(("model", "name"), CASES)
def test_a_sites_numbers_are_numpys(arrays, model, name):
    site = scanned(model).scan.site(name)
    given, values = arrays[model][name]
    stats, units = site.stats, per_unit(values, site.unit_axis or 1)
    approx = pytest.approx
    assert stats.elements == values.size
    assert stats.observations == units.shape[1]
    assert stats.mean == approx(values.mean(), rel=1e-9, abs=1e-12)
    assert stats.std == approx(values.std(), rel=1e-9, abs=1e-12)
    assert stats.rms == approx(math.sqrt((values**2).mean()), rel=1e-9)
    assert (stats.min, stats.max) == (values.min(), values.max())
    assert stats.zero_fraction == approx((values == 0).mean(), abs=1e-15)
    assert stats.nonfinite == 0
    constant = (units.std(1) <= 1e-6 * np.abs(units.mean(1))) & (units != 0).any(1)
    assert stats.constant_units == constant.sum()
    if site.per_unit is not None:
        assert site.per_unit.mean == approx(units.mean(1), rel=1e-9, abs=1e-12)
        assert site.per_unit.std == approx(units.std(1), rel=1e-7, abs=1e-9)
        assert site.per_unit.zeros == tuple((units == 0).sum(1))
    if site.function == "relu":
        assert stats.dead_units == (units.max(1) <= 0).sum()
        assert stats.always_on_units == (units.min(1) > 0).sum()
        assert stats.mean_slope == approx((given > 0).mean(), abs=1e-9)
    if site.function in SATURATED:
        beyond = np.abs(given) > SATURATED[site.function]
        assert stats.saturated_fraction == approx(beyond.mean(), abs=2e-4)
        assert stats.saturated_units == (per_unit(beyond, 1).mean(1) >= 0.9).sum()
    for level, value in stats.quantiles.items():
        exact = np.quantile(values, float(level))
        assert value == approx(exact, rel=0.02, abs=0.02 * values.std() + 1e-12), level


def test_classifier_numbers_are_numpys():
    entry = MANIFEST["overconfident"]
    output = scanned("overconfident").scan.output
    module = load_model(entry["file"], factory=entry["model"]).module.eval()
    with np.load(entry["data"]) as data, torch.no_grad():
        logits = module(torch.from_numpy(data["x"])).double().numpy()
        labels = data["y"]
    shifted = np.exp(logits - logits.max(1, keepdims=True))
    probabilities = shifted / shifted.sum(1, keepdims=True)
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    bins = np.minimum(np.ceil(confidence * 15) - 1, 14).astype(int)
    ece = sum(
        (bins == b).mean() * abs(right[bins == b].mean() - confidence[bins == b].mean())
        for b in set(bins)
    )
    approx = pytest.approx
    assert output.kind == "logits"
    assert output.accuracy == approx(right.mean())
    assert output.mean_confidence == approx(confidence.mean(), rel=1e-6)
    assert output.confident_wrong == approx((~right & (confidence >= 0.9)).mean())
    assert output.ece == approx(ece, rel=1e-5)
    assert output.nll == approx(
        -np.log(probabilities[np.arange(len(labels)), labels]).mean(), rel=1e-6
    )
    assert [mistake.label for mistake in output.worst] == [
        labels[mistake.sample] for mistake in output.worst
    ]


def test_the_same_scan_gives_the_same_json_but_for_timings():
    entry = MANIFEST["dead_relu"]
    documents = []
    for _ in range(2):
        document = scan(entry["file"], entry["data"]).to_json()
        assert document.pop("timings")["total_s"] > 0
        documents.append(document)
    assert documents[0] == documents[1]
