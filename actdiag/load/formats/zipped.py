"""What ``torch.save`` writes since PyTorch 1.6: a zip archive around a pickle.

Holds a whole module, a state dict, or a checkpoint with one of them in it.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from actdiag.load.assemble import assemble
from actdiag.load.build import build
from actdiag.load.fill import BIG
from actdiag.load.format import Format, Request, Verdict, readable
from actdiag.load.nested import find_weights
from actdiag.load.tensors import check_tree
from actdiag.load.trust import (
    Trust,
    allowed_objects,
    demand,
    lacking,
    permitted,
    shown_names,
    why_not_by_name,
)
from actdiag.load.unpickling import unpickle
from actdiag.load.wanted import wanted_by

if TYPE_CHECKING:
    from actdiag.load.factory import Factory
    from actdiag.load.result import LoadedModel
    from actdiag.load.source import ModelFile

TITLE = "a torch.save file"
PICKLE = "data.pkl"
LIGHTNING = b"pytorch-lightning_version"


def is_zipped_pickle(file: ModelFile) -> bool:
    """Whether this is a zip archive as ``torch.save`` lays it out."""
    archive = file.archive
    return archive is not None and PICKLE in archive and "constants.pkl" not in archive


def recognises(file: ModelFile) -> bool:
    """As above, but no Lightning checkpoint."""
    return is_zipped_pickle(file) and LIGHTNING not in read_pickle(file)


def read_pickle(file: ModelFile) -> bytes:
    """The pickle in the archive."""
    return file.archive.read(PICKLE) if file.archive else b""


def examine(file: ModelFile, trust: Trust) -> Verdict:
    """What the pickle asks for beyond the harmless and allowed."""
    wanted = wanted_by(io.BytesIO(read_pickle(file)))
    return Verdict(lacking(wanted, trust), why_not_by_name(wanted, trust), shown_names(wanted))


def load(file: ModelFile, request: Request) -> LoadedModel:
    """Read it; see :func:`actdiag.load.load_model` for what is raised."""
    with request.opened_factory() as factory:
        contents = find_weights(read(file, request, factory), str(file.path), file.part)
        name = "state-dict" if contents.module is None else "pickled-module"
        return build(file, request, factory, contents, name)


def read(file: ModelFile, request: Request, factory: Factory | None) -> Any:
    """The object that the archive holds, modules assembled.

    Raises:
        RefusedError: it asks for more than is harmless and allowed.
        ModelFileError: it is damaged.
    """
    raw = read_pickle(file)
    wanted = wanted_by(io.BytesIO(raw))
    demand(str(file), wanted, request.trust, raw)
    home = factory.home if factory else None
    allowed = permitted(wanted, request.trust, home)
    archive = file.archive
    mmap = file.size >= BIG and archive is not None and archive.mappable
    with readable(file, TITLE), file.path.open("rb") as opened:
        # torch.load would take a path ending in .safetensors for such a file, whatever it holds.
        mmap = mmap and file.path.suffix != ".safetensors"
        source = str(file.path) if mmap else opened
        loaded = unpickle(source, allowed, mmap=mmap, home=home)
        if allowed is not None:
            opaque = allowed_objects(wanted, request.trust, home)
            loaded = assemble(loaded, str(file), opaque)
            check_tree(loaded, archive.unpacked if archive else file.size, str(file))
    return loaded


FORMAT = Format("pickled-module", TITLE, recognises, load, examine, parts=True)
