"""Put what the README's first command prints today into the README.

Run it with the project's own interpreter: ``.venv/bin/python scripts/readme_report.py``.
"""

from __future__ import annotations

from pathlib import Path

from actdiag import scan
from actdiag.render import text

ROOT = Path(__file__).resolve().parent.parent
MODEL, DATA = "sample_models/models/constant_output.pt", "sample_models/data/digits.npz"


def main() -> None:
    """Rewrite the block that follows the command."""
    readme = ROOT / "README.md"
    before, command, rest = readme.read_text(encoding="utf-8").partition(f"scan {MODEL} {DATA}\n")
    _, fence, after = rest.partition("```")
    shown = text.render(scan(MODEL, DATA), width=80)
    readme.write_text(before + command + shown + fence + after, encoding="utf-8")


if __name__ == "__main__":
    main()
