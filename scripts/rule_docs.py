"""Write docs/rules from the rules' docstrings: ``python scripts/rule_docs.py [--check]``.

One page per rule and an index. ``--check`` writes nothing and fails where a page is not current.
"""

from __future__ import annotations

import ast
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that it documents the rules beside it

from actdiag.records import Severity  # noqa: E402
from actdiag.rules import registry  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.rules import Rule

FOLDER = ROOT / "docs" / "rules"
NOTE = "<!-- Made by scripts/rule_docs.py from the rules' docstrings: edit those. -->"
INTRODUCTION = """\
What is looked for, how bad it can be, and what it needs. `actdiag explain CODE` says the same in
the terminal; thresholds are set in `[tool.actdiag.rules.CODE]`."""
FAMILIES = {
    "ACT": "Activations",
    "OUT": "Outputs and confidence",
    "ATT": "Attention",
    "INI": "Weights and initialisation",
    "GRD": "Gradients",
    "ARC": "Architecture",
    "DAT": "Data",
    "TRN": "Over a run",
}


def main(arguments: list[str]) -> int:
    """Write the pages, or say which are not current; the result is the exit status."""
    wanted = pages()
    if "--check" in arguments:
        stale = stale_pages(wanted)
        for name in stale:
            print(f"docs/rules/{name} is not current: run python scripts/rule_docs.py")
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for file in FOLDER.glob("*.md"):
        if file.name not in wanted:
            file.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    print(f"{len(wanted)} pages in docs/rules")
    return 0


def stale_pages(wanted: dict[str, str]) -> list[str]:
    """Names of the pages that are missing, outdated, or of no rule."""
    kept = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.md")}
    return sorted(name for name in {*kept, *wanted} if kept.get(name) != wanted.get(name))


def pages() -> dict[str, str]:
    """Text of every page by its file name; rules of plugins are left out."""
    own = [
        rule for rule in registry().values() if rule.check.__module__.startswith("actdiag.rules.")
    ]
    return {"README.md": index(own), **{file_name(rule): page(rule) for rule in own}}


def file_name(rule: Rule) -> str:
    """Such as ``ACT101-dead-relu.md``."""
    return f"{rule.code}-{rule.name}.md"


def index(rules: list[Rule]) -> str:
    """The table of all rules, family by family."""
    lines = [NOTE, "", "# Rules", "", INTRODUCTION]
    for family, title in FAMILIES.items():
        members = [rule for rule in rules if rule.code.startswith(family)]
        if members:
            lines += ["", f"## {title}", "", "| code | name | severity | needs | sees |"]
            lines += ["|---|---|---|---|---|", *map(_row, members)]
    return "\n".join(lines) + "\n"


def _row(rule: Rule) -> str:
    worst = ", ".join(severities(rule))
    summary = rule.summary.replace("|", "\\|")
    code = f"[{rule.code}]({file_name(rule)})"
    return f"| {code} | {rule.name} | {worst} | {', '.join(rule.needs)} | {summary} |"


def severities(rule: Rule) -> list[str]:
    """The severities that the rule's own module gives, the worst first.

    Read off the code: each ``Severity.X`` that is not only compared with, and each name that is
    handed to ``graded``.
    """
    tree = ast.parse(inspect.getsource(sys.modules[rule.check.__module__]))
    compared = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        for part in _operands(node)
    }
    found = {_severity(node) for node in ast.walk(tree) if id(node) not in compared}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "graded":
            found |= {str(part.value) for part in node.args if isinstance(part, ast.Constant)}
    return [severity.value for severity in Severity if severity.value in found]


def _operands(node: ast.Compare) -> Iterator[ast.expr]:
    yield node.left
    yield from node.comparators


def _severity(node: ast.AST) -> str | None:
    if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "Severity":
        return node.attr.lower()
    return None


def page(rule: Rule) -> str:
    """One rule: its docstring, needs and thresholds."""
    lines = [NOTE, "", f"# {rule.code} {rule.name}", "", rule.summary, ""]
    lines += [f"Severity: {', '.join(severities(rule))}. Needs: {', '.join(rule.needs)}."]
    if rule.capacity:
        lines += ["", "One step less severe where labels show that the model works."]
    if rule.follows:
        lines += ["", f"May follow from {', '.join(rule.follows)}."]
    for title, text in rule.sections.items():
        lines += ["", f"## {title}", "", text]
    if rule.thresholds:
        lines += ["", "## Thresholds", "", f"Set in `[tool.actdiag.rules.{rule.code}]`.", ""]
        lines += ["| name | default | where the default is from |", "|---|---|---|"]
        lines += [f"| `{one.name}` | {one.default:g} | {one.source} |" for one in rule.thresholds]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
