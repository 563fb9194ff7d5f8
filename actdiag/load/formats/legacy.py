"""What ``torch.save`` wrote before PyTorch 1.6, and still can: pickles in a row, then storages.

Magic number, protocol, system facts, the object, the storages' keys: five pickles, each of them as
able to run code as the next. A plain ``pickle.dump`` of a model is recognised here too.
"""

from __future__ import annotations

import io
import pickle
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch.serialization import MAGIC_NUMBER

from actdiag.errors import ModelFileError
from actdiag.load.assemble import assemble
from actdiag.load.build import build
from actdiag.load.classids import without_class_ids
from actdiag.load.format import Format, Request, Verdict, readable
from actdiag.load.nested import find_weights
from actdiag.load.tensors import check_tree
from actdiag.load.trust import (
    Trust,
    allowed_objects,
    demand,
    demand_everything,
    lacking,
    permitted,
    shown_names,
    why_not_by_name,
)
from actdiag.load.unpickling import unpickle
from actdiag.load.wanted import Wanted, wanted_by

if TYPE_CHECKING:
    from actdiag.load.factory import Factory
    from actdiag.load.result import LoadedModel
    from actdiag.load.source import ModelFile

TITLE = "a torch.save file of the older kind"
PLAIN = "a plain pickle"
PICKLES = 5
OBJECT = 3  # the fourth pickle is what was saved
MAGIC = MAGIC_NUMBER.to_bytes(10, "little")
PROTOCOLS = range(2, 6)
WHY_PLAIN = "a plain pickle, not written by torch.save, can only be read by running what it says"


@dataclass(frozen=True)
class Stream:
    """The pickles at the start of a file.

    Attributes:
        wanted: what all of them together ask for.
        start: where the saved object's pickle begins.
        end: where it ends.
        by_torch: whether the magic number says that torch wrote it.
    """

    wanted: Wanted
    start: int
    end: int
    by_torch: bool


def recognises(file: ModelFile) -> bool:
    """Whether the file starts as a pickle of protocol 2 or later does."""
    head = file.head
    return len(head) > 1 and head[0] == pickle.PROTO[0] and head[1] in PROTOCOLS


def survey(file: ModelFile) -> Stream:
    """Read the opcodes of the pickles without carrying any out."""
    by_torch = MAGIC in file.head[:32]
    names: list[str] = []
    start = end = protocol = 0
    complete, explosive = True, False
    with file.path.open("rb") as opened:
        for place in range(PICKLES if by_torch else 1):
            begin = opened.tell()
            wanted = wanted_by(opened)
            names += wanted.names
            protocol = max(protocol, wanted.protocol)
            complete = complete and wanted.complete
            explosive = explosive or wanted.explosive
            if place == OBJECT or not by_torch:
                start, end = begin, opened.tell()
            if not wanted.complete:
                break
    unique = tuple(dict.fromkeys(names))
    return Stream(Wanted(unique, protocol, complete, explosive), start, end, by_torch)


def examine(file: ModelFile, trust: Trust) -> Verdict:
    """What the pickles ask for beyond the harmless and allowed."""
    stream = survey(file)
    why = why_not_by_name(stream.wanted, trust)
    if not stream.by_torch and not trust.everything:
        why = WHY_PLAIN
    title = "" if stream.by_torch else PLAIN
    return Verdict(lacking(stream.wanted, trust), why, shown_names(stream.wanted), title)


def load(file: ModelFile, request: Request) -> LoadedModel:
    """Read it; see :func:`actdiag.load.load_model` for what is raised."""
    with request.opened_factory() as factory:
        contents = find_weights(read(file, request, factory), str(file.path), file.part)
        name = "state-dict" if contents.module is None else "pickled-module"
        return build(file, request, factory, contents, name)


def read(file: ModelFile, request: Request, factory: Factory | None) -> Any:
    """The object that the file holds, modules assembled.

    Raises:
        RefusedError: it asks for more than is harmless and allowed.
        ModelFileError: it is damaged.
    """
    stream, trust = survey(file), request.trust
    home = factory.home if factory else None
    with file.path.open("rb") as opened:
        raw = _object_pickle(opened, stream)
        if not (stream.by_torch or stream.wanted.complete or stream.wanted.names):
            message = f"{file} is damaged or cut off: it begins as a pickle and breaks off."
            raise ModelFileError(message, hint="Copy, download or save it again.")
        demand(str(file), stream.wanted, trust, raw)
        if not stream.by_torch:
            demand_everything(str(file), PLAIN, WHY_PLAIN, trust)
        allowed = permitted(stream.wanted, trust, home)
        opened.seek(0)
        with readable(file, TITLE):
            if allowed is None:
                if not stream.by_torch:
                    return _plain(opened)
                return unpickle(opened, allowed, home=home)
            source = without_class_ids(opened.read(), stream.start, stream.end)
            loaded = unpickle(io.BytesIO(source), allowed, home=home)
            loaded = assemble(loaded, str(file), allowed_objects(stream.wanted, trust, home))
            check_tree(loaded, file.size, str(file))
            return loaded


def _object_pickle(opened: Any, stream: Stream) -> bytes:
    opened.seek(stream.start)
    read: bytes = opened.read(max(0, stream.end - stream.start))
    return read


def _plain(opened: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pickle.load(opened)  # noqa: S301 - only after demand_everything


FORMAT = Format("pickled-module", TITLE, recognises, load, examine, parts=True)
