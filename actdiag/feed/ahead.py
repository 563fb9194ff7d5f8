"""Reading the next batch while the model is busy with the one before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Place = TypeVar("Place")
Read = TypeVar("Read")

THREAD = "actdiag-read"


def read_ahead(read: Callable[[Place], Read], places: Sequence[Place]) -> Iterator[Read]:
    """What is read at each place, in order; one place is read ahead by a thread of its own.

    ``read`` must not draw random numbers: the model may draw some at the same time. The first place
    is read by the caller, who may want no more. What a read raises is raised in its turn. Whoever
    stops early waits for the read that is under way; after that nothing runs.
    """
    if not places:
        return
    yield read(places[0])
    if len(places) == 1:
        return
    pool = ThreadPoolExecutor(1, THREAD)
    try:
        coming = pool.submit(read, places[1])
        for place in places[2:]:
            found = coming.result()
            coming = pool.submit(read, place)
            yield found
        yield coming.result()
    finally:
        pool.shutdown(cancel_futures=True)
