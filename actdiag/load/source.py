"""Opening a model file: what is there, before anything decides what it means."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

from actdiag.errors import ModelFileError
from actdiag.load.archive import Archive, read_archive
from actdiag.load.mistaken import not_a_model
from actdiag.text import printable

HEAD = 4096
CHUNK = 1 << 20
WEIGHT_SUFFIXES = (".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".pt2", ".jit")


@dataclass(frozen=True)
class ModelFile:
    """A regular, readable, non-empty file.

    Attributes:
        path: as the user gave it.
        head: its first 4096 bytes.
        size: its length in bytes.
        part: the key in it that is meant, in ``FILE:KEY``; ``""`` where none was named.
    """

    path: Path
    head: bytes
    size: int
    part: str = ""

    def __str__(self) -> str:
        return printable(f"{self.path}:{self.part}" if self.part else self.path)

    @cached_property
    def archive(self) -> Archive | None:
        """The zip archive that the file is, or null when it is none.

        Raises:
            ModelFileError: it begins as a zip archive and is cut off, or claims absurd sizes.
        """
        return read_archive(self.path, self.size) if self.head.startswith(b"PK") else None

    def sha256(self) -> str:
        """Hash of the whole file, read in pieces."""
        digest = hashlib.sha256()
        with self.path.open("rb") as opened:
            while piece := opened.read(CHUNK):
                digest.update(piece)
        return digest.hexdigest()


def divided(text: str) -> tuple[str, str]:
    """``FILE`` and ``KEY`` of ``FILE:KEY``, the key empty where the text is not of that form.

    It is where there is such a file and it is no Python code: a drive's letter and a colon in a
    file's own name are part of the path.
    """
    front, colon, key = text.rpartition(":")
    if not (colon and key) or front.endswith(".py") or _exists(text):
        return text, ""
    return (front, key) if _is_file(front) else (text, "")


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):
        return False


def _is_file(text: str) -> bool:
    return _exists(text) and Path(text).is_file()


def open_model_file(path: str | Path) -> ModelFile:
    """Look at the first bytes of ``FILE`` or, where a part of it is meant, of ``FILE:KEY``.

    Raises:
        ModelFileError: there is no such file, it is no regular file, it is empty or unreadable,
            or its first bytes show that it is something else than a model.
    """
    text, part = divided(str(path))
    place, shown = Path(text), printable(text)
    try:
        status = place.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ModelFileError(
                f"{shown} is {_kind(place)}, not a model file.", hint=_inside(place)
            )
        with place.open("rb") as opened:
            head = opened.read(HEAD)
    except FileNotFoundError:
        raise ModelFileError(f"There is no file {shown}.", hint=_nearest(place)) from None
    except PermissionError:
        hint = "Check its permissions (ls -l), or run as the user who owns it."
        raise ModelFileError(f"{shown} may not be read by this user.", hint=hint) from None
    except (OSError, ValueError) as error:
        reason = printable(error)
        raise ModelFileError(f"{shown} cannot be opened: {reason}.", hint="") from None
    if mistake := not_a_model(shown, head, status.st_size):
        raise mistake
    return ModelFile(place, head, status.st_size, part)


def _kind(place: Path) -> str:
    return "a folder" if place.is_dir() else "a device or a pipe"


def _inside(folder: Path) -> str:
    if not folder.is_dir():
        return "Give the path of a checkpoint file."
    models = sorted(item.name for item in folder.iterdir() if item.suffix in WEIGHT_SUFFIXES)
    if not models:
        return "Give the path of a checkpoint file, or a Hugging Face folder with a config.json."
    missing = "It has no config.json, as a Hugging Face folder would"
    return f"It holds {_listed(models)}; give one of them. {missing}."


def _nearest(place: Path) -> str:
    folder = place.parent
    try:
        names = sorted(item.name for item in folder.iterdir())
    except OSError:
        return f"The folder {printable(folder)} does not exist or cannot be read either."
    near = get_close_matches(place.name, names, n=3, cutoff=0.6)
    near = near or [name for name in names if Path(name).stem == place.stem][:3]
    if near:
        return f"Did you mean {_listed([str(folder / name) for name in near])}?"
    models = [name for name in names if Path(name).suffix in WEIGHT_SUFFIXES]
    where = "this folder" if folder == Path() else printable(folder)
    return f"In {where} there {_are(models)}."


def _are(names: list[str]) -> str:
    if not names:
        return "is no model file"
    return f"{'is' if len(names) == 1 else 'are'} {_listed(names)}"


def _listed(names: list[str], limit: int = 5) -> str:
    shown = ", ".join(printable(name) for name in names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown
