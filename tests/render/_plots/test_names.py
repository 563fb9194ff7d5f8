from __future__ import annotations

import pytest

from actdiag.render._plots.names import short


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("conv1", "conv1"),
        ("encoder.layers.10.feed_forward.activation", "e.l.10.f.activation"),
        ("layers.0.attention/scaled_dot_product_attention", "l.0.attention/scaled_…"),
        ("a.b.c.d.e.f.g.h.i.j.k.linear", "….e.f.g.h.i.j.k.linear"),
        ("x" * 30, "x" * 21 + "…"),
        ("[b]\x1b[31m", "[b]\ufffd[31m"),
    ],
)
def test_a_short_name_still_tells_which_layer(name, told):
    assert short(name, 22) == told
    assert len(short(name, 22)) <= 22


def test_names_of_blocks_stay_apart():
    names = {short(f"model.decoder.layers.{i}.self_attn.q_proj", 20) for i in range(12)}

    assert len(names) == 12
