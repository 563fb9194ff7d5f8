from __future__ import annotations

from dataclasses import replace

import pytest

from actdiag.records import AttentionStats, Role
from actdiag.render._plots import attention
from actdiag.render._plots.canvas import PAPER
from tests.render import build
from tests.render.test_html import luminance


def site(name, module, entropy):
    known = build.site(name, "softmax", Role.ATTENTION, None)
    logits = tuple(1.0 for _ in entropy)
    return replace(
        known, module=module, attention=AttentionStats(len(entropy), entropy, logits, 8, 0)
    )


def test_rows_are_named_by_their_module_and_call():
    names = [
        attention._name(
            site(
                f"layers.{at}.attn/scaled_dot_product_attention{call}", f"layers.{at}.attn", (0.5,)
            )
        )
        for at, call in ((0, ""), (1, "#2"))
    ]

    assert names == ["layers.0.attn", "layers.1.attn#2"]


@pytest.mark.parametrize("entropy", [index / 40 for index in range(41)])
def test_numbers_can_be_read_on_every_shade(entropy):
    report = build.Report(scan=build.scan((site("attn", "attn", (entropy,)),)))
    axis = attention.draw(report, PAPER).figure.axes[0]
    mesh, (text,) = axis.collections[0], axis.texts
    shade = mesh.cmap(mesh.norm(entropy))
    under = luminance("#" + "".join(f"{round(255 * part):02x}" for part in shade[:3]))
    low, high = sorted((under, luminance(text.get_color())))

    assert (high + 0.05) / (low + 0.05) > 4.4
