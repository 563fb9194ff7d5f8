"""The layers as a tree; neighbours that are alike are drawn once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from actdiag.render._terminal.page import STRONG, Page
from actdiag.render._words import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from actdiag.records import Inspection, Layer

_MOST = 60  # lines; our choice: what a person still reads
_STEP = 2  # cells a level is moved to the right
_DEEPEST = 12  # levels that are moved to the right


@dataclass(slots=True)
class _Node:
    layer: Layer
    children: list[_Node]
    shape: tuple[object, ...] = ()


def tree(found: Inspection, page: Page) -> Iterator[RenderableType]:
    """Yield the tree, a line a layer."""
    if not found.layers:
        return
    yield page.heading("LAYERS")
    root = _grown(found.layers)
    lines = list(_lines(root, 0, page))
    for name, what, amount in lines[:_MOST]:
        yield _line(name, what, amount, page)
    if len(lines) > _MOST:
        yield page.text(f"  +{count(len(lines) - _MOST, 'more line')}, --format json has all")


def _grown(layers: tuple[Layer, ...]) -> _Node:
    nodes = {layer.name: _Node(layer, []) for layer in layers}
    for layer in layers[1:]:
        above = layer.name.rpartition(".")[0]
        while above and above not in nodes:
            above = above.rpartition(".")[0]
        nodes[above if above in nodes else layers[0].name].children.append(nodes[layer.name])
    for layer in reversed(layers):
        node = nodes[layer.name]
        tensors = tuple((t.name, t.shape, t.dtype) for t in layer.tensors)
        inside = tuple((_last(child.layer), child.shape) for child in node.children)
        kept = (layer.function, tuple(layer.functions.values()), str(layer.settings))
        node.shape = (hash((layer.class_path, tensors, kept, inside)),)
    return nodes[layers[0].name]


def _last(layer: Layer) -> str:
    return layer.name.rpartition(".")[2]


def _lines(root: _Node, depth: int, page: Page) -> Iterator[tuple[str, str, str]]:
    waiting: list[tuple[_Node, int, str, int]] = [(root, depth, _last(root.layer) or "(model)", 1)]
    while waiting:
        node, level, name, times = waiting.pop()
        indent = " " * (_STEP * min(level, _DEEPEST))
        amount = f"{node.layer.parameters:,}" if node.layer.parameters else ""
        if times > 1:
            amount = f"{times:,} × {amount}" if amount else f"{times:,} ×"
        yield indent + page.clean(name), _what(node.layer), amount
        waiting += [(child, level + 1, *_named(alike)) for child, alike in reversed(_alike(node))]


def _alike(node: _Node) -> list[tuple[_Node, list[_Node]]]:
    """The children, with those right after each that have a number for a name and look the same."""
    runs: list[list[_Node]] = []
    for child in node.children:
        last = runs[-1][0] if runs else None
        numbered = _last(child.layer).isdecimal() and last and _last(last.layer).isdecimal()
        if numbered and last is not None and last.shape == child.shape and last.children:
            runs[-1].append(child)
        else:
            runs.append([child])
    return [(run[0], run) for run in runs]


def _named(alike: list[_Node]) -> tuple[str, int]:
    first = _last(alike[0].layer)
    if len(alike) == 1:
        return first, 1
    return f"{first}–{_last(alike[-1].layer)}", len(alike)


def _what(layer: Layer) -> str:
    name = layer.class_name or ""
    weight = next((t.shape for t in layer.tensors if t.name == "weight"), None)
    settings = layer.settings
    if "in_features" in settings:
        size = f"{settings['in_features']:,} → {settings['out_features']:,}"
    elif "in_channels" in settings:
        kernel = settings.get("kernel_size")
        window = "×".join(map(str, kernel)) if isinstance(kernel, list) else str(kernel)
        size = f"{settings['in_channels']:,} → {settings['out_channels']:,}, {window}"
    elif weight:
        size = "×".join(f"{side}" for side in weight)
    elif layer.tensors:
        size = ", ".join(
            f"{t.name} {'×'.join(map(str, t.shape or ())) or 'one'}" for t in layer.tensors
        )
    else:
        size = f"{settings['p']:g}" if isinstance(settings.get("p"), float) else ""
    calls = ", ".join(dict.fromkeys(layer.functions.values()))
    shared = "shared" if layer.tensors and all(t.shared for t in layer.tensors) else ""
    return " ".join(part for part in (name, size, calls and f"({calls})", shared) if part)


def _line(name: str, what: str, amount: str, page: Page) -> RenderableType:
    """A line: the name, what it is, and the parameters at the right edge."""
    what, amount = page.clean(what), page.clean(amount)
    room = page.width - 2
    least = min(cell_len(name), room // 2)
    shown = page.crop(name.strip(), least - (len(name) - len(name.lstrip())))
    left = " " * (len(name) - len(name.lstrip())) + shown
    rest = room - cell_len(left) - cell_len(amount) - 2
    what = _cut(what, rest - 1, page)
    gap = " " * max(1, room - cell_len(left) - 1 - cell_len(what) - cell_len(amount))
    return page.text("  ", (left, STRONG), f" {what}{gap}{amount}")


def _cut(text: str, cells: int, page: Page) -> str:
    if cell_len(text) <= cells:
        return text
    gap = page.clean("…")
    while text and cell_len(text) > cells - cell_len(gap):
        text = text[:-1]
    return (text + gap)[: max(cells, 0)]
