"""Small blocks, so that small tensors are cut everywhere; one thread, since tensors are tiny."""

from __future__ import annotations

import pytest
import torch

from actdiag.stats import layout, library, native, picks


@pytest.fixture(autouse=True, scope="package")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def measured_by(name, *, registers=None):
    """Within the block, tensors on the CPU are measured by that backend."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(library.VARIABLE, name)
        native.forget()
        if name == "native" and library.load(library.PATH)[0] is None:
            pytest.skip("the native backend was not built here")
        if registers is not None:
            found = library.backend().library.actdiag_widest(registers)
            if found != registers:
                pytest.skip(f"this machine has no {library.REGISTERS[registers]}")
        yield name
    native.forget()


@pytest.fixture(scope="module", params=["stock", "native"])
def both_backends(request):
    yield from measured_by(request.param)


@pytest.fixture(scope="module", params=range(len(library.REGISTERS)), ids=library.REGISTERS)
def every_register(request):
    yield from measured_by("native", registers=request.param)


@pytest.fixture
def tiny_blocks(monkeypatch):
    monkeypatch.setattr(layout, "BLOCK_ELEMENTS", 8)
    monkeypatch.setattr(layout, "WIDEST", 4)
    monkeypatch.setattr(picks, "AT_ONCE", 8)
