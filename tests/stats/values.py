"""Arrays of every awkward kind, drawn by hypothesis and made by a seeded generator."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import strategies as st

STYLES = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "rectified": lambda rng, shape: np.maximum(rng.normal(size=shape), 0),
    "far from zero": lambda rng, shape: rng.normal(1e4, 1e-2, shape),
    "constant": lambda rng, shape: np.full(shape, rng.normal()),
    "zero": lambda rng, shape: np.zeros(shape),
    "wide": lambda rng, shape: rng.choice([-1, 1], shape) * 10.0 ** rng.uniform(-30, 30, shape),
    "denormal": lambda rng, shape: rng.normal(size=shape) * 1e-42,
    "edge": lambda rng, shape: rng.choice([-3.4e38, 3.4e38, 1.2e-38, 0.0, -0.0], shape),
    "whole": lambda rng, shape: rng.integers(-3, 4, shape).astype(float),
}
DTYPES = {
    torch.float32: STYLES,
    torch.float64: STYLES,
    torch.float16: ("normal", "rectified", "constant", "whole"),
    torch.bfloat16: ("normal", "rectified", "wide", "edge"),
    torch.int64: ("whole", "zero"),
    torch.int16: ("whole",),
    torch.uint8: ("rectified",),
    torch.bool: ("whole",),
    torch.complex64: ("normal",),
}


@st.composite
def tensors(draw, dtypes=tuple(DTYPES), max_dims=4, spoiled=True):
    """A tensor with axes of 1 to 6, contiguous or not, perhaps with NaN and Inf in it."""
    dtype = draw(st.sampled_from(dtypes))
    style = draw(st.sampled_from(tuple(DTYPES[dtype])))
    shape = draw(st.lists(st.integers(1, 6), min_size=1, max_size=max_dims))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    array = STYLES[style](rng, shape)
    if spoiled and dtype.is_floating_point and draw(st.booleans()):
        array[rng.random(shape) < 0.2] = rng.choice([np.nan, np.inf, -np.inf])
    return laid_out(torch.from_numpy(array).to(dtype), draw(st.integers(0, 4)))


def laid_out(tensor, way):
    """The same values in another layout: transposed, strided, expanded or channels-last."""
    if way == 1:
        return (
            tensor.permute(*reversed(range(tensor.dim())))
            .contiguous()
            .permute(*reversed(range(tensor.dim())))
        )
    if way == 2:
        wide = torch.zeros(*tensor.shape[:-1], 2 * tensor.shape[-1], dtype=tensor.dtype)
        wide[..., ::2] = tensor
        return wide[..., ::2]
    if way == 3:
        return tensor[:1].expand(tensor.shape)
    if way == 4 and tensor.dim() == 4:
        return tensor.contiguous(memory_format=torch.channels_last)
    return tensor


def to_numpy(tensor):
    """Values that numpy has a type for, without loss."""
    return (tensor.double() if tensor.dtype == torch.bfloat16 else tensor).numpy()
