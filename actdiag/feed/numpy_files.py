"""``.npy`` and ``.npz`` files, mapped into memory where their bytes lie uncompressed."""

from __future__ import annotations

import math
import os
import zipfile
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy

from actdiag.errors import DataError
from actdiag.feed.names import listed, printable

if TYPE_CHECKING:
    from pathlib import Path

Array = np.ndarray[Any, np.dtype[Any]]
Header = tuple[tuple[int, ...], bool, np.dtype[Any]]

_LOCAL_HEADER = 30  # bytes before the name in a zip entry: APPNOTE.TXT 4.3.7
_AGAIN = "It may be cut short or damaged; copy or write it again."


def read_npy(path: Path) -> Array:
    """The array in a ``.npy`` file, mapped read-only.

    Raises:
        DataError: pickled objects, a damaged header, or fewer bytes than the header declares.
    """
    with path.open("rb") as file:
        return _mapped(path, file, path.stat().st_size, printable(path))


def read_npz(path: Path) -> dict[str, Array]:
    """The arrays in a ``.npz`` archive by name; uncompressed members are mapped read-only.

    Raises:
        DataError: a damaged archive, pickled objects, or members larger than memory.
    """
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
            return {
                m.filename.removesuffix(".npy"): _member(path, archive, file, m) for m in members
            }
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise _damaged(printable(path), error) from error


def _member(path: Path, archive: zipfile.ZipFile, file: IO[bytes], info: zipfile.ZipInfo) -> Array:
    what = f"{printable(info.filename)} in {printable(path)}"
    if info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1:
        file.seek(info.header_offset)
        local = file.read(_LOCAL_HEADER)
        if len(local) < _LOCAL_HEADER or local[:4] != b"PK\x03\x04":
            raise DataError(f"{what} is damaged", hint=_AGAIN)
        start = int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")
        file.seek(start, os.SEEK_CUR)
        return _mapped(path, file, file.tell() + info.file_size, what)
    return _unpacked(archive, info, what)


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo, what: str) -> Array:
    with archive.open(info) as stream:
        shape, _, dtype = _header(stream, what)
        _check_size(shape, dtype, info.file_size - stream.tell(), what)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if info.file_size > memory * 0.8:  # our choice: some must be left for the model
        raise DataError(
            f"{what} takes {info.file_size / 2**30:.1f} GiB when unpacked, more than memory holds",
            hint="Save it uncompressed (np.savez or np.save): then it is read piece by piece.",
        )
    with archive.open(info) as stream:
        try:
            return np.asarray(npy.read_array(stream, allow_pickle=False))
        except (ValueError, zipfile.BadZipFile, EOFError, MemoryError) as error:
            raise _damaged(what, error) from error


def _mapped(path: Path, file: IO[bytes], end: int, what: str) -> Array:
    """The array whose header starts where ``file`` stands, and whose bytes end before ``end``."""
    shape, fortran, dtype = _header(file, what)
    start = file.tell()
    _check_size(shape, dtype, end - start, what)
    if math.prod(shape) == 0:
        return np.empty(shape, dtype)
    order: Any = "F" if fortran else "C"
    return np.memmap(path, dtype=dtype, mode="r", offset=start, shape=shape, order=order)


def _header(file: IO[bytes], what: str) -> Header:
    try:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = read(file)
    except (ValueError, EOFError, SyntaxError, RecursionError, MemoryError) as error:
        raise _damaged(what, error) from error
    if dtype.hasobject:
        raise DataError(
            f"{what} holds pickled Python objects, which are never loaded: that could run code",
            hint="Save plain arrays: rows of equal length, numbers instead of objects.",
        )
    return shape, bool(fortran), dtype


def _check_size(shape: tuple[int, ...], dtype: np.dtype[Any], there: int, what: str) -> None:
    declared = math.prod(shape) * dtype.itemsize
    if any(length < 0 for length in shape) or declared > there:
        raise DataError(
            f"{what} declares an array of shape {printable(shape)} and type {printable(dtype)}, "
            f"{declared} bytes, but holds {there}",
            hint=_AGAIN,
        )


def _damaged(what: str, error: BaseException) -> DataError:
    return DataError(f"{what} is damaged: {listed([error])}", hint=_AGAIN)
