"""Builds the native backend where a C compiler is found; everything else is in pyproject.toml.

The library is plain C that Python loads by ctypes, so one build serves every Python version. Where
building fails, it is left out with a notice and stock torch operations do its work.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

KERNEL = "actdiag/stats/kernel"
LIBRARY = "actdiag.stats._native"
FLAGS = ["-O3", "-g0", "-fvisibility=hidden", "-Wno-unknown-pragmas"]


class BuildNative(build_ext):
    """Builds a library rather than a Python module, and seals it with the hash of its bytes."""

    def get_ext_filename(self, fullname: str) -> str:
        """Without the tag of a Python version, since it is loaded by path."""
        if fullname.endswith("_native"):
            return str(Path(*fullname.split("."))) + ".so"
        return super().get_ext_filename(fullname)

    def get_export_symbols(self, ext: Extension) -> list[str]:  # noqa: ARG002
        """No initialisation function of a Python module."""
        return []

    def run(self) -> None:
        """Build, or tell that it was not possible."""
        super().run()
        built = [Path(self.get_ext_fullpath(LIBRARY)), Path(self.build_lib, *LIBRARY.split("."))]
        found = [path for path in (path.with_suffix(".so") for path in built) if path.is_file()]
        for path in found:
            seal = hashlib.sha256(path.read_bytes()).hexdigest()
            path.with_suffix(".sha256").write_text(seal + "\n", encoding="ascii")
        if not found:
            self.warn("no native backend: stock torch operations will measure, more slowly")

    def get_outputs(self) -> list[str]:
        """The library and its seal."""
        outputs: list[str] = super().get_outputs()
        return [*outputs, *(str(Path(path).with_suffix(".sha256")) for path in outputs)]

    def get_output_mapping(self) -> dict[str, str]:
        """For editable installations, the same in the source tree."""
        mapping: dict[str, str] = super().get_output_mapping()
        seals = {
            str(Path(built).with_suffix(".sha256")): str(Path(source).with_suffix(".sha256"))
            for built, source in mapping.items()
        }
        return {**mapping, **seals}


def kernel(pattern: str) -> list[str]:
    """Files of the kernel, as setuptools wants them named."""
    root = Path(__file__).resolve().parent
    return sorted(path.relative_to(root).as_posix() for path in (root / KERNEL).glob(pattern))


commands: dict[str, Any] = {"build_ext": BuildNative}
setup(
    cmdclass=commands,
    ext_modules=[
        Extension(
            LIBRARY,
            sources=[f"{KERNEL}/native.c"],
            depends=[*kernel("*.h"), *kernel("*.inc")],
            extra_compile_args=FLAGS,
            libraries=["m"],
            optional=True,
        )
    ],
)
