"""Zip archives as torch writes them: what they hold, and whether their sizes can be true."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actdiag.errors import ModelFileError
from actdiag.text import printable

if TYPE_CHECKING:
    from pathlib import Path

# torch never compresses weights. Our choice: what is compressed (code, JSON) may unpack to this
# many bytes more than the file's own length, and no further.
UNPACKED_LIMIT = 1 << 30
LOCAL_HEADER = 30


@dataclass(frozen=True)
class Archive:
    """The directory of a zip archive.

    Attributes:
        path: the file.
        root: the folder that everything in it lies in, as torch lays it out; may be ``""``.
        entries: path inside ``root`` -> the zip directory's entry.
        mappable: no tensor data is compressed, so the file can be mapped into memory.
    """

    path: Path
    root: str
    entries: dict[str, zipfile.ZipInfo]
    mappable: bool

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    @property
    def unpacked(self) -> int:
        """Bytes that all entries together unpack to."""
        return sum(info.file_size for info in self.entries.values())

    def has_folder(self, folder: str) -> bool:
        """Whether anything lies in this folder."""
        return any(name.startswith(folder + "/") for name in self.entries)

    def read(self, name: str) -> bytes:
        """The bytes of one entry.

        Raises:
            ModelFileError: the entry is damaged.
        """
        try:
            with zipfile.ZipFile(self.path) as opened:
                return opened.read(self.entries[name])
        except (OSError, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
            raise _broken(self.path, error) from None
        except (zipfile.BadZipFile, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
            raise _broken(self.path, error) from None


def read_archive(path: Path, size: int) -> Archive:
    """Read the directory of a zip archive.

    Raises:
        ModelFileError: the directory at the end is missing or damaged, or the entries claim more
            bytes than the file can hold.
    """
    try:
        with zipfile.ZipFile(path) as opened:
            infos = opened.infolist()
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError) as error:
        if size and _ends_early(error):
            message = (
                f"{printable(path)} is cut off or damaged: it begins as a PyTorch zip file, but "
                f"its directory, which is at the end, is missing after {size:,} bytes."
            )
            raise ModelFileError(message, hint="Copy, download or save it again.") from None
        raise _broken(path, error) from None
    _check_sizes(path, size, infos)
    root = _root(infos)
    entries = {info.filename.removeprefix(root): info for info in infos}
    if len(entries) < len(infos):
        message = f"{printable(path)} holds two entries of the same name, which torch never writes."
        raise ModelFileError(message, hint="Don't trust this file; get it again from its source.")
    plain = all(
        info.compress_type == zipfile.ZIP_STORED for info in infos if "data/" in info.filename
    )
    return Archive(path, root, entries, plain)


def _root(infos: list[zipfile.ZipInfo]) -> str:
    first = infos[0].filename if infos else ""
    return first.partition("/")[0] + "/" if "/" in first else ""


def _check_sizes(path: Path, size: int, infos: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(info.file_size for info in infos)
    if unpacked > size + UNPACKED_LIMIT:
        message = (
            f"{printable(path)} is {size:,} bytes long but claims to unpack to {unpacked:,}: "
            "a zip bomb, or damaged."
        )
        raise ModelFileError(message, hint="Don't trust this file; get it again from its source.")
    for info in infos:
        stored = info.compress_type == zipfile.ZIP_STORED
        if stored and (info.file_size != info.compress_size or info.file_size > size):
            message = (
                f"{printable(path)} is damaged: its entry {printable(info.filename)} claims "
                f"{info.file_size:,} bytes, more than are there."
            )
            raise ModelFileError(message, hint="Copy, download or save it again.")


def _ends_early(error: Exception) -> bool:
    return "not a zip file" in str(error)


def _broken(path: Path, error: Exception) -> ModelFileError:
    message = f"{printable(path)} is a damaged zip archive: {printable(error)}."
    return ModelFileError(message, hint="Copy, download or save it again.")
