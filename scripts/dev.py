"""Set the project up from a bare checkout and run it. Needs Python 3.11+ and nothing else.

python3 scripts/dev.py scan [MODEL DATA ...]   run `actdiag scan`; without arguments, on a sample
python3 scripts/dev.py test [PYTEST ARGS ...]  run the tests
python3 scripts/dev.py setup                   only install all that development needs

Everything goes into .venv beside this project, in the versions that constraints.txt pins. What is
there and current is used as it is, so a second run starts at once.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

OLDEST_PYTHON = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / "python"
STAMP = VENV / "actdiag-installed"  # what was installed last: a hash, then "user" or "dev"
SAMPLE = ("sample_models/models/constant_output.pt", "sample_models/data/digits.npz")


def main(arguments: list[str]) -> int:
    """Do what the first argument says; the result is the exit status of what was run."""
    if sys.version_info < OLDEST_PYTHON:
        version = ".".join(str(part) for part in sys.version_info[:3])
        return fail(f"needs Python 3.11 or newer; {sys.executable} is {version}")
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if verb == "scan":
        target = rest or [os.path.relpath(ROOT / name) for name in SAMPLE]
        return install("user") or call([SCRIPTS / "actdiag", "scan", *target])
    if verb == "test":
        return install("dev") or call([PYTHON, "-m", "pytest", *rest], folder=ROOT)
    if verb == "setup" and not rest:
        return install("dev")
    print(__doc__, file=sys.stderr)
    return 0 if verb in {"-h", "--help"} else 2


def install(level: str) -> int:
    """Bring .venv up to date: for "user" the package alone, for "dev" also what its tests need."""
    wanted = set_up_hash()
    installed = STAMP.read_text(encoding="utf-8").split() if STAMP.is_file() else []
    if installed in ([wanted, level], [wanted, "dev"]) and PYTHON.exists():
        return 0
    if not works(PYTHON, "import pip"):
        note(f"creating {VENV}")
        if not works(sys.executable, "import venv, ensurepip"):
            return fail(
                f"{sys.executable} came without its venv or ensurepip module; install it "
                "(Debian and Ubuntu: the package python3-venv) and run this again"
            )
        call([sys.executable, "-m", "venv", VENV], quiet=True)
        if not works(PYTHON, "import pip"):
            return fail(f"could not create {VENV}; delete what is there and run this again")
    note("installing what is needed into .venv (once, a few minutes)")
    STAMP.unlink(missing_ok=True)
    package = f"{ROOT}[dev]" if level == "dev" else str(ROOT)
    pip = [PYTHON, "-m", "pip", "install", "-qq", "--no-input", "--disable-pip-version-check"]
    pins = ["--constraint", str(ROOT / "constraints.txt")]
    if status := call([*map(str, pip), *pins, "--editable", package], quiet=True):
        return fail("pip could not install the packages; its reason is above", status)
    STAMP.write_text(f"{wanted} {level}\n", encoding="utf-8")
    return 0


def set_up_hash() -> str:
    """A fingerprint of all that decides what has to be installed, and where."""
    digest = hashlib.sha256(str(ROOT).encode())
    files = [ROOT / name for name in ("pyproject.toml", "constraints.txt", "actdiag/_version.py")]
    files += [ROOT / "setup.py", *sorted((ROOT / "actdiag/stats/kernel").iterdir())]
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def works(python: str | Path, code: str) -> bool:
    """Whether this interpreter is there and can run these statements."""
    try:
        subprocess.run([python, "-c", code], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def call(command: Sequence[str | Path], folder: Path | None = None, *, quiet: bool = False) -> int:
    """Run a program; quietly means that what it prints goes to stderr, away from the results."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        stdout=sys.stderr if quiet else None,
        check=False,
    )
    return done.returncode if done.returncode >= 0 else 128 - done.returncode  # as a shell does


def note(message: str) -> None:
    """Tell how far we are."""
    print(f"dev.py: {message} ...", file=sys.stderr, flush=True)


def fail(message: str, status: int = 2) -> int:
    """Tell what went wrong, and return the status to exit with."""
    print(f"dev.py: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
