"""Objects from Python, or read from a file, as a source of batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from actdiag.errors import DataError
from actdiag.feed import loaders, tables
from actdiag.feed.aligned import Aligned
from actdiag.feed.images import ImageRows
from actdiag.feed.isolation import isolated
from actdiag.feed.labels import prepare_labels
from actdiag.feed.names import listed, printable
from actdiag.feed.roles import divide
from actdiag.feed.select import default_batch_size, sample_of
from actdiag.feed.spool import LargeTable
from actdiag.feed.tensors import check_numeric, is_array

if TYPE_CHECKING:
    from actdiag.feed.loaders import Wish
    from actdiag.feed.streams import Stream


@dataclass(frozen=True)
class Found:
    """A source of batches, and what was noticed on the way to it."""

    source: Aligned | Stream
    notes: tuple[str, ...] = ()


def resolve(data: Any, wish: Wish, notes: tuple[str, ...] = ()) -> Found:
    """The source of batches that ``data`` stands for.

    Raises:
        DataError: for objects that no batch can be made of.
    """
    if tables.is_frame(data) and (arrays := tables.sequences(data)) is not None:
        return _from_parts(arrays, wish, notes)
    if tables.is_frame(data):
        columns = tables.columns(data, wish.key, separate=wish.labels is not None)
        return _aligned((columns.matrix,), {}, columns.labels, wish, notes + columns.notes)
    if isinstance(data, LargeTable):
        columns = tables.large_columns(data, wish.key, separate=wish.labels is not None)
        return _aligned((columns.matrix,), {}, columns.labels, wish, notes + columns.notes)
    if isinstance(data, ImageRows):
        return _aligned((data,), {}, data.labels, wish, notes + data.notes)
    if isinstance(data, TensorDataset):
        return resolve(data.tensors, wish, notes)
    if isinstance(data, Tensor | np.ndarray):
        return _from_parts(data, wish, notes)
    if isinstance(data, Mapping) or (isinstance(data, tuple) and _holds_arrays(data)):
        return _from_parts(_usable(data), wish, notes)
    return _from_code(data, wish, notes)


def _usable(data: Any) -> Any:
    """A mapping without what cannot be a row per sample: single values and text beside arrays."""
    if not isinstance(data, Mapping):
        return data
    arrays = {name: np.asarray(v) if isinstance(v, list) else v for name, v in data.items()}
    kept = {name: value for name, value in arrays.items() if is_array(value)}
    if not kept:
        raise DataError(
            f"there is no array in the data, which holds {listed(data)}",
            hint="Give arrays with one row per sample, such as x and y.",
        )
    return kept


def _holds_arrays(items: tuple[Any, ...]) -> bool:
    """Whether these are arrays, or labels beside several inputs."""
    flat = [part for item in items for part in (item if isinstance(item, tuple) else [item])]
    return bool(items) and all(
        is_array(part) or tables.is_frame(part) or isinstance(part, Mapping | list) for part in flat
    )


def _from_parts(data: Any, wish: Wish, notes: tuple[str, ...]) -> Found:
    parts = divide(data, wish.forward, wish.key)
    for name, value in (*enumerate(parts.inputs), *parts.kwargs.items()):
        if not (isinstance(value, Tensor | np.ndarray) or tables.is_frame(value)):
            raise DataError(f"input {printable(name)} is a {type(value).__name__}, not an array")
    inputs = tuple(_array(value) for value in parts.inputs)
    kwargs = {name: _array(value) for name, value in parts.kwargs.items()}
    return _aligned(inputs, kwargs, parts.labels, wish, notes + parts.notes)


def _array(value: Any) -> Any:
    return tables.columns(value, None, separate=True).matrix if tables.is_frame(value) else value


def _aligned(
    inputs: tuple[Any, ...],
    kwargs: dict[str, Any],
    raw_labels: Any,
    wish: Wish,
    notes: tuple[str, ...],
) -> Found:
    raw = _one(raw_labels if wish.labels is None else wish.labels)
    labels, more = (None, ()) if raw is None else prepare_labels(tables.as_array(raw))
    data = Aligned(inputs, kwargs, labels)
    data.check()
    first = next(iter(data.named().values()))
    size = wish.batch_size or default_batch_size(tuple(first.shape[1:]))
    chosen = sample_of(data.length, wish.max_samples, wish.seed)
    return Found(
        Aligned(inputs, kwargs, labels, size, chosen), notes + more + _sampled(data, chosen)
    )


def _one(labels: Any) -> Any:
    """The labels out of a dictionary of one; several belong to several outputs."""
    if not isinstance(labels, Mapping):
        return labels
    if len(labels) == 1:
        return next(iter(labels.values()))
    raise DataError(
        f"the labels are a dictionary of {listed(labels)}, and one output is judged",
        hint="Give those of the first output alone, as (inputs, labels[name]).",
    )


def _sampled(data: Aligned, chosen: Tensor | None) -> tuple[str, ...]:
    if chosen is None:
        return ()
    return (f"a random sample of {len(chosen)} of {data.length} samples was fed",)


def _from_code(data: Any, wish: Wish, notes: tuple[str, ...]) -> Found:
    """Loaders, data sets, lists, callables and other iterables."""
    if wish.labels is not None:
        raise DataError(
            f"labels given beside a {type(data).__name__} cannot be matched to its samples",
            hint="Have it yield (inputs, labels), or give the inputs as an array.",
        )
    if isinstance(data, nn.Module):
        raise DataError(
            f"the data is a model ({type(data).__name__})", hint="Give data to feed it."
        )
    if isinstance(data, DataLoader):
        stream, more = loaders.of_loader(data, wish)
    elif isinstance(data, IterableDataset):
        stream, more = loaders.of_iterable_dataset(data, wish)
    elif isinstance(data, list | tuple):
        return _from_list(data, wish, notes)
    elif hasattr(data, "__getitem__") and hasattr(data, "__len__") and not isinstance(data, type):
        stream, more = loaders.of_dataset(data, wish)
    elif callable(data) and not isinstance(data, Iterator):
        return _from_callable(data, wish, notes)
    elif isinstance(data, Iterable) and not isinstance(data, str | bytes):
        stream, more = loaders.of_iterable(data, wish)
    else:
        raise DataError(
            f"cannot feed a {type(data).__name__} to a model",
            hint="Give a tensor, an array, an (x, y) pair, a list of batches, a DataLoader, "
            "a Dataset or a callable that returns one of these.",
        )
    return Found(stream, notes + more)


def _from_list(data: Any, wish: Wish, notes: tuple[str, ...]) -> Found:
    """A list of batches, of samples, or of numbers."""
    if not data:
        raise DataError("the data is an empty list", hint="Give at least one batch.")
    first = data[0]
    if isinstance(first, int | float | list) and not _holds_tensors(first):
        try:
            array = np.asarray(data)
        except ValueError as error:
            raise DataError(
                "the rows of the data have different lengths", hint="Pad them or give batches."
            ) from error
        check_numeric(array, "the data")
        return _from_parts(array, wish, notes)
    of = loaders.of_dataset if _is_sample(first, wish) else loaders.of_list
    stream, more = of(data, wish)
    return Found(stream, notes + more)


def _is_sample(item: Any, wish: Wish) -> bool:
    """Whether it is one sample and no batch: its label is a single one."""
    if isinstance(item, Mapping):
        label = divide(item, wish.forward, wish.key).labels
    else:
        label = item[-1] if isinstance(item, tuple | list) and item else None
    if isinstance(label, Tensor | np.ndarray):
        return label.ndim == 0
    return isinstance(label, int | float | np.generic | str)


def _holds_tensors(item: Any) -> bool:
    return isinstance(item, list) and any(isinstance(part, Tensor | np.ndarray) for part in item)


def _from_callable(data: Any, wish: Wish, notes: tuple[str, ...]) -> Found:
    name = printable(getattr(data, "__name__", type(data).__name__))
    try:
        result = isolated(wish.seed, data)
    except Exception as error:
        raise DataError(
            f"calling {name}() for data failed: {type(error).__name__}: {printable(error)}",
            hint="It is called without arguments and returns a loader, a data set or arrays.",
        ) from error
    if isinstance(result, Iterator):
        stream, more = loaders.of_generator(data, wish)
        return Found(stream, notes + more)
    if callable(result) and not hasattr(result, "__iter__") and not hasattr(result, "__getitem__"):
        raise DataError(f"{name}() returned a {type(result).__name__}, not data")
    return resolve(result, wish, notes)
