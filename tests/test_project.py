"""The promises of the project's own set-up."""

from __future__ import annotations

import importlib.metadata
import re
import socket
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = [
    line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")
]


def normalised(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_constraints_are_plain_pins_without_places():
    assert [pin for pin in PINS if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)] == []


def test_constraints_are_sorted_and_name_each_distribution_once():
    names = [normalised(pin.partition("==")[0]) for pin in PINS]
    assert names == sorted(set(names))


def test_every_dependency_of_every_extra_is_pinned():
    requirements = [
        *PROJECT["dependencies"],
        *(line for extra in PROJECT["optional-dependencies"].values() for line in extra),
    ]
    names = {normalised(re.split(r"[^\w.-]", line)[0]) for line in requirements}
    pinned = {normalised(pin.partition("==")[0]) for pin in PINS}
    assert names - pinned - {"torch-actdiag"} == set()


@pytest.mark.skipif(Path(sys.prefix) != ROOT / ".venv", reason="not the project's environment")
def test_what_is_installed_is_what_the_constraints_say():
    different = {}
    for pin in PINS:
        name, _, version = pin.partition("==")
        try:
            installed = importlib.metadata.version(name).partition("+")[0]
        except importlib.metadata.PackageNotFoundError:
            installed = "missing"
        if installed != version:
            different[name] = (version, installed)
    assert different == {}, "run: python3 scripts/dev.py setup"


def test_the_installed_version_is_the_packages():
    from actdiag._version import __version__

    assert importlib.metadata.version("torch-actdiag") == __version__


def test_torch_uses_two_threads_at_most():
    import torch

    assert torch.get_num_threads() <= 2


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "example.org"])
def test_no_test_reaches_another_machine(host):
    with pytest.raises(AssertionError, match="must not use the network"):
        socket.create_connection((host, 9), timeout=1)


def test_loopback_is_allowed():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=5) as client,
    ):
        assert client.getpeername() == server.getsockname()
