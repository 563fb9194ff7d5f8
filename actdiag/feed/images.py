"""Folders of images, read on demand; subfolders are classes. Needs the extra ``images``."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from actdiag.errors import DataError
from actdiag.feed.names import listed, printable

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
_DEEP = {"I", "F"}
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


@dataclass(frozen=True)
class ImageRows:
    """Images as an array ``(n, channels, height, width)`` of floats in [0, 1], read when indexed.

    Attributes:
        labels: index of each image's folder among the sorted folder names; None without folders.
    """

    paths: tuple[Path, ...]
    size: tuple[int, int]
    channels: int
    labels: np.ndarray[Any, Any] | None
    notes: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n, channels, height, width)``."""
        width, height = self.size
        return len(self.paths), self.channels, height, width

    def __getitem__(self, index: Any) -> np.ndarray[Any, Any]:
        chosen = np.arange(len(self.paths))[index]
        return np.stack([self._read(self.paths[place]) for place in chosen])

    def with_channels(self, channels: int) -> ImageRows:
        """The same images as grey (1), RGB (3) or RGBA (4); unchanged for any other number."""
        if channels not in _MODES:
            return self
        return ImageRows(self.paths, self.size, channels, self.labels, self.notes)

    def _read(self, path: Path) -> np.ndarray[Any, Any]:
        pixels = np.asarray(decoded(path, self.size).convert(_MODES[self.channels]))
        scaled = pixels.astype(np.float32) / 255
        return scaled[None] if scaled.ndim == 2 else scaled.transpose(2, 0, 1)  # noqa: PLR2004 - grey


def open_folder(folder: Path) -> ImageRows:
    """The images in ``folder``, sorted by name.

    Raises:
        DataError: no images, images beside folders of images, or Pillow isn't installed.
    """
    loose = _images(folder)
    classes = {sub.name: _images(sub) for sub in sorted(folder.iterdir()) if _is_class(sub)}
    classes = {name: paths for name, paths in classes.items() if paths}
    what = printable(folder)
    if loose and classes:
        raise DataError(
            f"{what} holds images beside folders of images",
            hint="Give a folder with one subfolder per class, or one with images only.",
        )
    if not loose and not classes:
        files = [path.name for path in sorted(folder.iterdir()) if path.is_file()]
        found = f"It holds {listed(files)}: give one of them. " if files else ""
        raise DataError(f"there are no images in {what}", hint=f"{found}Give a file or a folder.")
    paths = loose or [path for group in classes.values() for path in group]
    first = load(paths[0])
    notes = ["images were scaled from 0..255 to 0..1"]
    labels = None
    if classes:
        labels = np.repeat(np.arange(len(classes)), [len(group) for group in classes.values()])
        legend = listed(f"{index} = {name}" for index, name in enumerate(classes))
        notes.append(f"labels are the subfolders: {legend}")
    channels = 1 if first.mode in {"1", "L"} else 3
    return ImageRows(tuple(paths), first.size, channels, labels, tuple(notes))


def _is_class(folder: Path) -> bool:
    return folder.is_dir() and not folder.name.startswith(".")


def _images(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.casefold() in _SUFFIXES and p.is_file())


def load(path: Path) -> Image:
    """One image, decoded; DataError if that isn't possible or the image is suspiciously large."""
    with warnings.catch_warnings():
        # Pillow's own warning, known by its words: Pillow may not be there.
        warnings.filterwarnings("error", message="Image size .* exceeds limit")
        return decoded(path)


def decoded(path: Path, size: tuple[int, int] | None = None) -> Image:
    """One image of the given width and height.

    Unlike :func:`load` it may run beside the model: what it warns of is left to the process.

    Raises:
        DataError: it has another size, or can't be read.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise DataError(
            "reading images needs Pillow, which is not installed",
            hint="Install it with: pip install 'torch-actdiag[images]'",
        ) from error
    bombs = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    try:
        with Image.open(path) as image:
            if size is not None and image.size != size:
                raise _another_size(path, image.size, size)
            image.load()
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError, *bombs) as error:
        raise DataError(
            f"{printable(path)} is no readable image: {printable(error)}",
            hint="Remove it from the folder, or write it again.",
        ) from error
    if image.mode in _DEEP or image.mode.startswith("I;16"):
        raise DataError(
            f"{printable(path)} has 16 bits or more per pixel, and no scale is known for it",
            hint="Give a Dataset that scales it the way the training did, as file.py:name.",
        )
    return image


def _another_size(path: Path, size: tuple[int, int], first: tuple[int, int]) -> DataError:
    return DataError(
        f"{printable(path)} is {size[0]} × {size[1]} pixels, "
        f"the first image {first[0]} × {first[1]}",
        hint="Resize the images first, or give a Dataset that does, as file.py:name.",
    )
