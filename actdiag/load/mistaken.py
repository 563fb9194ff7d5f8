"""Files that carry a model's name and are something else, objects too: say what they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from actdiag.errors import ModelFileError, UsageError

RETRIEVE = "Download the file itself again."

# first bytes -> what it is, what to do
KNOWN: tuple[tuple[bytes, str, str], ...] = (
    (b"\x89HDF\r\n", "an HDF5 file, as Keras writes it", "actdiag reads PyTorch models."),
    (b"\x93NUMPY", "a NumPy array", "Give it as data: actdiag scan MODEL DATA."),
    (b"GGUF", "a GGUF file, whose weights are quantised for llama.cpp", "Give the original model."),
    (b"\x1f\x8b", "compressed with gzip", "Unpack it first: gunzip or tar -xzf."),
    (b"\xfd7zXZ", "compressed with xz", "Unpack it first: unxz or tar -xJf."),
    (b"BZh", "compressed with bzip2", "Unpack it first: bunzip2 or tar -xjf."),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "Unpack it first: unzstd."),
    (b"7z\xbc\xaf", "a 7-Zip archive", "Unpack it first."),
    (b"\x7fELF", "a program or shared library", "Give a checkpoint file."),
    (b"PAR1", "a Parquet table", "Give it as data: actdiag scan MODEL DATA."),
    (b"\x89PNG", "a PNG image", "Give it as data: actdiag scan MODEL DATA."),
    (b"\xff\xd8\xff", "a JPEG image", "Give it as data: actdiag scan MODEL DATA."),
    (b"%PDF", "a PDF document", "Give a checkpoint file."),
)


def not_a_model(shown: str, head: bytes, size: int) -> ModelFileError | None:
    """The error to raise when the first bytes show that this is no model; null otherwise.

    Args:
        shown: the path, safe to print.
        head: the first bytes of the file.
        size: its length in bytes.
    """
    if not size:
        hint = "Saving may have been interrupted, or the disk was full. Save or copy it again."
        return ModelFileError(f"{shown} is empty (0 bytes).", hint=hint)
    for magic, what, hint in KNOWN:
        if head.startswith(magic):
            return ModelFileError(f"{shown} is {what}, not a PyTorch model.", hint=hint)
    if _is_npz(head):
        message = f"{shown} is an archive of NumPy arrays, not a PyTorch model."
        return ModelFileError(message, hint="Give it as data: actdiag scan MODEL DATA.")
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"version https://git-lfs"):
        hint = "Get the file itself: git lfs pull."
        message = f"{shown} is a Git LFS pointer of {size} bytes, not the model it points to."
        return ModelFileError(message, hint=hint)
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        message = (
            f"{shown} is a web page saved under a model's name, perhaps a login or error page."
        )
        return ModelFileError(message, hint=RETRIEVE)
    if _is_text(head):
        hint = (
            f"To build a model from Python code, name the function or class in it: {shown}:NAME."
            if shown.endswith(".py")
            else "Give the checkpoint that torch.save or safetensors wrote."
        )
        return ModelFileError(f"{shown} is a text file, not a PyTorch model.", hint=hint)
    return None


def check_live(model: Any, data: Any) -> None:
    """Raise UsageError where an object given as the model is neither a module nor a path."""
    if isinstance(model, nn.Module | str | Path):
        return
    what, hint = f"a {type(model).__name__}", "Give an nn.Module or the path of a model file."
    if isinstance(data, nn.Module):
        hint = "The data is a module: the model comes first, scan(model, data)."
    elif isinstance(model, type) and issubclass(model, nn.Module):
        what, hint = f"the class {model.__name__}", f"Make one of it: {model.__name__}(...)."
    elif isinstance(model, Mapping):
        hint = "Load a state dict into its module first: module.load_state_dict(...)."
    elif callable(model):
        hint = "A function has no layers to look at: give the nn.Module that it calls."
    raise UsageError(f"the model is {what}, not a module", hint=hint)


def _is_npz(head: bytes) -> bool:
    """Whether it is a zip archive whose first member is an array."""
    length = int.from_bytes(head[26:28], "little")
    return head.startswith(b"PK\x03\x04") and head[30 : 30 + length].endswith(b".npy")


def _is_text(head: bytes) -> bool:
    # A multi-byte character may be cut where the head ends, hence errors="ignore".
    text = head.decode("utf-8", errors="ignore")
    if len(text.encode()) < len(head) - 3 or not text.strip():
        return False
    return all(character.isprintable() or character in "\t\r\n\f" for character in text)
