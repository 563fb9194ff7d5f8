from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

from actdiag.records import Role
from actdiag.render._plots import network
from actdiag.render._plots.canvas import MARKERS, svg
from tests.render import build


def drawn(*sites):
    report = build.Report(scan=build.scan(tuple(sites)))
    root = ET.fromstring(svg(network.draw(report, MARKERS)))
    return {text for item in root.iter() if (text := "".join(item.itertext()).strip())}


def test_numbers_of_an_axis_keep_their_digits():
    stds = (30.0, 1.0, 0.03, 0.01)
    sites = [build.site(str(at), None, Role.LINEAR, 4, std=std) for at, std in enumerate(stds)]

    told = drawn(*sites)
    assert {"0.0001", "0.01", "1", "100"} <= told
    assert "0.00" not in told


def test_what_a_normalisation_leaves_is_told_as_nothing():
    plain = build.site("0", None, Role.LINEAR, 4, mean=1.0, std=1.0)
    normal = build.site("1", "batch_norm", Role.NORM, 4, mean=1e-8, std=1.0)

    assert "mean² 0" in drawn(plain, normal)
    assert "mean² 0" not in drawn(plain, replace(plain, name="1"))


def test_ticks_near_zero_do_not_stand_on_each_other():
    def spread(name, size):
        at = {"0.01": -size, "0.25": -0.2, "0.5": 0.0, "0.75": 0.2, "0.99": size}
        return build.site(name, None, Role.LINEAR, 4, quantiles=at)

    told = drawn(spread("0", 0.3), spread("1", 0.3), spread("2", 90.0))
    assert {"0", "1", "−1", "10", "−10"} <= told
    assert not {"−0.1"} & told
