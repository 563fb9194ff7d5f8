"""Which part of a data item is an input of the forward and which part is the labels."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from actdiag.errors import DataError
from actdiag.feed.names import INPUT_NAMES, LABEL_NAMES, first_named, listed, nearest, printable
from actdiag.feed.whole import Whole, whole_of

if TYPE_CHECKING:
    from torch import nn

_PAIR = 2
_DECODED = "decoder_input_ids"  # what Transformers make of the labels, where they are given them


@dataclass(frozen=True)
class Forward:
    """The arguments a model's forward takes.

    Attributes:
        names: those that can be passed by name, in order.
        required: the names of those without a default.
        most: how many can be passed by position; None for any number.
        any_name: whether further keywords are accepted.
        aside: names that go along by keyword where the data has them, and are no inputs.
        whole: how it reads the one dictionary that it takes; None where it takes none.
    """

    names: tuple[str, ...]
    required: tuple[str, ...]
    most: int | None
    any_name: bool
    aside: tuple[str, ...] = ()
    whole: Whole | None = None

    def knows(self, name: str) -> bool:
        """Whether it takes such an argument, or may read it from its dictionary."""
        return name in self.names or (
            self.whole is not None and (self.whole.every or name in self.whole.keys)
        )


@dataclass(frozen=True)
class Parts:
    """An item taken apart: positional inputs, keyword inputs, labels (None without) and notes."""

    inputs: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    labels: Any = None
    notes: tuple[str, ...] = ()


def forward_of(module: nn.Module | None) -> Forward | None:
    """The signature of ``module.forward``; None where it has none to read (some TorchScript)."""
    if module is None:
        return None
    try:
        parameters = inspect.signature(module.forward).parameters.values()
    except (TypeError, ValueError):
        return None
    named = [p for p in parameters if p.kind in {p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY}]
    positional = [p for p in parameters if p.kind in {p.POSITIONAL_OR_KEYWORD, p.POSITIONAL_ONLY}]
    if any(p.kind is p.VAR_POSITIONAL for p in parameters) and not positional:
        named = []  # forward(*args, **kwargs) of a wrapper tells nothing
    return Forward(
        names=tuple(p.name for p in named),
        required=tuple(p.name for p in named if p.default is p.empty),
        most=None if any(p.kind is p.VAR_POSITIONAL for p in parameters) else len(positional),
        any_name=any(p.kind is p.VAR_KEYWORD for p in parameters),
        aside=getattr(module, "taken_aside", ()),
        whole=whole_of(module) if getattr(module, "taken_whole", False) else None,
    )


def divide(item: Any, forward: Forward | None, key: str | None = None) -> Parts:
    """Take one item apart.

    A mapping is read by its keys (``key`` names the labels, else ``y``, ``labels``, ``target`` and
    the like). In a sequence the last element is the labels, unless the forward requires as many
    inputs as there are elements. Anything else is a single input without labels.

    Raises:
        DataError: when the keys fit no reading, or ``key`` is not among them.
    """
    if isinstance(item, Mapping):
        named = dict(item)
        known = forward.aside if forward else ()
        aside = {name: named.pop(name) for name in known if name in named}
        parts = _from_mapping(named, forward, key)
        return replace(parts, kwargs=parts.kwargs | aside)
    if key is not None:
        raise DataError(
            f"labels are to be taken from {printable(key)!r}, but the data has no names",
            hint="Give the labels as a file or an array, or the data as a dict.",
        )
    if isinstance(item, Sequence) and not isinstance(item, str | bytes) and not _is_record(item):
        return _from_sequence(tuple(item), forward)
    return _inputs((item,), None, forward)


def _is_record(item: Any) -> bool:
    """PackedSequence is a tuple by birth, and one input by meaning."""
    return type(item).__name__ == "PackedSequence"


def _from_sequence(items: tuple[Any, ...], forward: Forward | None) -> Parts:
    required = len(forward.required) if forward else 1
    if not items:
        raise DataError("the data holds an empty item", hint="Give inputs, or (inputs, labels).")
    nested = isinstance(items[0], Mapping | tuple | list) and not _is_record(items[0])
    if len(items) == 1 or (required > 1 and len(items) == required and not nested):
        return _inputs(items, None, forward)
    *inputs, labels = items
    most = forward.most if forward else None
    if most == 1 and len(inputs) > most:
        extra = len(items) - _PAIR
        note = f"each item holds {len(items)} parts; the last {extra} after x and y were not used"
        return replace(_inputs(items[:1], items[1], forward), notes=(note,))
    return _inputs(tuple(inputs), labels, forward)


def _inputs(items: tuple[Any, ...], labels: Any, forward: Forward | None) -> Parts:
    """Inputs; a single one may itself be several, as in ``((a, b), y)`` or ``({..}, y)``.

    A forward with a single argument gets them as one tuple, which it takes apart itself.
    """
    if len(items) == 1 and isinstance(items[0], Mapping):
        return Parts((), {str(name): value for name, value in items[0].items()}, labels)
    if named := _as_dictionary(items, labels, forward):
        return Parts((), named, labels)
    if len(items) == 1 and isinstance(items[0], tuple | list) and not _is_record(items[0]):
        several = tuple(items[0])
        whole = forward is not None and forward.most == 1 and len(several) > 1
        return Parts((several,) if whole else several, labels=labels)
    return Parts(items, labels=labels)


def _as_dictionary(
    items: tuple[Any, ...], labels: Any, forward: Forward | None
) -> dict[str, Any] | None:
    """Arrays without names for a forward that looks names up: one array under its one name.

    Raises:
        DataError: it looks several up, and nothing tells which is which.
    """
    whole = forward.whole if forward else None
    if forward is None or whole is None or whole.either:
        return None
    wanted = sorted(whole.needs - whole.may)
    label = first_named(wanted, LABEL_NAMES) if labels is not None else None
    inputs = [name for name in wanted if name != label]
    plain = [item for item in items if hasattr(item, "shape") or isinstance(item, tuple | list)]
    if not inputs or len(plain) < len(items):
        return None
    if len(inputs) == len(items) == 1 and hasattr(items[0], "shape"):
        return {inputs[0]: items[0]} | ({label: labels} if label else {})
    example = ", ".join(f"{name}=..." for name in wanted)
    raise DataError(
        f"the model's forward reads {listed(wanted)} from its {printable(forward.names[0])}, and "
        "the data has no names",
        hint=f"Give a dictionary of arrays, or a file with them: np.savez(path, {example}).",
    )


def misread(data: Any, forward: Forward | None) -> tuple[str, ...]:
    """What to try where the forward fails: labels were taken for inputs, or it wants them."""
    required = forward.required if forward else ()
    decodes = forward is not None and _DECODED in forward.names
    if isinstance(data, Mapping) and decodes and _DECODED not in data:
        return (
            f"labels are compared with the answers, not given to the forward: give {_DECODED} too",
        )
    if not isinstance(data, tuple | list) or len(data) != len(required) or len(data) < _PAIR:
        return ()
    if not hasattr(data[0], "shape") or getattr(data[-1], "ndim", 0) != 1:
        return ()
    several = ", ".join(map(printable, required))
    beside = f"labels go beside them, as (({several}), labels)"
    return (f"the {len(data)} parts of the data were taken for {listed(required)}: {beside}",)


def _from_mapping(items: dict[Any, Any], forward: Forward | None, key: str | None) -> Parts:
    named = {str(name): value for name, value in items.items()}
    required = forward.required if forward else ()
    if key is not None and key not in named:
        raise DataError(
            f"there are no labels named {printable(key)!r} in the data",
            hint=f"{nearest(key, named)}It holds {listed(named)}.",
        )
    label = key or first_named([name for name in named if name not in required], LABEL_NAMES)
    labels = named.pop(label) if label else None
    if not named:
        raise DataError(f"the data holds nothing but labels ({printable(label)})")
    if forward and (read := _read_whole(named, forward)):
        also = {label: labels} if label and forward.whole and label in forward.whole.needs else {}
        notes = _left(named, read) + _lacking(named, label, forward)
        return Parts((), {name: named[name] for name in read} | also, labels, notes)
    chosen = _chosen(named, forward)
    notes = _left(named, chosen)
    first = forward.names[0] if forward and forward.names else None
    by_name = forward is not None and forward.most == 0 and chosen[0] in forward.names
    if (
        len(chosen) == 1
        and not by_name
        and (chosen[0] in {first, *INPUT_NAMES} or not forward or not notes)
    ):
        value = named[chosen[0]]
        return Parts((value,), labels=labels, notes=notes)
    return Parts((), {name: named[name] for name in chosen}, labels, notes)


def _left(named: dict[str, Any], chosen: list[str]) -> tuple[str, ...]:
    """The note on what is not used."""
    unused = [name for name in named if name not in chosen]
    return (f"not used from the data: {listed(unused)}",) if unused else ()


def _lacking(named: dict[str, Any], label: str | None, forward: Forward) -> tuple[str, ...]:
    """The note on what the forward looks up in its dictionary, and the data does not hold."""
    whole = forward.whole or Whole()
    lacking = sorted(whole.needs - whole.may - {*named, label, *forward.names[:1]})
    if not lacking:
        return ()
    return (f"the forward also reads {listed(lacking)}, which the data does not hold",)


def _read_whole(named: dict[str, Any], forward: Forward) -> list[str]:
    """The names that the forward reads from its one dictionary; none where it is given a tensor.

    A name that is the argument's own is that argument, unless the forward looks for others too.
    """
    whole = forward.whole
    if whole is None:
        return []
    read = [name for name in named if name in whole.keys]
    if read or (whole.every and forward.names[0] not in named):
        return list(named) if whole.every else read
    if whole.needs - whole.may and not whole.either and forward.names[0] not in named:
        raise DataError(
            f"the model's forward reads {listed(sorted(whole.needs - whole.may))} from its "
            f"{printable(forward.names[0])}, and the data holds {listed(named)}",
            hint="Name the arrays of the data as the forward does.",
        )
    return []


def _chosen(named: dict[str, Any], forward: Forward | None) -> list[str]:
    """The names that are inputs."""
    accepted = [name for name in named if forward and name in forward.names]
    if forward and accepted and all(name in accepted for name in forward.required):
        return accepted
    single = first_named(named, INPUT_NAMES)
    if single is not None and len(forward.required if forward else ()) <= 1:
        return [single]
    if len(named) == 1 or (forward and forward.any_name and not forward.required):
        return list(named)
    takes = f"The model's forward takes {listed(forward.names)}. " if forward else ""
    parted = ((name, set(name.casefold().split("_"))) for name in named)
    split = next((n for n, parts in parted if "test" in parts and parts & {*INPUT_NAMES}), None)
    if split is None and "arr_0" in named:  # np.savez(path, x, y) names them so
        other = ", and its labels as --labels arr_1" if "arr_1" in named else ""
        takes = f"Name the input after the file, as DATA:arr_0{other}. "
    if split is not None:
        takes = f"Name one after the file, as DATA:{printable(split)}. "
    raise DataError(
        f"cannot tell which of {listed(named)} is the model's input",
        hint=f"{takes}Name the input x and the labels y, or name the inputs as the forward does.",
    )
