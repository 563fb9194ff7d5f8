"""A configuration file's paths start at the file; one that came with a download has no power."""

from __future__ import annotations

from inspect import signature

import pytest

from actdiag.cli import app
from actdiag.cli._anchoring import _PATHS, CODE, TRUST, WRITES, anchored
from actdiag.cli._configured import ConfiguredCommand
from actdiag.cli._settings import settings_of
from actdiag.config import Configuration
from actdiag.errors import UsageError


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with a configuration, worked in from a folder beneath."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "val.npz").write_bytes(b"")
    monkeypatch.chdir(tmp_path / "inner")
    return tmp_path


def named(project, name="pyproject.toml"):
    return Configuration(project / name, named=True)


def found(project):
    return Configuration(project / "actdiag.toml")


@pytest.mark.parametrize(
    ("key", "value", "meant"),
    [
        ("data", "val.npz", "../val.npz"),
        ("data", "missing.npz", "../missing.npz"),
        ("data", "val.npz:x_test", "../val.npz:x_test"),
        ("data", "load.py:batches", "../load.py:batches"),
        ("data", "pkg.mod:batches", "pkg.mod:batches"),
        ("data", "/data/val.npz", "/data/val.npz"),
        ("train_data", "inner/a.csv", "a.csv"),
        ("labels", "species", "species"),
        ("labels", "val.npz", "../val.npz"),
        ("labels", "val.npz:y", "../val.npz:y"),
        ("model", "net.py:Net", "../net.py:Net"),
        ("model", "pkg.net:Net", "pkg.net:Net"),
        ("transform", "standardize", "standardize"),
        ("transform", "prepare.py:f", "../prepare.py:f"),
        ("loss", "cross-entropy", "cross-entropy"),
        ("loss", "loss.py:f", "../loss.py:f"),
        ("baseline", "base.json", "../base.json"),
        ("save", "better.pt", "../better.pt"),
        (
            "report",
            ["json=a.json", "png=figures", "odd"],
            ["json=../a.json", "png=../figures", "odd"],
        ),
        ("models", ["runs/*/best.pt"], ["../runs/*/best.pt"]),
        ("models", ["net.py:Net", "pkg.net:Net"], ["../net.py:Net", "pkg.net:Net"]),
        ("models", ["val.npz:netG"], ["../val.npz:netG"]),
        ("seed", 3, 3),
        ("model_args", {"width": 3}, '{"width": 3}'),
    ],
)
def test_paths_start_at_the_file(project, key, value, meant):
    assert anchored(key, value, named(project)) == meant


def test_a_file_in_this_folder_leaves_paths_as_they_are(project, monkeypatch):
    monkeypatch.chdir(project)
    assert anchored("data", "val.npz", named(project)) == "val.npz"


def test_options_that_name_files_are_all_known_here():
    """An option that says in its help that it takes a path or code is one whose value is moved."""
    known = {*_PATHS, *CODE, *WRITES, "labels"}
    for info in app.registered_commands:
        if info.cls is not ConfiguredCommand:
            continue
        parameters = signature(info.callback, eval_str=True).parameters
        for key, one in settings_of(info.callback).items():
            declared = parameters[one.parameter].annotation.__metadata__[0]
            words = f"{declared.metavar} {declared.help}"
            if any(sign in words for sign in ("PATH", "FILE", ".json", "folder")):
                assert key in known, f"{info.name}: {key}"


@pytest.mark.parametrize("key", sorted(TRUST))
def test_no_file_can_grant_trust(project, key):
    value = True if key == "trust" else ["os.system"]
    for file in (named(project), found(project)):
        with pytest.raises(UsageError, match=f"'{key}' can't be set in a file") as raised:
            anchored(key, value, file)
        assert raised.value.hint == f"Give --{key} on the command line."


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("model", "net.py:Net", "model = 'net.py:Net' runs code"),
        ("model", "pkg.net:Net", "model = 'pkg.net:Net' runs code"),
        ("data", "load.py:batches", "runs code"),
        ("data", "pkg.mod:batches", "runs code"),
        ("data", "missing.npz:x", "runs code"),  # it would be a module, as no such file is there
        ("train_data", "x.py:y", "runs code"),
        ("transform", "x.py:y", "runs code"),
        ("loss", "os:system", "runs code"),
        ("models", ["net.py:build"], "runs code"),
        ("models", ["a.pt", "pkg.net:build"], "runs code"),
        ("models", ["*.py:build"], "runs code"),
        ("report", ["json=a.json"], "report = 'json=a.json' writes files"),
        ("save", "a.pt", "writes files"),
        ("update_baseline", True, "writes files"),
    ],
)
def test_a_file_that_is_found_can_neither_run_code_nor_write(project, key, value, what):
    with pytest.raises(UsageError) as raised:
        anchored(key, value, found(project))
    assert what in raised.value.message
    assert "which a file that is found by itself can't ask for" in raised.value.message
    assert f"or name the file: --config {project / 'actdiag.toml'}" in raised.value.hint


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("data", "val.npz"),
        ("data", "val.npz:x"),
        ("transform", "scale01"),
        ("loss", "mse"),
        ("baseline", "base.json"),
        ("update_baseline", False),
    ],
)
def test_what_a_file_that_is_found_may_say(project, key, value):
    anchored(key, value, found(project))


def test_a_downloaded_folder_runs_nothing(run, tmp_path):
    """The attack itself: a model to look at, with a configuration beside it."""
    (tmp_path / "evil.py").write_text("open('ran', 'w').close()\nNet = None")
    (tmp_path / "model.pt").write_bytes(b"")
    for line in ('model = "evil.py:Net"', 'data = "evil.py:Net"', "trust = true"):
        (tmp_path / "actdiag.toml").write_text(line)
        assert run("scan", "model.pt").exit_code == 2
    assert not (tmp_path / "ran").exists()
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["actdiag.toml", "evil.py", "model.pt"]


def test_a_model_of_a_file_is_never_an_option(run, pipeline, tmp_path):
    (tmp_path / "actdiag.toml").write_text('[check]\nmodels = ["--trust", "a.pt"]')
    done = run("check", "--format", "json")
    assert "trust" not in done.stderr.replace("./--trust", "")
    assert pipeline.asked["model"] == "a.pt"
    assert not pipeline.asked["trust"].everything
