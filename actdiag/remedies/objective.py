"""What is trained for and what is judged by: the loss that output and labels call for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from actdiag.capture.containers import primary_output
from actdiag.errors import DataError
from actdiag.stats.calibration import fit_temperature
from actdiag.stats.kinds import (
    BINARY,
    CLASSES,
    IGNORED,
    MARGIN,
    class_axis,
    log_probabilities,
)

if TYPE_CHECKING:
    from actdiag.feed import Batch
    from actdiag.remedies.base import Arm

_JUDGED_AT_ONCE = 512
_FLOOR = torch.finfo(torch.float32).tiny


@dataclass(frozen=True, slots=True)
class Judged:
    """What an arm gives on held-out data: loss, score in [0, 1], accuracy of a classifier."""

    loss: float | None
    score: float
    accuracy: float | None = None


@dataclass(frozen=True, slots=True)
class Objective:
    """The loss for an output of one kind.

    Attributes:
        kind: of the output; never a margin, which is trained as the binary output that it is.
        spread: variance of a regression's labels.
        signed: whether the labels are −1 and 1, which stand for the classes 0 and 1.
    """

    kind: str
    spread: float = 1.0
    signed: bool = False

    @property
    def name(self) -> str:
        """What the loss is called."""
        if self.kind in CLASSES:
            return "cross-entropy"
        if self.kind not in BINARY:
            return "squared error"
        return f"binary cross-entropy{' (labels −1 and 1 as 0 and 1)' * self.signed}"

    @property
    def metric(self) -> str:
        """What the held-out loss is called."""
        return "MSE" if self.kind == "values" else "NLL"

    def rows(self, output: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Answers ``(answers, outputs)`` and a label for each; ignored ones left out.

        Raises:
            DataError: the labels do not fit the output.
        """
        if self.kind == "values" or self.kind in BINARY:
            if output.numel() != labels.numel():
                raise _misfit(output, labels)
            flat = labels.reshape(-1)
            known = flat != IGNORED if self.kind in BINARY else slice(None)
            rows, flat = output.reshape(-1, 1)[known], flat[known]
            return rows, (flat > 0).to(flat.dtype) if self.signed else flat
        axis = class_axis(output, labels, self.kind)
        if axis is None:
            raise _misfit(output, labels)
        rows, flat = output.movedim(axis, -1).reshape(-1, output.shape[axis]), labels.reshape(-1)
        rows, flat = rows[flat != IGNORED], flat[flat != IGNORED].long()
        if len(flat) and not 0 <= int(flat.min()) <= int(flat.max()) < rows.shape[1]:
            raise DataError(
                f"the labels lie in {int(flat.min())} to {int(flat.max())}, and the model tells "
                f"{rows.shape[1]} classes apart",
                hint="Number the classes from 0, or leave an answer out with -100.",
            )
        return rows, flat

    def loss(self, output: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
        """The mean loss of a batch, to be differentiated."""
        rows, flat = self.rows(output, labels)
        if self.kind == "values":
            return F.mse_loss(rows.squeeze(1), flat.to(rows.dtype))
        if self.kind in BINARY:
            wanted = flat.to(rows.dtype) * (1 - smoothing) + smoothing / 2
            one = rows.squeeze(1)
            if self.kind == "binary-logit":
                return F.binary_cross_entropy_with_logits(one, wanted)
            return F.binary_cross_entropy(one.clamp(0, 1), wanted)
        if self.kind == "logits":
            return F.cross_entropy(rows, flat, label_smoothing=smoothing)
        logs = rows.clamp(min=_FLOOR).log() if self.kind == "probabilities" else rows
        right = F.nll_loss(logs, flat)
        return (1 - smoothing) * right - smoothing * logs.mean()

    def logs(self, arm: Arm, samples: Batch) -> tuple[Tensor, Tensor]:
        """Log-probabilities (for values the values) and labels of prepared samples, on float64."""
        found = [
            self.rows(_answer(arm, part), _labels(part)) for part in samples.split(_JUDGED_AT_ONCE)
        ]
        rows = torch.cat([rows for rows, _ in found])
        labels = torch.cat([labels for _, labels in found])
        return (rows.double() if self.kind == "values" else log_probabilities(rows, self.kind)), (
            labels
        )

    def fitted_temperature(self, arm: Arm, samples: Batch) -> float:
        """The temperature that fits prepared samples best."""
        logs, labels = self.logs(arm, samples)
        return fit_temperature(logs, labels.long())

    def judge(self, arm: Arm, samples: Batch) -> Judged:
        """Judge an arm on prepared samples; an answer that is not finite has the score 0."""
        rows, labels = self.logs(arm, samples)
        if self.kind == "values":
            loss = float((rows.squeeze(1) - labels.double()).square().mean())
            score = 1 / (1 + loss / self.spread)
            return Judged(loss, score) if math.isfinite(loss) else Judged(None, 0.0)
        if arm.temperature != 1.0:
            rows = F.log_softmax(rows / arm.temperature, dim=1)
        loss = float(-rows.gather(1, labels.long().unsqueeze(1)).mean())
        right = (rows.argmax(1) == labels) & rows.isfinite().all(1)
        accuracy = float(right.double().mean())
        if not math.isfinite(loss):
            return Judged(None, 0.0, accuracy)
        return Judged(loss, math.exp(-loss), accuracy)


def objective_for(kind: str, output: Tensor, labels: Tensor) -> Objective:
    """The loss that an output of this kind is trained with.

    Raises:
        DataError: output and labels call for none that is known.
    """
    zero_or_one = bool(((labels == 0) | (labels == 1) | (labels == IGNORED)).all())
    several = kind == "unknown" and labels.shape == output.shape and zero_or_one  # at once
    signed = kind == MARGIN
    if several or signed:
        inside = bool(((output >= 0) & (output <= 1)).all())
        kind = "binary-probability" if inside else "binary-logit"
    if kind not in (*CLASSES, *BINARY, "values"):
        raise _misfit(output, labels)
    spread = float(labels.double().var(correction=0)) if kind == "values" else 1.0
    objective = Objective(kind, spread or 1.0, signed)
    objective.rows(output, labels)
    return objective


def _answer(arm: Arm, batch: Batch) -> Tensor:
    output = primary_output(arm(batch))
    if output is None:
        raise DataError(
            "the model answers with no tensor of real numbers",
            hint="Give a model whose forward returns logits, probabilities or values.",
        )
    return output.float()


def _labels(batch: Batch) -> Tensor:
    assert batch.labels is not None  # noqa: S101 - gathered() made sure
    return batch.labels


def _misfit(output: Tensor, labels: Tensor) -> DataError:
    return DataError(
        f"labels of shape {tuple(labels.shape)} do not fit the output {tuple(output.shape)}: no "
        "loss is known for them",
        hint="Give a class number per answer, or numbers of the output's own shape.",
    )
