"""Real data sets from scikit-learn, split and scaled, and how far a linear model gets on each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sample_models.recipes import data as texts

if TYPE_CHECKING:
    from benchmarks.family.case import Case

Array = NDArray[Any]
SPLIT_SEED = 7
SMALL = 300
CONTEXT = 20
HELD_OUT = {"digits": 600, "cancer": 200, "wine": 71, "iris": 60, "diabetes": 142}
LOADERS = {
    "digits": datasets.load_digits,
    "cancer": datasets.load_breast_cancer,
    "wine": datasets.load_wine,
    "iris": datasets.load_iris,
    "diabetes": datasets.load_diabetes,
}
CLASSES = {"digits": 10, "cancer": 2, "wine": 3, "iris": 3, "diabetes": 1}


@dataclass(frozen=True, eq=False)
class Split:
    """Training data, held-out data, and what is scanned.

    What is scanned is the held-out part; of data sets under 300 samples all of it, as a person
    would do who has no more.
    """

    train_x: Array
    train_y: Array
    held_x: Array
    held_y: Array
    scan_x: Array
    scan_y: Array
    outputs: int


@cache
def raw(name: str) -> Split:
    """The data in its own units; text as character ids, labelled with the next ones."""
    if name == "text":
        return _text()
    x, y = (
        LOADERS[name](return_X_y=True, scaled=False)
        if name == "diabetes"
        else LOADERS[name](return_X_y=True)
    )
    x = x.astype(np.float32)
    y = y.astype(np.float32)[:, None] if name == "diabetes" else y.astype(np.int64)
    order = np.random.default_rng(SPLIT_SEED).permutation(len(x))
    held, train = order[: HELD_OUT[name]], order[HELD_OUT[name] :]
    scanned = order if len(x) < SMALL else held
    return Split(x[train], y[train], x[held], y[held], x[scanned], y[scanned], CLASSES[name])


def _text() -> Split:
    """Windows of 20 characters; those held out are left out where training has seen them."""
    task = texts.text()
    train_x, train_y = task.train_x[:, :CONTEXT], task.train_y[:, :CONTEXT]
    seen = {row.tobytes() for row in train_x}
    unseen = [row.tobytes() not in seen for row in task.x[:, :CONTEXT]]
    held_x, held_y = task.x[unseen, :CONTEXT], task.y[unseen, :CONTEXT]
    outputs = int(max(task.train_x.max(), task.x.max())) + 1
    return Split(train_x, train_y, held_x, held_y, held_x, held_y, outputs)


def scaled(name: str, scaling: str) -> Split:
    """The data with its inputs scaled by what the training part shows.

    ``standardised`` (per feature; digits by one mean and one deviation), ``unit`` (0 to 1),
    ``raw`` (own units; digits 0 to 255 as images are stored).
    """
    split = raw(name)
    if name == "text":
        return split
    x = split.train_x
    if scaling == "raw":
        low, size = (0.0, 16 / 255) if name == "digits" else (0.0, 1.0)
    elif scaling == "unit":
        low, size = (0.0, 16.0) if name == "digits" else (x.min(axis=0), np.ptp(x, axis=0))
    else:
        by = None if name == "digits" else 0
        low, size = x.mean(axis=by), x.std(axis=by)

    def apply(values: Array) -> Array:
        return np.asarray((values - low) / size, dtype=np.float32)

    return Split(
        apply(x),
        split.train_y,
        apply(split.held_x),
        split.held_y,
        apply(split.scan_x),
        split.scan_y,
        split.outputs,
    )


def shown(case: Case) -> Split:
    """The data as the trained model of the case meets it: prepared and ordered as the case says."""
    split = scaled(case.data, case.scanned_as or case.scaling)
    order = np.random.default_rng(case.seed)
    if case.columns_mixed:
        columns = order.permutation(split.held_x.shape[1])
        split = replace(split, held_x=split.held_x[:, columns], scan_x=split.scan_x[:, columns])
    if case.labels_mixed:
        held_y, scan_y = order.permutation(split.held_y), order.permutation(split.scan_y)
        split = replace(split, held_y=held_y, scan_y=scan_y)
    return split


def skill(score: float, labels: Array) -> float:
    """R² as it is; an accuracy over what always answering the most frequent label gets."""
    if labels.dtype.kind == "f":
        return score
    majority = float(np.bincount(labels.ravel()).max() / labels.size)
    return (score - majority) / (1 - majority)


@cache
def reference_skill(name: str) -> float:
    """Held-out skill of a linear model; of text, of the likeliest successor of each character."""
    split = raw(name)
    if name == "text":
        counts = np.zeros((split.outputs, split.outputs))
        np.add.at(counts, (split.train_x.ravel(), split.train_y.ravel()), 1)
        right = counts.argmax(axis=1)[split.held_x] == split.held_y
        return skill(float(right.mean()), split.held_y)
    model = Ridge() if name == "diabetes" else LogisticRegression(max_iter=2000)
    fitted = make_pipeline(StandardScaler(), model).fit(split.train_x, split.train_y.ravel())
    return skill(float(fitted.score(split.held_x, split.held_y.ravel())), split.held_y)
