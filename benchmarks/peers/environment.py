"""An environment of its own for the peers: this one's torch, and nothing of theirs in this one."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import torch

from benchmarks.peers import PEERS

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".cache" / "peers"
_PATIENCE = 600


def python() -> Path:
    """The interpreter of the environment, which is made at first.

    It finds the packages of this one, so that torch is the very same; what pip installs into it
    comes before them, and is not seen from here.
    """
    found = FOLDER / "bin" / "python"
    if not found.exists():
        subprocess.run([sys.executable, "-m", "venv", FOLDER], check=True)
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        shared = FOLDER / "lib" / version / "site-packages" / "shared.pth"
        shared.write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return found


def installed(name: str) -> str:
    """Install a peer; gives ``""``, or why it cannot be, without the names of hosts and folders."""
    wanted = PEERS[name].distribution
    if not wanted:
        return ""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write(f"torch=={torch.__version__.partition('+')[0]}\n")
        constraints.flush()
        command = [str(python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        try:
            done = subprocess.run(
                [*command, "--constraint", constraints.name, wanted],
                capture_output=True,
                text=True,
                check=False,
                timeout=_PATIENCE,
            )
        except subprocess.TimeoutExpired:
            return f"pip did not finish within {_PATIENCE} s"
    return reason(done.stderr) if done.returncode else ""


def reason(said: str) -> str:
    """The line of pip's that tells why: its last error that names no address or folder."""
    errors = [line.removeprefix("ERROR: ") for line in said.splitlines() if "ERROR" in line]
    plain = [line for line in errors if "/" not in line]
    return (plain or ["pip could not install it"])[-1].strip()
