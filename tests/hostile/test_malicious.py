"""Nothing from a malicious file runs: the canary stays away, and one clear error is given."""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path

import pytest

from actdiag.errors import ActdiagError, RefusedError
from actdiag.load import Trust, examine, load_model
from tests.hostile.corpus import corpus

NAMES = sorted(corpus(Path("/nowhere/canary")))
SOME = Trust(names=frozenset({"collections.deque", "users.Net"}))


@pytest.fixture
def canary(tmp_path):
    return tmp_path / "canary"


def written(name, tmp_path, canary):
    path = tmp_path / "model.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        corpus(canary)[name].write(path, canary)
    assert not canary.exists()
    return path


def is_one_line_of_plain_text(message):
    return all(character.isprintable() for character in message)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_runs(name, tmp_path, canary):
    path = written(name, tmp_path, canary)
    for options in ({}, {"trust": SOME}, {"factory": "torch.nn:Identity"}):
        with pytest.raises(ActdiagError) as caught:
            load_model(str(path), **options)
        assert caught.value.exit_code in {2, 4}
        assert is_one_line_of_plain_text(caught.value.message)
        assert is_one_line_of_plain_text(caught.value.hint)
        assert not canary.exists()
    with contextlib.suppress(ActdiagError):
        found = examine(str(path))
        assert is_one_line_of_plain_text(" ".join(found.verdict.wants) + found.verdict.why)
    assert not canary.exists()
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", [name for name in NAMES if corpus(Path("/x"))[name].runs])
def test_the_same_files_would_run(name, tmp_path, canary):
    """Without this the tests above would pass on harmless files too."""
    path = written(name, tmp_path, canary)
    with contextlib.suppress(ActdiagError):
        load_model(str(path), trust=Trust(everything=True))
    assert canary.exists()


@pytest.mark.parametrize(
    ("name", "wants"),
    [
        ("os.system/zip", "posix.system"),
        ("os.system/legacy", "posix.system"),
        ("builtins.exec/zip", "builtins.exec"),
        ("runpy/legacy", "runpy._run_code"),
        ("pickle.loads/zip", "pickle.loads"),
        ("torch.load_from_bytes/zip", "torch.storage._load_from_bytes"),
        ("hook/zip", "builtins.exec"),
        ("tensor-rebuild/legacy", "builtins.exec"),
        ("stack-global-memo/zip", "builtins.exec"),
        ("stack-global-memo/plain", "builtins.exec"),
        ("stack-global-dup/legacy-0", "builtins.exec"),
        ("global/legacy-1", "builtins.exec"),
        ("inst/legacy-2", "builtins.exec"),
        ("global/legacy-4", "builtins.exec"),
        ("dotted/zip", "torch.os.system"),
        ("newline-in-name/zip", "builtins\\x0a.exec"),
        ("own-helper/zip", "actdiag.load.shells.module_of"),
        ("lightning", "builtins.exec"),
    ],
)
def test_a_refusal_lists_what_the_file_wants(name, wants, tmp_path, canary):
    path = written(name, tmp_path, canary)
    with pytest.raises(RefusedError) as caught:
        load_model(str(path))
    assert wants in caught.value.wants
    assert wants in caught.value.message
    assert caught.value.exit_code == 4
    assert "--allow" not in caught.value.hint or "module_of" in wants
    assert wants in examine(str(path)).verdict.wants


def test_fickling_tells_what_the_file_would_do(tmp_path, canary):
    pytest.importorskip("fickling")
    path = written("os.system/zip", tmp_path, canary)
    with pytest.raises(RefusedError) as caught:
        load_model(str(path))
    assert "What the file would do:" in caught.value.message
    assert f"system(\"touch '{canary}'\")" in caught.value.message
