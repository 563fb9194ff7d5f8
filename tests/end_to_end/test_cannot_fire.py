"""Which dead units of real models cannot fire at all, against interval arithmetic in numpy."""

import numpy as np
import pytest
import torch

from tests.end_to_end.samples import MANIFEST, scanned

MODELS = ("constant_output", "raw_table", "dead_relu")


def layers(name):
    """For each ReLU of a plain MLP: input of the layer before, its weights and its output."""
    model = torch.load(MANIFEST[name]["file"], weights_only=False)
    with np.load(MANIFEST[name]["data"]) as data:
        x = data["x"].astype(np.float64)
    found = {}
    for place, layer in enumerate(model):
        if isinstance(layer, torch.nn.Linear):
            w, b = (item.detach().numpy().astype(np.float64) for item in (layer.weight, layer.bias))
            found[str(place + 1)] = (x, w, b, x @ w.T + b)
            x = np.maximum(x @ w.T + b, 0)
    return found


def deaths(name):
    return [one for one in scanned(name).findings if one.code == "ACT101"]


@pytest.mark.parametrize("name", MODELS)
def test_bounds_and_margins_of_the_dead_units(name):
    assert deaths(name)
    for finding in deaths(name):
        before, w, b, pre = layers(name)[finding.site]
        low, high = before.min(axis=0), before.max(axis=0)
        bounds = np.maximum(w, 0) @ high + np.minimum(w, 0) @ low + b
        dead = np.flatnonzero((pre <= 0).all(axis=0))
        shown, spread = list(finding.units), pre.std(axis=0)
        assert shown == dead[:20].tolist()
        assert finding.measured["units_that_cannot_fire"] == (bounds[dead] <= 0).sum()
        for key, right in (
            ("bounds", bounds),
            ("bound_margins_std", -bounds / spread),
            ("margins_std", -pre.max(axis=0) / spread),
        ):
            assert finding.measured[key] == pytest.approx(right[shown].tolist(), rel=1e-4, abs=1e-4)


def test_never_fired_is_told_from_cannot_fire():
    first, second = sorted(deaths("constant_output"), key=lambda one: one.site)
    assert first.measured["units_that_cannot_fire"] == 0
    assert "cannot fire" not in first.message
    assert second.measured["units_that_cannot_fire"] == second.measured["units"] == 32
    assert "They cannot fire whatever the input within the range seen" in second.message
