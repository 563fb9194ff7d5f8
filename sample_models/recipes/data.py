"""The real data sets behind the sample models, all bundled with scikit-learn.

A :class:`Task` is one data set, split and prepared in one way: what a model is trained on and the
held-out part that is written to ``data/<name>.npz``. Preparing the inputs differently (raw,
standardised, 8-bit) is a different task, because a file holds exactly what is fed to the model.
"""

from __future__ import annotations

import importlib.resources
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets

if TYPE_CHECKING:
    from collections.abc import Callable

Array = NDArray[Any]
SPLIT_SEED = 20_240


@dataclass(frozen=True, eq=False)
class Task:
    """Training data ``(n, ...)``, held-out data ``(m, ...)`` and text stored beside them."""

    train_x: Array
    train_y: Array
    x: Array
    y: Array
    chance: float | None
    notes: dict[str, str] = field(default_factory=dict)


def majority_share(labels: Array) -> float:
    """Accuracy of always answering the most frequent label."""
    _, counts = np.unique(labels, return_counts=True)
    return float(counts.max() / counts.sum())


def split(x: Array, y: Array, held_out: int) -> Task:
    """Shuffle with a fixed seed and keep ``held_out`` samples apart."""
    order = np.random.default_rng(SPLIT_SEED).permutation(len(x))
    test, train = order[:held_out], order[held_out:]
    return Task(x[train], y[train], x[test], y[test], majority_share(y[test]))


def digits_in(unit: float) -> Task:
    """Handwritten digits, 8 x 8 grey values from 0 to ``unit``; 1297 to train on, 500 held out."""
    x, y = datasets.load_digits(return_X_y=True)
    return split(np.round(x * (unit / 16), 6).astype(np.float32), y.astype(np.int64), 500)


@cache
def digits_8bit() -> Task:
    """Digits as grey values 0..255, the way an image file stores them."""
    task = digits_in(unit=255)
    return Task(np.round(task.train_x), task.train_y, np.round(task.x), task.y, task.chance)


@cache
def digits() -> Task:
    """Digits normalised with one mean and one standard deviation over all training pixels."""
    task = digits_in(unit=1)
    mean, std = task.train_x.mean(dtype=np.float64), task.train_x.std(dtype=np.float64)

    def normalised(x: Array) -> Array:
        return np.asarray((x - mean) / std, dtype=np.float32)

    return Task(normalised(task.train_x), task.train_y, normalised(task.x), task.y, task.chance)


@cache
def digits_small() -> Task:
    """Only 300 of the training images, correctly labelled; the same held-out part."""
    task = digits()
    return Task(task.train_x[:300], task.train_y[:300], task.x, task.y, task.chance)


@cache
def digits_noisy() -> Task:
    """As :func:`digits_small`, but 40 % of the training labels were shuffled among each other."""
    task = digits_small()
    generator = np.random.default_rng(SPLIT_SEED + 1)
    mixed = generator.permutation(len(task.train_y))[: int(0.4 * len(task.train_y))]
    labels = task.train_y.copy()
    labels[mixed] = labels[generator.permutation(mixed)]
    return Task(task.train_x, labels, task.x, task.y, task.chance)


@cache
def cancer_raw() -> Task:
    """Breast cancer, 30 measurements in their own units; 369 to train on, 200 held out."""
    x, y = datasets.load_breast_cancer(return_X_y=True)
    return split(x.astype(np.float32), y.astype(np.int64), 200)


@cache
def cancer() -> Task:
    """As :func:`cancer_raw`, standardised with the training part's mean and standard deviation."""
    task = cancer_raw()
    mean, std = task.train_x.mean(axis=0), task.train_x.std(axis=0)
    return Task(
        (task.train_x - mean) / std, task.train_y, (task.x - mean) / std, task.y, task.chance
    )


@cache
def cancer_complete() -> Task:
    """Breast cancer, the 13 records with a zero measurement kept out of the training part only."""
    x, y = datasets.load_breast_cancer(return_X_y=True)
    zero = (x == 0).any(axis=1)
    rest = split(x[~zero].astype(np.float32), y[~zero].astype(np.int64), 200 - int(zero.sum()))
    order = np.random.default_rng(SPLIT_SEED).permutation(200)
    held_x = np.concatenate([rest.x, x[zero].astype(np.float32)])[order]
    held_y = np.concatenate([rest.y, y[zero].astype(np.int64)])[order]
    return Task(rest.train_x, rest.train_y, held_x, held_y, majority_share(held_y))


@cache
def diabetes() -> Task:
    """Disease progression, 25..346, from ten standardised measurements; a regression."""
    x, y = datasets.load_diabetes(return_X_y=True, scaled=False)
    task = split(x.astype(np.float32), y.astype(np.float32)[:, None], 142)
    mean, std = task.train_x.mean(axis=0), task.train_x.std(axis=0)
    return Task((task.train_x - mean) / std, task.train_y, (task.x - mean) / std, task.y, None)


TEXT_FILES = [
    "breast_cancer",
    "california_housing",
    "covtype",
    "diabetes",
    "digits",
    "iris",
    "kddcup99",
    "lfw",
    "linnerud",
    "olivetti_faces",
    "rcv1",
    "species_distributions",
    "twenty_newsgroups",
    "wine_data",
]
TEXT_SOURCE = (
    "scikit-learn's descriptions of its data sets (sklearn/datasets/descr/*.rst), BSD-3-Clause, "
    "lower-cased"
)
TOKENS = 48


@cache
def text() -> Task:
    """Character ids ``(n, 48)`` of scikit-learn's own documentation, labelled with the next ids.

    Every seventh window of the text is held out; the windows between are the training part.
    """
    folder = importlib.resources.files("sklearn.datasets") / "descr"
    whole = "".join(
        (folder / f"{name}.rst").read_text(encoding="utf-8") for name in TEXT_FILES
    ).lower()
    kept = "".join(character for character in whole if character == "\n" or " " <= character <= "~")
    vocabulary = "".join(sorted(set(kept)))
    ids = np.array([vocabulary.index(character) for character in kept], dtype=np.int64)
    windows = [ids[start : start + TOKENS + 1] for start in range(0, len(ids) - TOKENS, TOKENS + 1)]
    held = np.stack(windows[::7])
    train = np.stack([window for place, window in enumerate(windows) if place % 7])
    notes = {"vocabulary": vocabulary, "source": TEXT_SOURCE}
    return Task(
        train[:, :-1], train[:, 1:], held[:, :-1], held[:, 1:], majority_share(held[:, 1:]), notes
    )


TASKS: dict[str, Callable[[], Task]] = {
    task.__name__: task
    for task in (
        digits,
        digits_8bit,
        digits_small,
        digits_noisy,
        cancer,
        cancer_raw,
        cancer_complete,
        diabetes,
        text,
    )
}


def arrays(name: str) -> dict[str, Array]:
    """What ``data/<name>.npz`` holds: a held-out part, or for ``<task>_train`` a training part."""
    if name.endswith("_train"):
        task = TASKS[name.removesuffix("_train")]()
        return {"x": task.train_x, "y": task.train_y}
    task = TASKS[name]()
    return {"x": task.x, "y": task.y, **{key: np.array(note) for key, note in task.notes.items()}}
