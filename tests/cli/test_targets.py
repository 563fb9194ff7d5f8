from __future__ import annotations

import re
import stat

import pytest

from actdiag.cli._targets import Target, deliver, targets
from actdiag.errors import UsageError
from actdiag.render import json
from tests.render import build


@pytest.fixture
def target(tmp_path):
    return Target("json", tmp_path / "scan.json")


def test_an_older_file_is_replaced_whole_and_keeps_its_permissions(target):
    target.path.write_text("older")
    target.path.chmod(0o640)
    target.write(build.sick())

    assert target.path.read_text(encoding="utf-8") == json.render(build.sick())
    assert stat.S_IMODE(target.path.stat().st_mode) == 0o640
    assert list(target.path.parent.iterdir()) == [target.path]


def test_a_failure_leaves_the_older_file_and_nothing_else(target, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    target.path.write_text("older")
    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(UsageError, match=r"cannot write .*scan\.json: No space left on device"):
        target.write(build.sick())

    assert target.path.read_text() == "older"
    assert list(target.path.parent.iterdir()) == [target.path]


def test_a_report_that_cannot_be_written_does_not_keep_the_others_from_it(tmp_path, capsys):
    wanted = targets(["json=/dev/full", f"concise={tmp_path / 'b.txt'}"])
    with pytest.raises(UsageError, match=r"cannot write /dev/full: No space left on device"):
        deliver("concise", wanted, build.sick())

    assert "ACT101" in (tmp_path / "b.txt").read_text(encoding="utf-8")
    assert "ACT101" in capsys.readouterr().out


def test_a_link_stays_a_link(target, tmp_path):
    link = tmp_path / "latest.json"
    link.symlink_to(target.path)
    Target("json", link).write(build.sick())

    assert link.is_symlink()
    assert target.path.read_text(encoding="utf-8") == json.render(build.sick())


def test_a_device_is_written_to_and_not_replaced(tmp_path):
    from pathlib import Path

    null = Path("/dev/null")
    found = targets([f"json={null}"])
    found[0].write(build.sick())

    assert null.is_char_device()


def test_checking_leaves_nothing_behind(tmp_path):
    assert targets([f"json={tmp_path / 'a.json'}"]) == [Target("json", tmp_path / "a.json")]
    assert list(tmp_path.iterdir()) == []


def test_figures_go_to_a_folder_that_is_made(tmp_path):
    (found,) = targets([f"png={tmp_path / 'figures'}"])
    found.write(build.sick())

    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert names == {"network.png"}


def test_figures_of_several_models_are_told_apart(tmp_path):
    Target("png", tmp_path).write(build.sick(), build.healthy())

    assert {path.name for path in tmp_path.iterdir()} == {"1-network.png", "2-network.png"}


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("png=taken", "--report png=taken: taken is not a folder"),
        ("png=no/figures", "--report png=no/figures: cannot write in no: No such file"),
        ("pgn=figures", "there is no report format 'pgn'"),
    ],
)
def test_what_is_no_folder_for_figures_is_told_before_any_work(
    option, message, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("")
    with pytest.raises(UsageError, match=re.escape(message)):
        targets([option])
