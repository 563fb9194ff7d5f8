from __future__ import annotations

import json

import pytest

from actdiag.render import json as json_format
from tests.render import build


def test_the_numbers_are_judged_by_the_present_rules(run, saved):
    everything = json.loads(run("report", str(saved), "--format", "json").stdout)
    nothing = json.loads(run("report", str(saved), "--format", "json", "--ignore", "ACT").stdout)
    codes = {finding["code"] for finding in everything["findings"]}

    assert "DAT701" not in codes  # was written into the saved report by hand
    assert not {code for code in codes if code.startswith("ACT")} & {
        finding["code"] for finding in nothing["findings"]
    }
    assert everything["sites"] == json.loads(saved.read_text(encoding="utf-8"))["sites"]


def test_a_saved_scan_of_nothing_is_3(run, saved):
    saved.write_text(json_format.render(build.broken_off()), encoding="utf-8")
    done = run("report", str(saved))

    assert done.exit_code == 3
    assert "was not checked" in done.stdout


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read scan.json: No such file or directory"),
        ("hello", "scan.json is not JSON, so it is no saved scan"),
        (" \n", "scan.json is empty, so it is no saved scan"),
        ('{"schema_version": 1, "too', "scan.json is cut off, so it is no saved scan"),
        ("[" * 100_000, "scan.json is cut off, so it is no saved scan"),
        ("[" * 100_000 + "]", "scan.json is not JSON, so it is no saved scan"),
        ('{"schema_version": NaN}', "scan.json is not JSON, so it is no saved scan"),
        ("[1]", "scan.json: not an actdiag report of schema version 1"),
        ('{"schema_version": 2}', "scan.json: of schema version 2, and this actdiag reads 1"),
        ('{"schema_version": 1}', "scan.json: not a complete saved scan: lacks tool, model, data"),
    ],
)
def test_what_is_no_saved_scan_is_told(run, tmp_path, content, message):
    if content is not None:
        (tmp_path / "scan.json").write_text(content)
    done = run("report", "scan.json")

    assert done.exit_code == 2
    assert f"actdiag: {message}" in done.stderr
    assert "--report json=" in done.stderr


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_scan_that_a_shell_wrote_in_its_own_encoding_is_read(run, saved, encoding):
    told = run("report", str(saved)).stdout
    saved.write_text(saved.read_text(encoding="utf-8"), encoding=encoding)

    assert run("report", str(saved)).stdout == told
