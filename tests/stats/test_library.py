"""The native library is used where it is sound and wanted, and otherwise the reason is told."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys

import pytest

from actdiag.errors import UsageError
from actdiag.stats import library, native

needs_library = pytest.mark.skipif(
    library.load(library.PATH)[0] is None, reason="the native backend was not built here"
)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A folder of its own in which the library is looked for."""
    path = tmp_path / "_native.so"
    monkeypatch.setattr(library, "PATH", path)
    monkeypatch.delenv(library.VARIABLE, raising=False)
    native.forget()
    yield path
    native.forget()


def put(path, content):
    path.write_bytes(content)
    path.with_suffix(".sha256").write_text(hashlib.sha256(content).hexdigest() + "\n")


def test_without_a_library_stock_operations_measure(elsewhere):
    found = library.backend()
    assert (found.library, found.name) == (None, "stock")
    assert found.detail == "its library was not built at installation"


@needs_library
def test_a_library_cut_short_is_not_opened(elsewhere, monkeypatch):
    shutil.copy(library.Path(library.__file__).with_name("_native.sha256"), elsewhere.parent)
    content = library.Path(library.__file__).with_name("_native.so").read_bytes()
    elsewhere.write_bytes(content[: len(content) // 2])
    monkeypatch.setattr(library.ctypes, "CDLL", lambda _: pytest.fail("was opened"))
    assert library.backend().detail == "its library is damaged"


def test_what_is_no_library_is_told(elsewhere):
    put(elsewhere, b"text")
    assert library.backend().detail == "its library cannot be loaded on this machine"


@needs_library
def test_a_library_built_from_other_sources_is_not_used(elsewhere, monkeypatch):
    put(elsewhere, library.Path(library.__file__).with_name("_native.so").read_bytes())
    monkeypatch.setattr(library, "INTERFACE", 0)
    assert library.backend().detail == "its library was built from other sources"


def test_asking_for_what_is_not_there_is_an_error(elsewhere, monkeypatch):
    monkeypatch.setenv(library.VARIABLE, "native")
    with pytest.raises(UsageError) as error:
        library.backend()
    assert error.value.message == (
        "ACTDIAG_BACKEND asks for the native backend, "
        "but its library was not built at installation."
    )
    assert error.value.hint == "Reinstall where a C compiler is found, or unset the variable."


def test_an_unknown_backend_is_an_error(elsewhere, monkeypatch):
    monkeypatch.setenv(library.VARIABLE, "fast")
    with pytest.raises(UsageError, match=r"ACTDIAG_BACKEND is 'fast', which is no backend\."):
        library.backend()


@needs_library
@pytest.mark.parametrize("name", ["stock", "native"])
def test_the_variable_decides(name, monkeypatch):
    monkeypatch.setenv(library.VARIABLE, name)
    native.forget()
    found = library.backend()
    assert (found.name, found.library is None) == (name, name == "stock")
    native.forget()


def test_telling_the_backend_imports_no_torch():
    code = "import sys; from actdiag.stats import library; library.backend(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout
    assert b"torch" not in loaded.split()
