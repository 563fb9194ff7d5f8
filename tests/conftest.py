"""What holds for every test: no network, two threads, the same examples in every run in CI."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys

# Before torch is imported, here or in a subprocess that a test starts.
os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("MKL_NUM_THREADS", "2")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest
from hypothesis import settings

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")
if os.environ.get("CI"):
    import torch

    torch.manual_seed(0)  # else a model made at import has other weights in every run


class NetworkUsedError(AssertionError):
    """A test tried to reach another machine."""


def is_local(host: str | bytes | None) -> bool:
    """Whether this is a loopback address, by number or by its usual name."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in {None, "", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False  # a name, which would have to be looked up elsewhere


@pytest.fixture(autouse=True)
def gradients_stay_on():
    """What a test leaves switched off would fail others, far from it."""
    yield
    torch = sys.modules.get("torch")
    assert torch is None or torch.is_grad_enabled()


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Connecting to another machine, or looking one up, fails with the address in the message."""

    def refuse_strangers(owner, name, host_of):
        original = getattr(owner, name)

        def guarded(*args, **kwargs):
            host = host_of(*args)
            if not is_local(host):
                message = f"tests must not use the network: {name} to {host!r}"
                raise NetworkUsedError(message)
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, guarded)

    def host_of_socket(this, address):
        return address[0] if this.family in {socket.AF_INET, socket.AF_INET6} else None

    refuse_strangers(socket.socket, "connect", host_of_socket)
    refuse_strangers(socket.socket, "connect_ex", host_of_socket)
    refuse_strangers(socket, "getaddrinfo", lambda host, *_: host)
