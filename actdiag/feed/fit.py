"""What has to be done to the data so that the model can take it: types and layout.

Types are always converted. A layout that the first layer cannot take is an error that names the
fix, and the fix is carried out when the user said ``--fix-input``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor, nn

from actdiag.errors import DataError
from actdiag.feed.first_layer import FirstLayer, first_layer, floating_dtype, has_embedding
from actdiag.feed.layout import Change, layout_change, mismatch

if TYPE_CHECKING:
    from actdiag.feed.batch import Batch

Step = Callable[[Tensor], Tensor]


class Source(Protocol):
    """Batches, as often as they are asked for."""

    @property
    def samples(self) -> int | None:
        """Number of samples, if known beforehand."""

    def __iter__(self) -> Iterator[Batch]: ...


@dataclass(frozen=True)
class Fitted:
    """A source whose inputs go through ``steps`` (by position or name) on their way."""

    source: Source
    steps: dict[int | str, tuple[Step, ...]]
    notes: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()

    @property
    def samples(self) -> int | None:
        """As in the source."""
        return self.source.samples

    def prepare(self, batch: Batch) -> Batch:
        """The batch with every step done."""

        def apply(place: int | str, value: Any) -> Any:
            for step in self.steps.get(place, ()):
                value = step(value)
            return value

        return batch.map_inputs(apply)

    def __iter__(self) -> Iterator[Batch]:
        return (self.prepare(batch) for batch in self.source)


@dataclass
class _Plan:
    steps: dict[int | str, tuple[Step, ...]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)


def fit(
    source: Source,
    first: Batch,
    module: nn.Module | None,
    *,
    fix_input: bool = False,
    from_code: bool = False,
    from_text: bool = False,
    probe: Callable[[Batch], object] | None = None,
) -> Fitted:
    """Decide by the ``first`` batch what the inputs of ``module`` need.

    ``from_code`` says that the user's own code made the batches: then integers stay integers
    unless the first layer is known to want floats, and time-first layouts are taken as meant.
    ``from_text`` says that nobody chose the type of the numbers: a conversion isn't worth a note.
    ``probe`` raises what the model raises on a batch: a layout that it takes stays as it is.

    Raises:
        DataError: the first layer certainly cannot take the data.
    """
    layer = first_layer(module)
    plan = _Plan()
    several = len(first.inputs) + len(first.kwargs) > 1
    keep_whole = (
        (layer is not None and layer.kind == "embedding")
        or (several and has_embedding(module))
        or (from_code and (layer is None or not (layer.certain or layer.kind == "conv")))
    )
    for number, (place, value) in enumerate(first.named().items()):
        if isinstance(value, Tensor) and not (number and _counts(value)):
            plan.steps[place] = _types(
                value,
                floating_dtype(module),
                plan,
                fix_input=fix_input,
                keep_whole=keep_whole,
                keep_bool=several,
            )
    if from_text:
        plan.notes.clear()
    if layer is not None and first.inputs and isinstance(first.inputs[0], Tensor):
        sure = replace(layer, certain=layer.certain and not several)
        as_it_is = Fitted(source, dict(plan.steps)).prepare(first)
        unclear = fix_input and not (sure.certain or sure.time_first)
        taken = unclear and _takes(probe, as_it_is)
        _arrange(plan, first, sure, fix_input=fix_input and not taken, from_code=from_code)
    steps = {place: done for place, done in plan.steps.items() if done}
    return Fitted(source, steps, tuple(plan.notes), tuple(plan.advice))


def _counts(value: Tensor) -> bool:
    """Whether this is one whole number a sample: a length, a time step, a class, no features."""
    return value.ndim == 1 and value.dtype in {torch.int64, torch.int32}


def _takes(probe: Callable[[Batch], object] | None, batch: Batch) -> bool:
    """Whether the model surely takes the batch, tried on its first two samples."""
    if probe is None:
        return False
    try:
        probe(batch.split(2)[0])
    except Exception:  # noqa: BLE001 - whatever a model raises on what it can't take
        return False
    return True


def _types(
    value: Tensor,
    wanted: torch.dtype,
    plan: _Plan,
    *,
    fix_input: bool,
    keep_whole: bool,
    keep_bool: bool,
) -> tuple[Step, ...]:
    """Steps that give ``value`` a type the model can compute with."""
    kind = value.dtype
    short, target = str(kind).removeprefix("torch."), str(wanted).removeprefix("torch.")
    if kind.is_complex or (kind == torch.bool and keep_bool):
        return ()
    if kind.is_floating_point:
        if kind == wanted:
            return ()
        plan.notes.append(f"the data is {short} and was fed as {target}, the type of the model")
        return (lambda x: x.to(wanted),)
    if keep_whole:
        return () if kind in {torch.int64, torch.int32} else (lambda x: x.to(torch.int64),)
    if kind == torch.uint8 and fix_input:
        plan.notes.append("8-bit values were divided by 255, as --fix-input asks")
        return (lambda x: x.to(wanted) / 255,)
    plan.notes.append(f"the data is {short} and was fed as {target}")
    if kind == torch.uint8:
        plan.notes[-1] += " without scaling; if the training divided it by 255, use --fix-input"
    return (lambda x: x.to(wanted),)


def _arrange(
    plan: _Plan, first: Batch, layer: FirstLayer, *, fix_input: bool, from_code: bool
) -> None:
    """Check the layout of the first input against the layer, and add the step that mends it."""
    value: Tensor = first.inputs[0]
    change = layout_change(value, layer, aligned=not from_code)
    if change is not None and fix_input:
        plan.steps[0] = (*plan.steps.get(0, ()), change.step)
        plan.notes.append(f"{change.done}, as --fix-input asks")
        value = change.step(value)
        change = None
    wrong = mismatch(value, layer)
    if layer.certain and wrong:
        raise DataError(wrong, hint=_hint(value, layer, change))
    if change is not None:
        text = f"{change.problem}: --fix-input {change.remedy}"
        (plan.notes if layer.certain else plan.advice).append(text)
    elif wrong and value.ndim == 2 and abs(value.shape[1] - layer.expects) == 1:  # noqa: PLR2004 - a matrix
        plan.advice.append(f"{wrong}. {_hint(value, layer, None)}")
    if value.shape == (layer.expects,) and layer.kind == "linear" and layer.expects > 1:
        plan.notes.append(
            f"one row of {layer.expects} numbers was taken as {layer.expects} samples; if it is "
            f"one sample, give it the shape (1, {layer.expects})"
        )


def _hint(value: Tensor, layer: FirstLayer, change: Change | None) -> str:
    if change is not None:
        return f"{change.problem.capitalize()}; --fix-input {change.remedy}."
    if layer.kind == "embedding":
        return "Give the ids that the model's own tokenizer makes, as integers."
    if value.shape == (layer.expects,):
        return f"If it is one sample, give it the shape (1, {layer.expects})."
    if value.ndim == 2 and value.shape[1] == layer.expects + 1:  # noqa: PLR2004 - a matrix
        return "It is one column too many: if one of them is the label, name it with --labels."
    if value.ndim == 2 and value.shape[1] == layer.expects - 1:  # noqa: PLR2004 - a matrix
        return "It is one column too few: check whether a feature was taken as the labels."
    return "Prepare the data the way the training did, or check that it belongs to this model."


def check_ids(source: Source, layer: FirstLayer | None) -> None:
    """Raise DataError if any id lies outside an embedding that certainly receives the input.

    Looks at up to 2**26 ids (our choice: a tenth of a second).
    """
    if layer is None or layer.kind != "embedding" or not layer.certain:
        return
    looked = 0
    for batch in source:
        ids = batch.inputs[0] if batch.inputs else None
        if not isinstance(ids, Tensor) or ids.is_floating_point() or not ids.numel():
            return
        low, high = int(ids.min()), int(ids.max())
        if low < 0 or high >= layer.expects:
            raise DataError(
                f"the data holds the id {low if low < 0 else high}, but the model's first layer "
                f"({layer}) has {layer.expects} ids, 0 to {layer.expects - 1}",
                hint="Give the ids that the model's own tokenizer makes.",
            )
        looked += math.prod(ids.shape)
        if looked > 2**26:
            return
