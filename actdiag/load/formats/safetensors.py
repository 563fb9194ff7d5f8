"""safetensors: a JSON header of names, dtypes, shapes and places, then the bytes. No code.

Format: https://github.com/huggingface/safetensors (8 bytes of header length, little-endian; the
header; the data).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from actdiag.errors import ModelFileError
from actdiag.load.build import build
from actdiag.load.format import Format, Request, Verdict, readable
from actdiag.load.nested import Contents, safe_names

if TYPE_CHECKING:
    from torch import Tensor

    from actdiag.load.result import LoadedModel
    from actdiag.load.source import ModelFile
    from actdiag.load.trust import Trust

TITLE = "a safetensors file"
PREFIX = 8
HEADER_LIMIT = 100_000_000  # the library's own limit


def recognises(file: ModelFile) -> bool:
    """Whether a length stands before what begins as a JSON object."""
    return len(file.head) > PREFIX and file.head[PREFIX : PREFIX + 1] == b"{"


def examine(_file: ModelFile, _trust: Trust) -> Verdict:
    """Nothing in such a file can run."""
    return Verdict()


def load(file: ModelFile, request: Request) -> LoadedModel:
    """Read it; see :func:`actdiag.load.load_model` for what is raised."""
    with request.opened_factory() as factory:
        contents = Contents(state=safe_names(read(file)))
        return build(file, request, factory, contents, "safetensors")


def read(file: ModelFile) -> dict[str, Tensor]:
    """The tensors by name, mapped into memory.

    Raises:
        ModelFileError: the header is damaged, or promises more than the file has.
    """
    from safetensors.torch import load_file

    check_header(file)
    with readable(file, TITLE):
        tensors = load_file(file.path)
    if not tensors:
        message = f"{file} holds no tensors."
        raise ModelFileError(message, hint="Save the model's state dict into it.")
    return tensors


def check_header(file: ModelFile) -> None:
    """See that the header is as long as it says and can be read.

    Raises:
        ModelFileError: it is not.
    """
    length = int.from_bytes(file.head[:PREFIX], "little")
    again = "Copy, download or save it again."
    if length > min(file.size - PREFIX, HEADER_LIMIT):
        message = (
            f"{file} is cut off or damaged: its header claims {length:,} bytes, and the file has "
            f"{file.size:,}."
        )
        raise ModelFileError(message, hint=again)
    with readable(file, TITLE), file.path.open("rb") as opened:
        opened.seek(PREFIX)
        header = json.loads(opened.read(length))
    if not isinstance(header, dict):
        raise ModelFileError(f"{file} is damaged: its header is no table of tensors.", hint=again)


FORMAT = Format("safetensors", TITLE, recognises, load, examine)
