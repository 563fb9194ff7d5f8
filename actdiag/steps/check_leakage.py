"""Debug step: check for data leakage."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from actdiag.records import Outcome
from actdiag.steps.base import Case, Result, Step, needs, not_applicable
from actdiag.steps.depth import percent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actdiag.measure import Batch

_HARMFUL = 0.01  # our choice: one shared sample in a hundred already moves an accuracy


def carry_out(case: Case) -> Result:
    """Look for samples of the data that stand, value for value, in the training data."""
    if case.scan.data.synthetic:
        return not_applicable("The input is synthetic.")
    bench = case.bench
    if bench is None or bench.train is None:
        return needs("Needs the training data: --train-data FILE.")
    trained = dict(_hashes(bench.train))
    judged = list(_hashes(bench.data))
    shared = [(label, trained[key]) for key, label in judged if key in trained]
    conflicts = sum(1 for here, there in shared if None not in (here, there) and here != there)
    repeated = len(judged) - len({key for key, _ in judged})
    measured = {
        "samples": len(judged),
        "training_samples": len(trained),
        "shared": len(shared),
        "label_conflicts": conflicts,
        "repeated": repeated,
    }
    if not shared:
        text = f"None of {len(judged)} samples is among the {len(trained)} training samples."
        return Result(Outcome.NO_EFFECT, text, measured)
    share = len(shared) / len(judged)
    text = (
        f"{len(shared)} of {len(judged)} samples ({percent(share)}) are training samples, "
        f"{conflicts} of them under another label. Take them out and judge again."
    )
    return Result(Outcome.DONE if share >= _HARMFUL else Outcome.NO_EFFECT, text, measured)


def _hashes(batches: Iterable[Batch]) -> Iterable[tuple[bytes, float | None]]:
    """A digest of each sample's values and, where it has a single one, its label."""
    from actdiag.capture.containers import tensors_in

    for batch in batches:
        parts = [
            tensor.detach().double().reshape(batch.samples, -1).cpu().numpy()
            for tensor in tensors_in((batch.inputs, batch.kwargs))
            if tensor.dim() and tensor.shape[0] == batch.samples
        ]
        single = batch.labels is not None and batch.labels.dim() == 1
        labels = batch.labels.tolist() if single and batch.labels is not None else None
        for row in range(batch.samples):
            digest = hashlib.blake2b(digest_size=16)
            for part in parts:
                digest.update((part[row] + 0.0).tobytes())
            yield digest.digest(), labels[row] if labels else None


STEP = Step("check-leakage", "Check for data leakage", carry_out, works_on_copy=True)
