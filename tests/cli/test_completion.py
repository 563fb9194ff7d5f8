"""What the shell is offered when the tab key is pressed."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from actdiag.cli import app


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("actdiag sc", ["scan"]),
        ("actdiag scan --show-c", ["--show-config"]),
        ("actdiag scan --format ma", ["markdown"]),
        ("actdiag report x.json --ignore ACT10", [f"ACT10{digit}" for digit in range(1, 10)]),
        ("actdiag check --fail-on w", ["warning"]),
        ("actdiag explain swig", ["swiglu"]),
        ("actdiag scan model.p", []),  # the shell offers files then
    ],
)
def test_what_bash_is_offered(words, offered):
    environment = {
        "_ACTDIAG_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    done = CliRunner().invoke(app, [], env=environment, prog_name="actdiag")
    assert done.stdout.split() == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_the_shell(shell):
    done = CliRunner().invoke(app, ["--show-completion", shell], prog_name="actdiag")
    assert "_ACTDIAG_COMPLETE=complete_" in done.stdout
