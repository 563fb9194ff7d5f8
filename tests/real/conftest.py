"""Fetched once; where there is no registry, these tests are skipped and say why."""

import pytest
import torch

from tests.real.wheels import PINS, UnavailableError, unpacked


@pytest.fixture(scope="session", autouse=True)
def _wheels():
    try:
        for name in PINS:
            unpacked(name)
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # statistics are many small operations, in which threads wait
    yield
    torch.set_num_threads(before)
