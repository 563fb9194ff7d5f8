"""The answers in train mode and in eval mode to the same samples, dropout off.

Layers with running statistics normalise by those of the batch while training, and by what they
remember afterwards. Where the two disagree, the model that is used is not the one that was trained.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn

from actdiag.capture import preserved
from actdiag.capture.containers import primary_output
from actdiag.capture.exported import batch_size_of
from actdiag.feed.batch import has_rows
from actdiag.records import TrainEval
from actdiag.stats.output import OutputAccumulator
from actdiag.stats.ranks import ranks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from actdiag.feed import Batch
    from actdiag.records import Scan

MOST_SAMPLES = 32  # our choice: batches of that size train well, and two passes cost little
FEWEST_SAMPLES = 16  # our choice: a variance of fewer values is known to a third at best


class Modes:
    """Keeps a few samples of the data as it passes, and compares the modes on them.

    Args:
        module: the model; where it has no layer with running statistics, nothing is kept.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.layers = len(_with_statistics(module)) if batch_size_of(module) is None else 0
        self._seen = 0
        self._kept: list[tuple[int, int, Batch]] = []

    def noting(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The batches, as they are; a few samples from all over the data are kept on the way."""
        for batch in batches:
            if self.layers and all(
                has_rows(item, batch.samples) for item in batch.named().values()
            ):
                self._note(batch)
            self._seen += batch.samples
            yield batch

    def over(self, batches: Iterable[Batch]) -> Self:
        """This, after all batches have passed; they are read only if something is kept of them."""
        for _ in self.noting(batches) if self.layers else ():
            pass
        return self

    def _note(self, batch: Batch) -> None:
        for row, rank in enumerate(ranks(self._seen, batch.samples).tolist()):
            if len(self._kept) == MOST_SAMPLES and -rank < self._kept[0][0]:
                continue
            heappush(self._kept, (-rank, self._seen + row, batch.rows(torch.tensor([row]))))
            if len(self._kept) > MOST_SAMPLES:
                heappop(self._kept)

    def added_to(self, scan: Scan) -> Scan:
        """The Scan with the comparison; as it is where there are too few samples of one shape."""
        if scan.coverage.failure is not None or len(self._kept) < FEWEST_SAMPLES:
            return scan
        try:
            twin = copy.deepcopy(self.module)
            batch = _joined([batch for *_, batch in sorted(self._kept)])
            answers = _answers(twin, batch)
        except Exception:  # noqa: BLE001 - whatever a model may raise: then nothing is known
            return scan
        if answers is None:
            return scan
        kind = scan.output.kind if scan.output else None
        in_eval, in_train = (_score(kind, answer, batch.labels) for answer in answers)
        compared = correlation(*answers)
        record = TrainEval(len(self._kept), self.layers, compared, in_train, in_eval)
        return replace(scan, train_eval=record)


def _with_statistics(module: nn.Module) -> list[nn.Module]:
    """Batch and instance norms that keep running statistics."""
    norms = nn.modules.batchnorm._NormBase  # noqa: SLF001 - the base of all of them
    return [
        item
        for item in module.modules()
        if isinstance(item, norms) and item.track_running_stats and item.running_mean is not None
    ]


def _joined(batches: list[Batch]) -> Batch:
    """One batch of all samples; raises where their shapes differ."""
    first = batches[0]

    def together(place: int | str, _value: Any) -> Any:
        return torch.cat([batch.named()[place] for batch in batches])

    given = [batch.labels for batch in batches if batch.labels is not None]
    labels = torch.cat(given) if len(given) == len(batches) else None
    return replace(first.map_inputs(together), labels=labels, samples=len(batches))


def _answers(twin: nn.Module, batch: Batch) -> tuple[Tensor, Tensor] | None:
    with preserved(twin):
        in_eval = primary_output(twin(*batch.inputs, **batch.kwargs))
        for layer in _with_statistics(twin):
            layer.training = True
        in_train = primary_output(twin(*batch.inputs, **batch.kwargs))
    if in_eval is None or in_train is None or in_eval.shape != in_train.shape:
        return None
    return in_eval, in_train


def _score(kind: str | None, answer: Tensor, labels: Tensor | None) -> float | None:
    """Accuracy, or R² of values; null where labels do not tell."""
    if kind is None or labels is None:
        return None
    judged = OutputAccumulator(kind)
    judged.update(answer.detach(), labels)
    record = judged.to_record()
    return record.r2 if record.accuracy is None else record.accuracy


def correlation(one: Tensor, other: Tensor) -> float | None:
    """Pearson's correlation over all values, finite in both; null where one does not vary."""
    pair = torch.stack([item.detach().cpu().double().flatten() for item in (one, other)])
    pair = pair[:, torch.isfinite(pair).all(0)]
    if pair.shape[1] < 2:  # noqa: PLR2004 - a line needs two points
        return None
    pair = pair - pair.mean(1, keepdim=True)
    sizes = pair.norm(dim=1)
    if not bool((sizes > 0).all()):
        return None
    found: float = (pair[0] @ pair[1] / sizes.prod()).item()
    return min(max(found, -1.0), 1.0)
