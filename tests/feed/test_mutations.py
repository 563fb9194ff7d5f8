"""Random damage to every format: an error of ours or data, never a crash and never code."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save as safetensors_bytes

from actdiag.errors import ActdiagError
from actdiag.feed import open_data

X = np.arange(30, dtype=np.float32).reshape(10, 3)
Y = np.arange(10) % 2


def saved(save):
    file = io.BytesIO()
    save(file)
    return file.getvalue()


def tensors(file, *, zipped=True):
    data = (torch.from_numpy(X), torch.from_numpy(Y))
    torch.save(data, file, _use_new_zipfile_serialization=zipped)


FORMATS = {
    "npy": saved(lambda f: np.save(f, X)),
    "npz": saved(lambda f: np.savez(f, x=X, y=Y)),
    "compressed": saved(lambda f: np.savez_compressed(f, x=X, y=Y)),
    "pt": saved(tensors),
    "legacy": saved(lambda f: tensors(f, zipped=False)),
    "safetensors": safetensors_bytes({"x": torch.from_numpy(X), "y": torch.from_numpy(Y)}),
    "csv": ("a,b,y\n" + "\n".join(f"{a},{b},1" for a, b, _ in X)).encode(),
    "json": json.dumps({"x": X.tolist(), "y": Y.tolist()}).encode(),
}


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=4))
@pytest.mark.filterwarnings("ignore")
def test_damage_is_an_error_of_ours_or_data(tmp_path, name, damage):
    content = bytearray(FORMATS[name])
    for place, value in damage:
        content[int(place * (len(content) - 1))] = value
    path = tmp_path / f"damaged.{name}"
    path.write_bytes(bytes(content))
    said = ""
    try:
        for batch in open_data(path):
            assert batch.samples > 0
    except ActdiagError as error:
        said = error.message + error.hint
        assert error.message  # noqa: PT017 - either outcome is fine, this is about one of them
    assert said.isprintable()
