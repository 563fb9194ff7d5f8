"""A path on the disk as an object from Python: what the file is decides, not how it is called."""

from __future__ import annotations

import os
import zipfile
from typing import TYPE_CHECKING, Any

from actdiag.errors import ActdiagError, DataError
from actdiag.feed import images, json_files, numpy_files, table_files, torch_files
from actdiag.feed.names import nearest, printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_HEAD = 4096
_BINARY_SUFFIXES = {".npz", ".npy", ".pt", ".pth", ".safetensors", ".parquet", ".pkl", ".ckpt"}
_KNOWN = (
    "Give .npz, .npy, .csv, .pt, .safetensors, .parquet, .json, a folder of images or file.py:name."
)
_OTHERS = (
    (b"\x1f\x8b", "compressed with gzip", "Unpack it first."),
    (b"BZh", "compressed with bzip2", "Unpack it first."),
    (b"\xfd7zXZ", "compressed with xz", "Unpack it first."),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "Save its arrays with np.savez, or give file.py:name."),
    (b"MATLAB", "a MATLAB file", "Save its arrays with np.savez, or give file.py:name."),
    (b"\x89PNG", "a single image", "Give the folder that holds the images."),
    (b"\xff\xd8\xff", "a single image", "Give the folder that holds the images."),
    (
        b"version https://git-lfs",
        "a pointer of Git LFS, not the data",
        "Fetch it with: git lfs pull",
    ),
    (b"<!DOCTYPE", "a web page, not data", "Download the file itself."),
    (b"<html", "a web page, not data", "Download the file itself."),
)


def read(path: Path) -> Any:
    """The data in the file or folder at ``path``.

    Returns:
        an array, a dict or tuple of arrays, a pandas frame, or rows of images.

    Raises:
        DataError: no such file, not a data file, or damaged.
        RefusedError: reading it would run code.
    """
    if not exists(path):
        _missing(path)
    if path.is_dir():
        return images.open_folder(path)
    if not path.is_file():
        raise DataError(f"{printable(path)} is not a file", hint=_KNOWN)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise DataError(f"{printable(path)} cannot be opened: {error.strerror}") from error
    if not head:
        raise DataError(f"{printable(path)} is empty (0 bytes)", hint="Write or copy it again.")
    try:
        return _reader(path, head)(path)
    except ActdiagError:
        raise
    except Exception as error:  # the libraries that read damaged files fail in any way
        raise DataError(
            f"{printable(path)} is damaged: {type(error).__name__}: {printable(error)}",
            hint="It may be cut short; copy or write it again.",
        ) from error


def _reader(path: Path, head: bytes) -> Callable[[Path], Any]:
    for start, what, hint in _OTHERS:
        if head.startswith(start):
            raise DataError(f"{printable(path)} is {what}", hint=hint)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_reader(path)
    if head.startswith(b"\x93NUMPY"):
        return numpy_files.read_npy
    if head.startswith(b"PAR1"):
        return table_files.read_parquet
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05":
        return torch_files.read_torch
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < path.stat().st_size:
        return torch_files.read_safetensors
    return _text_reader(path, head)


def _zip_reader(path: Path) -> Callable[[Path], Any]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile as error:
        raise DataError(
            f"{printable(path)} is a damaged zip archive: {printable(error)}",
            hint="It may be cut short; copy or write it again.",
        ) from error
    if any(name.endswith("data.pkl") for name in names):
        return torch_files.read_torch
    if any(name.endswith(".npy") for name in names):
        return numpy_files.read_npz
    raise DataError(
        f"{printable(path)} is a zip archive without arrays in it", hint="Unpack it first."
    )


def _text_reader(path: Path, head: bytes) -> Callable[[Path], Any]:
    try:
        text = (
            head.decode("utf-8-sig")
            if len(head) < _HEAD
            else head[:-4].decode("utf-8-sig", "ignore")
        )
        plain = "\0" not in text and (len(head) < _HEAD or _mostly_text(head))
    except UnicodeDecodeError:
        text, plain = "", _mostly_text(head) and b"\0" not in head
    if not plain:
        raise DataError(f"{printable(path)} is no data file that is known here", hint=_KNOWN)
    suffix = path.suffix.casefold()
    if suffix == ".py":
        raise DataError(
            f"{printable(path)} is Python code",
            hint=f"Name what to take from it, as {printable(path)}:name.",
        )
    if suffix in _BINARY_SUFFIXES:
        raise DataError(
            f"{printable(path)} is a text file, not what {suffix} promises",
            hint="Check how it was written or downloaded; a table of text must be named .csv.",
        )
    if not text.strip() and len(head) < _HEAD:
        raise DataError(f"{printable(path)} holds nothing but white space", hint="Write it again.")
    return json_files.read_json if text.lstrip()[:1] in {"{", "["} else table_files.read_csv


def _mostly_text(head: bytes) -> bool:
    """At most a tenth of the bytes are control characters other than white space."""
    control = sum(byte < 9 or 13 < byte < 32 for byte in head)  # noqa: PLR2004 - ASCII control codes
    return control * 10 <= len(head)


def exists(path: Path) -> bool:
    """Whether there is anything at ``path``; names that no file system takes don't exist."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _missing(path: Path) -> None:
    folder = path.parent
    try:
        names = os.listdir(folder) if folder.is_dir() else []  # noqa: PTH208 - names are wanted
    except OSError:
        names = []
    where = "" if folder.is_dir() else f"There is no folder {printable(folder)} either. "
    raise DataError(
        f"there is no file {printable(path)}",
        hint=f"{nearest(path.name, names)}{where}Check the path.",
    )
