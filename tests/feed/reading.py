"""Reading what a feed gives."""

from __future__ import annotations

import torch


def labels_of(batches):
    """The labels of one batch or of several, joined; fails where there are none."""
    several = [batches] if hasattr(batches, "labels") else batches
    labels = [batch.labels for batch in several]
    assert all(part is not None for part in labels)
    return torch.cat(labels)


def inputs_of(batches):
    """The first input of all batches, joined."""
    return torch.cat([batch.inputs[0] for batch in batches])
