"""Speech out of a Debian package, kept in the folder of the wheels."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
import torch

from tests.real.wheels import CACHE, UnavailableError

PACKAGE = "pocketsphinx-testdata"
CLIP = "usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-0870.wav"
RATE, FRAME = 16_000, 512


def _unpacked() -> Path:
    """The folder that the package was unpacked into, fetched if need be; nothing is installed.

    Raises:
        UnavailableError: there is no apt, or no archive that it could fetch from.
    """
    target = CACHE / PACKAGE
    if target.is_dir():
        return target
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise UnavailableError(f"there is no apt to fetch {PACKAGE} with")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        command = ["apt-get", "-o", "APT::Sandbox::User=root", "download", PACKAGE]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=300
        )
        packages = list(Path(folder).glob("*.deb"))
        if done.returncode != 0 or not packages:
            raise UnavailableError(f"apt-get could not fetch {PACKAGE}: {done.stderr.strip()}")
        fetched = Path(folder, "package")
        subprocess.run(["dpkg-deb", "--extract", packages[0], fetched], check=True, timeout=60)
        fetched.rename(target)
    return target


def frames() -> torch.Tensor:
    """A second of silence and seven of speech in frames of 512 samples, ``(frames, 512)``.

    Raises:
        UnavailableError: the speech could not be fetched.
    """
    with wave.open(str(_unpacked() / CLIP)) as clip:
        assert clip.getframerate() == RATE
        heard = np.frombuffer(clip.readframes(clip.getnframes()), dtype="<i2")
    samples = np.concatenate([np.zeros(RATE), heard / 32768]).astype(np.float32)
    whole = len(samples) // FRAME * FRAME
    return torch.from_numpy(samples[:whole].reshape(-1, FRAME))
