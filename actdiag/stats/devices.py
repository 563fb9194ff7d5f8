"""Where accumulators live, and sending numbers there without waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

# Whose drivers put ordinary memory aside before they return (CUDA's guide on cudaMemcpyAsync).
STAGING = {"cuda"}


def accumulator_device(device: torch.device) -> torch.device:
    """Where float64 accumulators of tensors on ``device`` live: MPS has no float64."""
    return torch.device("cpu") if device.type == "mps" else device


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor of the CPU on a device, which where possible isn't waited for."""
    return tensor.to(device, non_blocking=device.type in STAGING)
