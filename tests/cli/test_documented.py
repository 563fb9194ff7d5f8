"""README and docs/ against the commands: options on both sides, and the configuration file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from actdiag.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = {path.name: path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md")}
TEXT = (ROOT / "README.md").read_text("utf-8") + "".join(PAGES.values())
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")
COMMANDS = typer.main.get_command(app).commands
OPTIONS = {
    name: {option for each in command.params for option in each.opts if option.startswith("--")}
    for name, command in COMMANDS.items()
}
LINES = re.findall(
    r"^(?:\$ |- run: )?(?:torchrun .* -m )?actdiag ([a-z]+) (.*)", TEXT, re.MULTILINE
)


@pytest.mark.parametrize("command", sorted(OPTIONS))
def test_every_option_is_documented(command):
    named = set(OPTION.findall(TEXT))
    assert OPTIONS[command] - {"--help"} - named == set()


def test_every_command_line_has_options_of_its_command():
    assert len(LINES) > 40
    for command, words in LINES:
        assert set(OPTION.findall(words.partition(" #")[0])) <= OPTIONS[command], (command, words)


def test_the_documented_configuration_is_read(run, tmp_path):
    (block,) = re.findall(r"```toml\n(.*?)```", PAGES["configuration.md"], re.DOTALL)
    (tmp_path / "pyproject.toml").write_text(block, "utf-8")
    wanted = re.search(
        r"\$ actdiag (check .*)\nactdiag check\n.*\n(.*\n.*\n.*\n.*\n)", PAGES["configuration.md"]
    )

    shown = run(*wanted[1].split()).stdout
    assert wanted[2] in shown
