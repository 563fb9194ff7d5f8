"""What a model answers, as a stream: confidence, calibration, or the fit of a regression."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import torch

from actdiag.records import OutputStats
from actdiag.stats.answers import Answers
from actdiag.stats.kinds import (
    BINARY,
    CLASSES,
    IGNORED,
    MARGIN,
    class_axis,
    log_probabilities,
    one_hot,
    output_kind,
)
from actdiag.stats.layout import as_float, plain
from actdiag.stats.margins import Margins
from actdiag.stats.streams import Fit, Moments

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["OutputAccumulator", "output_kind"]

_NUMBERS_AT_ONCE = 1 << 20
_POSITIONS = 40  # the bits of an answer's number below those of its position in the sample
_GIVEN = ("kind", "assumed", "seed", "first", "drawn")
_COUNTS = ("samples", "counted", "changed", "nonfinite", "out_of_range", "misfit", "beyond")


class OutputAccumulator:
    """Streams the model's outputs in feed order; memory is bounded.

    Args:
        kind: as from :func:`output_kind` or of a record; a margin is told from values at the end.
        assumed: whether the kind is a guess.
        seed: of the sample that is kept to fit a temperature.
        first: number of the first sample in the whole data, where this is a part of it.
        drawn: the same, where the sample is drawn; it differs between separate files.
    """

    def __init__(
        self, kind: str, *, assumed: bool = False, seed: int = 0, first: int = 0, drawn: int = 0
    ) -> None:
        self.kind = "values" if kind == MARGIN else kind
        self.assumed, self.seed = assumed, seed
        self.first, self.drawn = first, drawn
        self.shape: tuple[int, ...] | None = None
        self.answers: Answers | None = None
        self.range = Moments()
        self.between = Moments()
        self.fit, self.margins = Fit(), Margins()
        self.samples = self.counted = self.changed = 0
        self.nonfinite = self.out_of_range = self.misfit = self.beyond = 0
        self.label_min: float | None = None
        self.label_max: float | None = None
        self.label_shape: tuple[int, ...] | None = None

    def update(
        self, output: Tensor, labels: Tensor | None = None, keep: Tensor | None = None
    ) -> None:
        """Take in one batch of outputs, the sample axis first, with its labels if there are any.

        Labels are class indices, one per answer (-100 leaves the answer out) or one-hot rows;
        for values they are numbers. Labels that do not fit are noted, and the answers count as
        unlabelled. ``keep``, of shape ``(samples, positions)``, is true at the positions that the
        rows of ``output`` stand for, where the others were left out of it.
        """
        before = self.samples
        if keep is not None:
            self.samples += len(keep)
        if not output.numel():
            return
        output = as_float(plain(output).cpu())
        labels = None if labels is None else plain(labels).cpu()
        self.shape = self.shape or tuple(output.shape)
        if labels is not None:
            self.label_shape = self.label_shape or tuple(labels.shape)
        output = output.reshape(1) if output.dim() == 0 else output
        if labels is not None and self.kind in ("values", *BINARY):
            self.margins.add(output, labels)
        if self.kind in (*CLASSES, *BINARY):
            self._add_answers(output, labels, keep, before)
        else:
            self._add_values(output, labels)

    def _add_values(self, output: Tensor, labels: Tensor | None) -> None:
        rows = output.flatten(1) if output.dim() > 1 else output.unsqueeze(1)
        whole = torch.isfinite(rows).all(1)
        self.nonfinite += int((~whole).sum())
        self.counted += int(whole.sum())
        self.range.add(rows[whole].flatten().unsqueeze(1))
        self.between.add(rows[whole])
        if labels is None or self.kind != "values":
            return
        self._see(labels)
        if labels.numel() != output.numel():
            self.misfit += len(rows)
            return
        wanted = labels.reshape(rows.shape).double()
        both = whole & torch.isfinite(wanted).all(1)
        self.fit.add(rows[both].double(), wanted[both])

    def _add_answers(
        self, output: Tensor, labels: Tensor | None, keep: Tensor | None, before: int
    ) -> None:
        rows, labels, samples = self._rows(output, labels)
        if keep is not None and int(keep.sum()) == len(rows):
            sample, position = keep.cpu().nonzero().unbind(1)
        else:
            place = torch.arange(len(rows))
            sample, position = place // (len(rows) // samples), place % (len(rows) // samples)
        number = sample + self.drawn + before + (position << _POSITIONS)
        sample = sample + self.first + before
        self.samples += samples if keep is None else 0
        classes = rows.shape[1] if self.kind in CLASSES else 2
        self.answers = self.answers or Answers(classes, self.seed)
        if classes != self.answers.classes:
            self.changed += samples
            return
        legal = _legal(rows, self.kind)
        self.nonfinite += int((~legal).sum())
        used = legal if labels is None else legal & (labels != IGNORED)
        self.range.add(rows[used].flatten().unsqueeze(1))
        self.between.add(_sample_means(rows, used, samples))
        if labels is not None:
            known = (labels >= 0) & (labels < classes)
            self.out_of_range += int((used & ~known).sum())
            labels = torch.where(known, labels, -1)
        if self.kind == "binary-probability":  # as the first batch told, or the last function
            self.beyond += int((used & ((rows < 0) | (rows > 1)).any(1)).sum())
        chosen = used.nonzero().squeeze(1)
        for part in torch.split(chosen, max(1, _NUMBERS_AT_ONCE // classes)):
            logs = log_probabilities(rows[part], self.kind)
            own = None if labels is None else labels[part]
            self.answers.add(logs, own, number[part], sample[part])

    def _rows(self, output: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor | None, int]:
        """Answers ``(answers, outputs)``, a label for each or null, and the number of samples."""
        fitting = None if labels is None else _class_indices(labels, output)
        if self.kind in BINARY:
            rows = output.reshape(-1, 1)
            if fitting is not None and fitting.numel() != len(rows):
                fitting = None
        else:
            axis = None if fitting is None else class_axis(output, fitting, self.kind)
            if axis is None:
                fitting, axis = None, class_axis(output, None, self.kind)
            rows = output.movedim(axis or 0, -1).reshape(-1, output.shape[axis or 0])
        if labels is not None:
            self._see(labels if fitting is None else fitting)
        if labels is not None and fitting is None:
            self.misfit += len(rows)
        if fitting is None:
            return rows, None, len(output)
        return rows, fitting.flatten(), len(fitting)

    def _see(self, labels: Tensor) -> None:
        """Note the range of the labels, those that leave an answer out aside."""
        if labels.is_complex():
            return
        known = labels[torch.isfinite(labels) & (labels != IGNORED)]
        if known.numel():
            self._take_ends(float(known.min()), float(known.max()))

    def _take_ends(self, low: float | None, high: float | None) -> None:
        lows = [end for end in (self.label_min, low) if end is not None]
        highs = [end for end in (self.label_max, high) if end is not None]
        self.label_min, self.label_max = min(lows, default=None), max(highs, default=None)

    def merge(self, other: OutputAccumulator) -> None:
        """Take in all that another one of the same kind has seen of other samples.

        The earlier samples of the two say what shape an answer has and how many classes there are.
        """
        if other.first < self.first:
            later = copy.copy(self)
            self.__dict__.update(copy.deepcopy(other).__dict__)
            other = later
        mine, its = self.answers, other.answers
        if mine is not None and its is not None and mine.classes != its.classes:
            self.changed += other.samples
            return
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.shape = self.shape or other.shape
        self.label_shape = self.label_shape or other.label_shape
        for own, more in ((self.range, other.range), (self.between, other.between)):
            own.merge(more)
        self.fit.merge(other.fit)
        self.margins.merge(other.margins)
        if its is not None:
            self.answers = mine or Answers(its.classes, self.seed)
            self.answers.merge(its)
        self._take_ends(other.label_min, other.label_max)

    def state(self) -> dict[str, Any]:
        """What it has seen, for :meth:`from_state`."""
        plain_values = {name: getattr(self, name) for name in (*_GIVEN, *_COUNTS)}
        return {
            **plain_values,
            "shape": self.shape and list(self.shape),
            "labels": [self.label_min, self.label_max],
            "label_shape": self.label_shape and list(self.label_shape),
            "answers": self.answers and self.answers.state(),
            "range": self.range.state(),
            "between": self.between.state(),
            "fit": self.fit.state(),
            "margins": self.margins.state(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """One that has seen the same."""
        found = cls(**{name: state[name] for name in _GIVEN})
        for name in _COUNTS:
            setattr(found, name, state[name])
        found.shape = state["shape"] and tuple(state["shape"])
        found.label_min, found.label_max = state["labels"]
        found.label_shape = state["label_shape"] and tuple(state["label_shape"])
        found.answers = state["answers"] and Answers.from_state(state["answers"])
        found.range = Moments.from_state(state["range"])
        found.between = Moments.from_state(state["between"])
        found.fit = Fit.from_state(state["fit"])
        found.margins = Margins.from_state(state["margins"])
        return found

    def to_record(self) -> OutputStats:
        """The numbers so far."""
        bounded = self.kind in ("logits", "log-probabilities", "binary-logit")
        low, high, rms = self.range.extremes_and_rms()
        stats = OutputStats(
            kind=self.kind,
            assumed=self.assumed,
            shape=self.shape,
            predictions=self.counted if self.answers is None else self.answers.rows,
            logit_min=low if bounded else None,
            logit_max=high if bounded else None,
            between_sample_std=self.between.rms_of_std(),
            scale=rms,
            r2=self.fit.r2(),
            agreement=self.fit.agreement(),
            label_min=self.label_min,
            label_max=self.label_max,
            label_shape=self.label_shape,
            labels_misfit=self.misfit,
            labels_foreign=self.out_of_range,
            notes=tuple(self._notes()),
        )
        if self.answers is not None:
            stats = self.answers.filled_in(stats, gap=bounded)
        if not self.margins.told:
            return stats
        notes = self._notes(of_labels=False)
        return self.margins.filled_in(replace(stats, notes=tuple(notes)), low, high)

    def _notes(self, *, of_labels: bool = True) -> list[str]:
        told = [(self.nonfinite, "answers held NaN or Inf and were left out")]
        told += (
            (self.misfit, "answers had labels that do not fit the output and count as unlabelled"),
            (self.out_of_range, "labels are no class of the output and were left out"),
            (self.changed, "samples had another number of classes and were left out"),
        ) * of_labels
        told += ((self.beyond, "probabilities lie outside 0 to 1 and were taken for its ends"),)
        return [f"{count} {text}" for count, text in told if count]


def _class_indices(labels: Tensor, output: Tensor) -> Tensor | None:
    """Labels as int64 class indices; null where they are no whole numbers."""
    if one_hot(labels, tuple(output.shape)):
        return labels.argmax(1)
    if labels.is_complex() or not bool((labels == labels.round()).all()):
        return None
    return labels.long()


def _legal(rows: Tensor, kind: str) -> Tensor:
    """Answers that can be read: finite, or of classes ruled out by -inf beside a finite one."""
    if kind in ("logits", "log-probabilities"):
        return torch.isfinite(rows.amax(1)) & ~torch.isnan(rows).any(1)
    return torch.isfinite(rows).all(1)


def _sample_means(rows: Tensor, used: Tensor, samples: int) -> Tensor:
    """Mean over the used positions of each sample, ``(samples, outputs)``."""
    if len(rows) == samples:
        return rows[used]
    parts = rows.view(samples, -1, rows.shape[1])
    weight = used.view(samples, -1, 1)
    seen = weight.sum(1)
    means = torch.where(weight, parts, 0).double().sum(1) / seen.clamp(min=1)
    return means[seen.squeeze(1) > 0]
