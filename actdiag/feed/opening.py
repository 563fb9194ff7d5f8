"""Open data of any kind: the one entry to the room."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor, nn

from actdiag.errors import DataError
from actdiag.feed import files, members, next_token, tables
from actdiag.feed.aligned import Aligned
from actdiag.feed.feed import Feed, first_batch
from actdiag.feed.first_layer import first_layer
from actdiag.feed.fit import Source, check_ids, fit
from actdiag.feed.images import ImageRows
from actdiag.feed.live import resolve
from actdiag.feed.loaders import Wish
from actdiag.feed.names import LABEL_NAMES, first_named, listed, nearest, printable
from actdiag.feed.python_names import is_python_name, load_name
from actdiag.feed.roles import forward_of, misread
from actdiag.feed.scaling import BUILT_IN, Transformed, check_name, check_scale, scale_of, scaled
from actdiag.feed.select import check_batch_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from actdiag.feed.batch import Batch
    from actdiag.feed.live import Found


def open_data(  # noqa: PLR0913 - the words of the contract, each an option of its own
    spec: Any,
    *,
    labels: Any = None,
    batch_size: int | None = None,
    max_samples: int | None = None,
    seed: int = 0,
    transform: str | Callable[..., Any] | None = None,
    module: nn.Module | None = None,
    fix_input: bool = False,
    scaled_like: Feed | None = None,
    probe: Callable[[Batch], object] | None = None,
) -> Feed:
    """Data as batches for ``module``.

    Args:
        spec: path of a data file or folder of images, ``data.npz:x_test`` for one array in a file
            of several, ``file.py:name`` or ``pkg.mod:name``, or a live object: tensor, array,
            ``(x, y)``, dict of arrays, frame, list of batches, DataLoader, Dataset, iterable, or a
            callable that returns one of these.
        labels: a column or key of the data, the path of a file, or an array ``(samples, ...)``.
        batch_size: most samples in a batch. Chosen by the shape of the samples if None; what
            already comes in batches is split, never joined.
        max_samples: feed a random sample of this many, drawn with ``seed``, in ascending order.
        transform: ``standardize``, ``scale01``, ``file.py:function`` or a function of the inputs.
        module: the model, which decides types, checks the first layer's width, and tells inputs
            from labels by the arguments of its forward. It is not run.
        fix_input: mend a layout that the model cannot take (and scale 8-bit images).
        scaled_like: a feed of the training data, whose statistics a built-in ``transform`` uses.
        probe: raises what the model raises on a batch: what it takes as it is isn't mended.

    Raises:
        DataError: the data cannot be read or the model certainly cannot take it.
        RefusedError: reading the file would run code from it.
        UsageError: an option that cannot be meant.
    """
    if isinstance(spec, Feed):
        return spec
    check_batch_size(batch_size)
    data, name = _data(spec, seed)
    layer = first_layer(module)
    if isinstance(data, ImageRows) and layer is not None and layer.axes == 2:  # noqa: PLR2004 - images
        data = data.with_channels(layer.expects)
    key, beside = _labels(labels, data, spec)
    forward = forward_of(module)
    wish = Wish(forward, key, beside, batch_size, max_samples, seed)
    found = _resolved(data, wish, name if isinstance(spec, str | Path) else "")
    source: Source = found.source
    function = _function(transform, seed)
    notes = found.notes
    if function is not None:
        source = Transformed(source, function, seed)
        notes += (f"the inputs went through {_name_of(transform)}",)
    from_code = not isinstance(found.source, Aligned)
    first = first_batch(source, name)
    if forward is not None and forward.whole is not None and first.kwargs and not first.inputs:
        notes += (f"given to the forward as one dictionary: {listed(first.kwargs)}",)
    if next_token.asks_for_next(module, first):
        source, first = next_token.NextToken(source), next_token.moved(first)
        notes += (next_token.NOTE,)
    fitted = fit(
        source,
        first,
        module,
        fix_input=fix_input,
        from_code=from_code,
        from_text=tables.is_frame(data),
        probe=probe,
    )
    if not from_code:
        check_ids(fitted, layer)
    notes += fitted.notes
    prepared = fitted.prepare(first)
    scale = None
    final = fitted
    if isinstance(transform, str) and transform in BUILT_IN:
        channels_first = layer is not None and layer.kind == "conv"
        like = scaled_like.scale if scaled_like is not None else None
        scale = like or scale_of(fitted, transform, channels_first=channels_first)
        check_scale(scale, prepared)
        final = scaled(fitted, scale, by="the training data's" if like else "the data's own")
        notes += final.notes
    advice = misread(data, forward) + fitted.advice
    # Only shapes are read from the first batch, and scaling keeps those.
    return Feed(final, source=name, first=prepared, notes=notes, advice=advice, scale=scale)


def _resolved(data: Any, wish: Wish, file: str) -> Found:
    """What is input and what is label; what is wrong with a file is told with its name."""
    try:
        return resolve(data, wish)
    except DataError as error:
        if not file or file in error.message:
            raise
        raise DataError(f"{file}: {error.message}", hint=error.hint) from error


def _data(spec: Any, seed: int) -> tuple[Any, str]:
    """The data as an object, and what to call it."""
    if not isinstance(spec, str | Path):
        return spec, _live_name(spec)
    text = str(spec)
    if member := members.parse(text):
        return members.read(member), printable(text)
    if is_python_name(text) and not files.exists(Path(text)):
        return load_name(text, "--data", seed), printable(text)
    return files.read(Path(text)), printable(text)


def _live_name(data: Any) -> str:
    shape = getattr(data, "shape", None)
    if isinstance(data, Tensor | np.ndarray) or (shape is not None and tables.is_frame(data)):
        return f"{type(data).__name__} {tuple(shape or ())}"
    return printable(getattr(data, "__name__", None) or type(data).__name__)


def _labels(labels: Any, data: Any, spec: Any) -> tuple[str | None, Any]:
    """``labels`` as a key of the data, or as an array beside it, also in the file of ``spec``."""
    if labels is None:
        return None, None
    if not isinstance(labels, str | Path):
        return None, tables.as_array(labels)
    text = str(labels)
    known = [str(name) for name in data.columns] if hasattr(data, "columns") else []
    known = [str(name) for name in data] if isinstance(data, dict) else known
    if text in known:
        return text, None
    if member := members.parse(text):
        return None, members.array(member)
    if files.exists(Path(text)):
        return None, _label_file(Path(text))
    if isinstance(spec, str | Path) and (member := members.parse(str(spec))):
        return None, members.array(members.Member(member.path, text))
    if known or not isinstance(data, Tensor | np.ndarray | ImageRows | tuple):
        return text, None
    raise DataError(
        f"there is no file {printable(text)} with labels",
        hint="The data has no names or columns, so --labels must be a file.",
    )


def _label_file(path: Path) -> Any:
    """The labels in a file: its only array or column, or the one that is called so."""
    data = files.read(path)
    if tables.is_frame(data):
        data = {str(name): data[name] for name in data.columns}
    if not isinstance(data, dict):
        return tables.as_array(data)
    name = next(iter(data)) if len(data) == 1 else first_named(data, LABEL_NAMES)
    if name is None:
        raise DataError(
            f"cannot tell which of {listed(data)} in {printable(path)} are the labels",
            hint=f"{nearest('labels', data)}Give a file with the labels only, or name them y.",
        )
    return tables.as_array(data[name])


def _function(transform: Any, seed: int) -> Callable[..., Any] | None:
    """The user's own function, if that's what was asked for."""
    if transform is None or callable(transform):
        return transform  # type: ignore[no-any-return]  # None or a callable
    text = str(transform)
    if is_python_name(text):
        function = load_name(text, "--transform", seed)
        if not callable(function):
            raise DataError(f"--transform {printable(text)} is not a function")
        return function  # type: ignore[no-any-return]  # a callable
    check_name(text)
    return None


def _name_of(transform: Any) -> str:
    return printable(
        transform if isinstance(transform, str) else getattr(transform, "__name__", "a function")
    )
