"""From a loaded model to the module that is scanned: unwrapped, initialised, entered as asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch.jit import ScriptModule

from actdiag.capture import preserved
from actdiag.capture.entry import view
from actdiag.capture.footprint import live_bytes
from actdiag.capture.wrappers import is_uninitialised, unwrapped
from actdiag.errors import UsageError
from actdiag.feed.roles import forward_of
from actdiag.feed.whole import whole_of
from actdiag.load.facts import class_name, counted
from actdiag.load.unregistered import unregistered
from actdiag.text import printable

if TYPE_CHECKING:
    from torch import nn

    from actdiag.feed import Batch, Feed
    from actdiag.load import LoadedModel

# Of activations alive at once. Our choice: 64 images of 224 × 224 through a network like ResNet-18
# take a fifth of it, and time per sample no longer falls from some tens of megabytes on.
MOST_BYTES = 1 << 31


def ready(loaded: LoadedModel, *, call: str | None, mask: str | None) -> LoadedModel:
    """The model without its wrappers, with ``call`` as its forward.

    A forward that reads its one argument as a dictionary takes what is in it by name, as the feed
    gives it. A ``mask`` that the forward does not take becomes an argument that is kept aside.

    Raises:
        UsageError: there is no such method.
    """
    if loaded.module is None:
        return loaded
    module, notes = unwrapped(loaded.module)
    notes = (*notes, *unregistered(module))
    info = loaded.info
    if module is not loaded.module:
        info = replace(info, class_name=class_name(module), **counted(module, {}))
    if call is not None:
        module = view(module, method=call)
    whole = whole_of(module)
    if whole is not None and not isinstance(module, ScriptModule):
        module = view(module, whole=True)
    takes = forward_of(module)
    if mask is not None and takes is not None and not takes.knows(mask):
        module = view(module, aside=mask)
    return replace(loaded, module=module, info=info, notes=(*loaded.notes, *notes))


def initialised(loaded: LoadedModel, feed: Feed, seed: int) -> LoadedModel:
    """The model with its lazy layers made by the first batch; as it is if there are none.

    Where the forward raises, the scan will say so.
    """
    if loaded.module is None or not is_uninitialised(loaded.module):
        return loaded
    batch: Batch = next(iter(feed))
    with preserved(loaded.module):
        torch.manual_seed(seed)
        try:
            loaded.module(*batch.inputs, **batch.kwargs)
        except Exception:  # noqa: BLE001 - whatever a model may raise
            return loaded
    return replace(loaded, info=replace(loaded.info, **counted(loaded.module, {})))


def bounded(feed: Feed, module: nn.Module) -> Feed:
    """The data in batches whose activations fit the bound, by those of the first sample.

    Batches that the user made, or whose size the user chose, stay as they are. What is measured is
    sizes, never times, so that the same scan has the same batches wherever it runs.
    """
    single = feed.in_batches_of(1)
    if feed.batch_size == 1 or single is feed:
        return feed
    sample = next(iter(single))
    each = live_bytes(module, sample.inputs, sample.kwargs) or 0
    size = feed.batch_size
    while size > 1 and size * each > MOST_BYTES:
        size //= 2
    if size == feed.batch_size:
        return feed
    would = f"{feed.batch_size} would take {feed.batch_size * each / 1e9:.1f} GB"
    return feed.in_batches_of(size, f"{size} samples at a time: the activations of {would}")


def check_mask(mask: str | None, loaded: LoadedModel, feed: Feed) -> None:
    """Raise UsageError where neither the data nor the forward knows such a mask."""
    if mask is None or loaded.module is None:
        return
    batch: Batch = next(iter(feed))
    takes = forward_of(loaded.module)
    given = [*(takes.names[: len(batch.inputs)] if takes is not None else ()), *batch.kwargs]
    if mask not in given:
        raise UsageError(
            f"--mask {printable(mask)}: the model is given nothing of that name.",
            hint=f"It is given {', '.join(map(printable, given)) or 'one tensor without a name'}. "
            "Put the mask beside the input in the data, under its name.",
        )
