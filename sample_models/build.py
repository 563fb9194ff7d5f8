"""Train every sample model again: ``python sample_models/build.py [--only NAME] [--check]``.

Writes ``models/*.pt``, ``data/*.npz``, ``manifest.json`` and the table in ``README.md``. On the
same machine and the same version of PyTorch the tensors come out identical, which ``--check``
verifies without writing anything.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # so that the file runs as a script, from anywhere

from sample_models.readme import with_table  # noqa: E402
from sample_models.recipes import RECIPES  # noqa: E402
from sample_models.recipes.data import TASKS, arrays  # noqa: E402
from sample_models.recipes.kit import Recipe, held_out_score  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable

Entry = dict[str, Any]
MANIFEST = HERE / "manifest.json"
README = HERE / "README.md"
SIZE_LIMIT = 500_000  # bytes a file, so that a clone stays small


def trained(recipe: Recipe) -> nn.Module:
    """The recipe's model, trained from its own seed on one thread with deterministic algorithms."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    torch.manual_seed(recipe.seed)
    return recipe.make().eval()


def entry_of(recipe: Recipe, model: nn.Module) -> Entry:
    """The manifest's row about one model."""
    task = TASKS[recipe.data]()
    score = round(held_out_score(model, task), 4)
    regression = task.chance is None
    return {
        "name": recipe.name,
        "file": f"sample_models/models/{recipe.name}.pt",
        "format": "state-dict" if recipe.factory else "pickled-module",
        "model": f"sample_models/factories.py:{recipe.factory}" if recipe.factory else None,
        "data": f"sample_models/data/{recipe.data}.npz",
        "train_data": f"sample_models/data/{recipe.train_data}.npz" if recipe.train_data else None,
        "task": recipe.task,
        "sick": recipe.sick,
        "about": recipe.about,
        "mistake": recipe.mistake,
        "twin": recipe.twin,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "held_out_accuracy": None if regression else score,
        "held_out_r2": score if regression else None,
        "chance_accuracy": None if task.chance is None else round(task.chance, 4),
        "expected_codes": list(recipe.codes),
        "expected_symptoms": dict(recipe.symptoms),
    }


def model_bytes(recipe: Recipe, model: nn.Module) -> bytes:
    """The checkpoint: a state dict where a factory exists, else the whole pickled module."""
    buffer = io.BytesIO()
    torch.save(model.state_dict() if recipe.factory else model, buffer)
    return buffer.getvalue()


def data_bytes(name: str) -> bytes:
    """One data file as compressed ``.npz``."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays(name))
    return buffer.getvalue()


def tensors(content: bytes) -> dict[str, bytes]:
    """Every tensor of a checkpoint of ours as raw bytes, which compares NaN with NaN."""
    classes: list[Any] = [kind for kind in vars(nn).values() if isinstance(kind, type)]
    with torch.serialization.safe_globals(classes):
        loaded = torch.load(io.BytesIO(content), weights_only=True)
    state = loaded.state_dict() if isinstance(loaded, nn.Module) else loaded
    return {name: tensor.numpy().tobytes() for name, tensor in state.items()}


def data_arrays(content: bytes) -> dict[str, bytes]:
    """Every array of a data file as raw bytes."""
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return {name: file[name].tobytes() for name in file.files}


def same(path: Path, content: bytes) -> bool:
    """Whether the file holds the same numbers as ``content`` (or the same text)."""
    if not path.exists():
        return False
    known = path.read_bytes()
    read = {".pt": tensors, ".npz": data_arrays}.get(path.suffix)
    return known == content or (read is not None and read(known) == read(content))


def settle(path: Path, content: bytes, *, check: bool) -> bool:
    """Write the file unless it holds these numbers; with ``check`` only tell. True if it did."""
    if len(content) > SIZE_LIMIT:
        raise ValueError(
            f"{path.name} has {len(content)} bytes, more than {SIZE_LIMIT}: make it smaller."
        )
    unchanged = same(path, content)
    if not unchanged and not check:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    state = "same" if unchanged else "DIFFERS" if check else "written"
    print(f"{state:8} {path.relative_to(HERE)} ({len(content) / 1000:.1f} kB)")
    return unchanged


def manifest_with(entries: Iterable[Entry]) -> list[Entry]:
    """The committed manifest with these rows for the old ones, in the order of the recipes."""
    known = (
        {entry["name"]: entry for entry in json.loads(MANIFEST.read_text())}
        if MANIFEST.exists()
        else {}
    )
    known |= {entry["name"]: entry for entry in entries}
    return [known[recipe.name] for recipe in RECIPES if recipe.name in known]


def build(recipes: list[Recipe], *, check: bool) -> bool:
    """Train, and write or compare, everything these recipes need. True if nothing differs."""
    files: dict[Path, bytes] = {}
    entries = []
    for recipe in recipes:
        model = trained(recipe)
        entries.append(entry_of(recipe, model))
        files[HERE / "models" / f"{recipe.name}.pt"] = model_bytes(recipe, model)
        for name in filter(None, (recipe.data, recipe.train_data)):
            files[HERE / "data" / f"{name}.npz"] = data_bytes(name)
    manifest = manifest_with(entries)
    files[MANIFEST] = (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()
    files[README] = with_table(README.read_text(encoding="utf-8"), manifest).encode()
    unchanged = [settle(path, content, check=check) for path, content in files.items()]
    return all(unchanged)


def main() -> int:
    """Command line; 1 if ``--check`` found a difference."""
    parser = argparse.ArgumentParser(description="Train the sample models again.")
    parser.add_argument(
        "--only", action="append", metavar="NAME", choices=[recipe.name for recipe in RECIPES]
    )
    parser.add_argument(
        "--check", action="store_true", help="compare with the files that are there, write nothing"
    )
    arguments = parser.parse_args()
    chosen = [
        recipe for recipe in RECIPES if arguments.only is None or recipe.name in arguments.only
    ]
    unchanged = build(chosen, check=arguments.check)
    return 1 if arguments.check and not unchanged else 0


if __name__ == "__main__":
    sys.exit(main())
