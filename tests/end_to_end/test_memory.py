"""A device whose memory a batch does not fit: smaller ones are tried before the scan gives up."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import actdiag

SAID = "CUDA out of memory. Tried to allocate 20.00 MiB."
ROOM = 5  # samples


class Narrow(nn.Module):
    """Raises what torch does where more samples come than there is room for."""

    def __init__(self, room, error) -> None:
        super().__init__()
        self.room, self.error, self.tries = room, error, []
        self.first, self.last = nn.Linear(6, 16), nn.Linear(16, 3)

    def forward(self, x):
        hidden = self.first(x).relu()
        self.tries.append(len(x))
        if len(x) > self.room:
            raise self.error
        return self.last(hidden)


@pytest.fixture
def data():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(50, 6, generator=generator), torch.arange(50) % 3


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError(SAID),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.05 GB)"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
    ],
    ids=["cuda", "mps", "cpu"],
)
def test_batches_are_cut_until_they_fit(data, error):
    torch.manual_seed(0)
    model = Narrow(ROOM, error).eval()
    report = actdiag.scan(model, data, batch_size=40, steps="none")
    assert model.tries[:4] == [40, 20, 10, 5]
    coverage = report.scan.coverage
    assert coverage.failure is None
    assert coverage.note.startswith("Samples per batch: 5, for memory ran out with 40.")
    assert report.scan.data.samples == 50
    model.room = 40
    whole = actdiag.scan(model, data, batch_size=40, steps="none")
    for cut, site in zip(report.scan.sites, whole.scan.sites, strict=True):
        assert cut.stats.elements == site.stats.elements
        assert cut.stats.mean == pytest.approx(
            site.stats.mean, rel=1e-6
        )  # a batch of another size rounds otherwise


def test_a_single_sample_that_does_not_fit_is_a_failure(data):
    model = Narrow(0, torch.OutOfMemoryError(SAID)).eval()
    report = actdiag.scan(model, data, batch_size=4, steps="none")
    assert model.tries[:3] == [4, 2, 1]
    assert report.scan.coverage.failure.exception == "OutOfMemoryError"
    assert report.verdict == "not-checked"


def test_another_error_is_not_tried_again(data):
    model = Narrow(ROOM, RuntimeError("mat1 and mat2 shapes cannot be multiplied")).eval()
    report = actdiag.scan(model, data, batch_size=40, steps="none")
    assert report.scan.coverage.failure is not None
    assert 20 not in model.tries


def test_memory_that_runs_out_later_leaves_what_was_measured(data):
    model = Narrow(40, torch.OutOfMemoryError(SAID)).eval()
    x, labels = data
    batches = [(x[:4], labels[:4]), (torch.cat([x, x]), torch.cat([labels, labels]))]
    report = actdiag.scan(model, batches, steps="none")
    assert report.scan.data.samples == 4
    assert report.scan.coverage.failure.exception == "OutOfMemoryError"
