"""Made-up inputs, when there is no data: clearly labelled, seeded, and shaped for the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from actdiag.errors import UsageError
from actdiag.feed.batch import Batch
from actdiag.feed.feed import Feed
from actdiag.feed.first_layer import FirstLayer, first_layer, floating_dtype
from actdiag.feed.names import listed, printable
from actdiag.feed.roles import forward_of
from actdiag.feed.select import default_batch_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Shape = tuple[int, ...]

_TIME = 16  # our choice: long enough for attention and recurrence, short enough for any context
_LENGTH = 128  # our choice, of one-dimensional signals
_SIDES = (64, 32, 28, 128, 224)  # our choice: common image sizes, tried in this order
_OTHER_SIDES = (*range(1, 65), 72, 80, 84, 96, 112, 160, 192, 256, 299, 384, 512)  # then these
_ROWS = (28, 8, 32, 64, 16, 4, 2)  # our choice: sides of images that arrive as flat rows
_SAMPLES = 256  # our choice: more than min_samples of the unit-level rules
_EXAMPLE = "Give --input-shape, such as 3,32,32, or 3,32,32;10 for two inputs."


def _check_made_up(module: nn.Module) -> None:
    forward = forward_of(module)
    whole = forward.whole if forward else None
    if forward is None or whole is None or whole.either or not whole.needs:
        return
    wanted, name = listed(sorted(whole.needs)), printable(forward.names[0])
    raise UsageError(
        f"the model's forward reads {wanted} from its {name}: "
        "random input is made of tensors alone",
        hint="Give data that holds arrays of these names.",
    )


@dataclass(frozen=True)
class _Made:
    """Batches of standard normal numbers, or of ids below ``ids``; the same at every iteration."""

    shapes: tuple[Shape, ...]
    samples: int
    seed: int
    batch_size: int
    dtype: torch.dtype
    ids: int | None
    time_first: bool

    def __iter__(self) -> Iterator[Batch]:
        generator = torch.Generator().manual_seed(self.seed)
        for start in range(0, self.samples, self.batch_size):
            size = min(self.batch_size, self.samples - start)
            inputs = tuple(self._input(place, size, generator) for place in range(len(self.shapes)))
            yield Batch(inputs, samples=size)

    def _input(self, place: int, size: int, generator: torch.Generator) -> Tensor:
        shape = (size, *self.shapes[place])
        if self.ids is not None and place == 0:
            return torch.randint(self.ids, shape, generator=generator)
        value = torch.randn(shape, generator=generator).to(self.dtype)
        return value.transpose(0, 1) if self.time_first and value.ndim > 2 else value  # noqa: PLR2004


def synthetic(
    module: nn.Module,
    *,
    input_shape: str | Shape | tuple[Shape, ...] | None = None,
    samples: int | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    probe: Callable[[Batch], object] | None = None,
) -> Feed:
    """Standard normal inputs for ``module``, or random ids in range if it begins with an embedding.

    Args:
        module: the model; it is not run here.
        input_shape: shape of one sample without the sample axis, as a tuple, several tuples, or
            text such as ``3,32,32`` or ``3,32,32;10``. Inferred from the first layer if None.
        samples: how many to make; 256 if None.
        batch_size: most samples in a batch; chosen by the shape if None.
        seed: of a generator of its own; the global one is left alone.
        probe: runs the model on a batch of two samples for each shape that could be meant; the
            first shape that it takes and answers with as many samples is taken, else the first.

    Raises:
        UsageError: the shape cannot be inferred, or ``input_shape`` cannot be read.
    """
    layer = first_layer(module)
    _check_made_up(module)
    if input_shape is None:
        candidates: list[tuple[Shape, ...]] = [(shape,) for shape in shape_candidates(module)]
        if not candidates:
            raise UsageError(_not_inferable(module, layer), hint=_EXAMPLE)
    else:
        candidates = [parse_shapes(input_shape)]

    def made(shapes: tuple[Shape, ...], count: int) -> _Made:
        size = batch_size or default_batch_size(shapes[0])
        ids = layer.expects if layer is not None and layer.kind == "embedding" else None
        time_first = layer is not None and layer.certain and layer.time_first
        return _Made(shapes, count, seed, size, floating_dtype(module), ids, time_first)

    shapes, how = candidates[0], ""
    if probe is not None and input_shape is None:
        others = _further(layer) if layer is not None else ()
        tried = (s for s in (*candidates, *others) if _passes(probe, made(s, 2)))
        found = next(tried, None)
        shapes = found or shapes
        how = (
            " and tried on the model" if found else ", but the model takes no shape that was tried"
        )
    batches = made(shapes, _SAMPLES if samples is None else max(1, samples))
    notes = () if input_shape is not None else (f"the shape was inferred from {layer}{how}",)
    return Feed(batches, source=_describe(batches), synthetic=True, notes=notes)


def _passes(probe: Callable[[Batch], object], batches: _Made) -> bool:
    batch = next(iter(batches))
    try:
        answer = probe(batch)
    except Exception:  # noqa: BLE001 - whatever a model raises on a shape it can't take
        return False
    samples = answer.shape[0] if isinstance(answer, Tensor) and answer.ndim else batch.samples
    return batches.time_first or samples == batch.samples


def _describe(made: _Made) -> str:
    shapes = " and ".join(str(shape) for shape in made.shapes)
    kind = "standard normal" if made.ids is None else f"random ids below {made.ids}"
    return f"synthetic: {kind}, shape {shapes}"


def shape_candidates(module: nn.Module) -> tuple[Shape, ...]:
    """Shapes of one sample that the first layer could take, the likeliest first; empty if unknown.

    Empty, too, when the forward requires more than one input.
    """
    layer, forward = first_layer(module), forward_of(module)
    if layer is None or layer.expects < 1 or (forward and len(forward.required) > 1):
        return ()
    width = layer.expects
    if layer.kind in {"conv", "norm"}:
        return _spatial(layer)
    if layer.kind == "embedding":
        return ((_TIME,), (8,), (64,), (128,))
    if layer.kind in {"recurrent", "attention"}:
        return ((_TIME, width),)
    return ((width,), (_TIME, width)) if not layer.flattened else ((width,),)


def _spatial(layer: FirstLayer) -> tuple[Shape, ...]:
    if layer.kind == "norm" and layer.axes == 1:
        return ((layer.expects,), (layer.expects, _LENGTH))
    if layer.axes == 1:
        return tuple((layer.expects, length) for length in (_LENGTH, 1024, 16_000))
    if layer.axes == 3:  # noqa: PLR2004 - Conv3d
        return ((layer.expects, 16, 32, 32), (layer.expects, 16, 64, 64))
    sides = (28, 32, *_SIDES) if layer.expects == 1 else _SIDES
    return tuple((layer.expects, side, side) for side in dict.fromkeys(sides))


def _further(layer: FirstLayer) -> Iterator[tuple[Shape, ...]]:
    """Less likely shapes: images and signals of any size, and rows that the forward reshapes."""
    if layer.kind == "conv" and layer.axes < 3:  # noqa: PLR2004 - Conv3d
        for side in _OTHER_SIDES:
            yield ((layer.expects, *(side,) * layer.axes),)
    if not layer.certain and layer.kind in {"conv", "linear", "recurrent"}:
        for side in _ROWS:
            yield ((layer.expects * side ** max(layer.axes, 1),),)


def _not_inferable(module: nn.Module, layer: FirstLayer | None) -> str:
    forward = forward_of(module)
    if forward and len(forward.required) > 1:
        return f"the model takes several inputs ({listed(forward.required)}) and no data was given"
    name = type(module).__name__
    known = f"its first layer is {layer}" if layer else "no layer tells its input size"
    return f"the shape of the input of {name} cannot be inferred: {known}"


def parse_shapes(text: Any) -> tuple[Shape, ...]:
    """``3,32,32;10`` or tuples of numbers as a tuple of shapes.

    Raises:
        UsageError: anything else, and sizes below 1.
    """
    try:
        if isinstance(text, str):
            parts = [part.replace("x", ",").replace("×", ",") for part in text.split(";")]
            shapes = tuple(
                tuple(int(size) for size in part.strip(" ()[],").split(",")) for part in parts
            )
        else:
            several = [text] if all(isinstance(size, int) for size in text) else text
            shapes = tuple(tuple(int(size) for size in shape) for shape in several)
    except (TypeError, ValueError):
        shapes = ((0,),)
    if not shapes or any(size < 1 for shape in shapes for size in shape):
        raise UsageError(f"--input-shape {printable(text)} is not a shape", hint=_EXAMPLE)
    return shapes
