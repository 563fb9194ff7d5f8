"""What only shows in a process of its own: imports, pipes, terminals, colours."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest

from actdiag._version import __version__
from actdiag.stats.library import backend

HEAVY = ("torch", "pandas", "matplotlib", "numpy")


@pytest.fixture
def plain(monkeypatch):
    """An environment that asks for no colours."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("PYTHONUTF8", "1")
    return monkeypatch


def output(command, **options):
    return subprocess.run(command, capture_output=True, check=True, **options).stdout


def in_terminal(command):
    """What the command writes to a terminal."""
    leader, follower = pty.openpty()
    with subprocess.Popen(command, stdout=follower, stderr=follower, stdin=follower) as process:
        os.close(follower)
        written = b""
        try:
            while piece := os.read(leader, 65536):
                written += piece
        except OSError:  # Linux says so when the other end is closed
            pass
    os.close(leader)
    assert process.returncode == 0
    return written.decode()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["scan", "--help"],
        ["check", "--help"],
        ["merge", "--help"],
        ["try", "--help"],
        ["report", "SAVED"],
        ["report", "SAVED", "--format", "sarif"],
        ["diff", "SAVED", "SAVED"],
        ["check", "--show-config"],
        ["rules"],
        ["explain", "ACT101"],
    ],
    ids=" ".join,
)
def test_starts_without_anything_heavy(arguments, saved):
    arguments = [str(saved) if argument == "SAVED" else argument for argument in arguments]
    code = (
        "import sys\nfrom actdiag.cli import app\n"
        f"try: app({arguments!r})\nexcept SystemExit as end: assert end.code == 0, end.code\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    assert output([sys.executable, "-c", code], text=True).splitlines()[-1] == "[]"


def test_version(command):
    first, second = output([*command, "--version"], text=True).splitlines()
    assert first == f"actdiag {__version__}"
    assert second == f"backend: {backend().name} ({backend().detail})"


def test_a_backend_that_is_not_there_is_told_before_anything_runs(command):
    environment = {**os.environ, "ACTDIAG_BACKEND": "fast"}
    done = subprocess.run(
        [*command, "--version"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == (
        "actdiag: ACTDIAG_BACKEND is 'fast', which is no backend.\n  Set it to stock or native.\n"
    )


def test_plain_text_when_piped(command, saved, plain):
    assert b"\x1b" not in output([*command, "report", str(saved)])


def test_colours_in_a_terminal(command, saved, plain):
    assert "\x1b[1m" in in_terminal([*command, "report", str(saved)])


def test_no_color_is_honoured(command, saved, plain):
    plain.setenv("NO_COLOR", "1")

    assert "\x1b" not in in_terminal([*command, "report", str(saved)])


def test_force_color_is_honoured(command, saved, plain):
    plain.setenv("FORCE_COLOR", "1")

    assert b"\x1b[1m" in output([*command, "report", str(saved)])


def test_a_dumb_terminal_gets_plain_text(command, saved, plain):
    plain.setenv("TERM", "dumb")

    assert "\x1b" not in in_terminal([*command, "report", str(saved)])


@pytest.mark.parametrize("columns", ["60", "120"])
def test_the_width_of_the_terminal_is_used(command, saved, plain, columns):
    plain.setenv("COLUMNS", columns)
    lines = output([*command, "report", str(saved)]).decode().splitlines()

    assert max(map(len, lines)) == int(columns)  # the headings draw a line to the edge


def test_where_unicode_cannot_be_shown_everything_is_ascii(command, saved, plain):
    plain.setenv("PYTHONUTF8", "0")
    plain.setenv("PYTHONIOENCODING", "latin-1")

    assert output([*command, "report", str(saved)]).isascii()


def test_json_is_utf8_whatever_the_locale(command, saved, plain):
    saved.write_text(re.sub(r'"train\.py', '"träin.py', saved.read_text(encoding="utf-8")))
    plain.setenv("PYTHONUTF8", "0")
    plain.setenv("PYTHONIOENCODING", "ascii")

    assert "träin.py" in output([*command, "report", str(saved), "--format", "json"]).decode()


def test_a_reader_that_leaves_is_no_error(command, saved, plain):
    with subprocess.Popen(
        [*command, "report", str(saved), "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        said = process.stderr.read()
        process.stderr.close()

    assert said == b""
    assert process.returncode == 0


def test_a_full_disk_is_told_in_one_message(command, saved, plain):
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            [*command, "report", str(saved)], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 2
    assert done.stderr.decode() == (
        "actdiag: cannot write to stdout: No space left on device\n"
        "  Make room, or send it elsewhere.\n"
    )


def test_the_progress_bar_needs_a_terminal(plain):
    code = (
        "from actdiag.cli._progress import progress_bar\n"
        "with progress_bar() as progress:\n"
        "    progress(3, 10, 'measuring [bold]'); progress(10, 10, 'measuring [bold]')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    assert done.stdout + done.stderr == b""
    assert "measuring [bold]" in in_terminal([sys.executable, "-c", code])


def test_verdicts_of_check_are_wrapped_and_coloured_in_a_terminal_alone(plain):
    code = (
        "from actdiag.cli._verdicts import verdicts\n"
        "print(verdicts(['✗ FAILED a.pt: 1 error', '  net.py:3: error: ' + 'word ' * 20]), end='')"
    )
    plain.setenv("COLUMNS", "40")
    command = [sys.executable, "-c", code]
    first, second = output(command).decode().splitlines()
    assert first == "✗ FAILED a.pt: 1 error"
    assert second == "  net.py:3: error: " + " ".join(["word"] * 20) + " "

    first, *rest = in_terminal(command).splitlines()
    assert first == "\x1b[31m\x1b[1m✗ FAILED a.pt\x1b[0m: 1 error"
    assert rest[0].startswith("  net.py:3: error: word")
    assert all(line.startswith("    word") for line in rest[1:])
    assert max(map(len, rest)) <= 40
