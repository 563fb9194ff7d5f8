"""Samples of the rule that compares train mode with eval mode, and its message."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from actdiag.feed import open_data
from actdiag.passes.modes import Modes
from actdiag.records import Scan, TrainEval
from tests.rules.build import scan
from tests.rules.live import Sample, cancer, train


def normed(momentum: float, *, epochs: int) -> Sample:
    """Raw measurements of tumours learnt by layers with BatchNorm and dropout."""
    layers: list[nn.Module] = [nn.BatchNorm1d(30, momentum=momentum)]
    for inputs in (30, 48):
        norm = nn.BatchNorm1d(48, momentum=momentum)
        layers += [nn.Linear(inputs, 48), norm, nn.ReLU(), nn.Dropout(0.3)]
    model = nn.Sequential(*layers, nn.Linear(48, 2))
    sample = train(model, cancer(raw=True), epochs=epochs)

    def compared(found: Scan) -> Scan:
        modes = Modes(model)
        for _ in modes.noting(open_data((sample.x, sample.y), module=model)):
            pass
        return modes.added_to(found)

    return replace(sample, beside=compared)


SICK = {"ACT117": lambda: normed(1e-4, epochs=3)}
HEALTHY = {"ACT117": lambda: normed(0.1, epochs=8)}
MESSAGES: dict[str, tuple[Scan, str]] = {
    "ACT117": (
        scan(train_eval=TrainEval(samples=32, layers=3, correlation=0.314)),
        (
            "In train mode (dropout off) the model answers otherwise than in eval mode: over 32 "
            "samples the answers correlate by 0.31 only. The running statistics of 3 norms do not "
            "fit this data."
        ),
    ),
}
