from __future__ import annotations

import pytest

from actdiag.rules import HEADINGS, registry
from scripts import rule_docs

OWN = [rule for rule in registry().values() if rule.check.__module__.startswith("actdiag.")]


def test_the_pages_are_current():
    stale = rule_docs.stale_pages(rule_docs.pages())
    assert stale == [], "run: python scripts/rule_docs.py"


@pytest.mark.parametrize("rule", OWN, ids=lambda rule: rule.code)
def test_a_page_holds_the_whole_documentation(rule):
    page = rule_docs.pages()[f"{rule.code}-{rule.name}.md"]
    assert all(f"\n## {heading}\n" in page for heading in HEADINGS)
    assert all(f"| `{threshold.name}` |" in page for threshold in rule.thresholds)
    assert rule_docs.severities(rule)


def test_the_index_names_every_rule_with_severity_and_needs():
    index = rule_docs.pages()["README.md"]
    row = next(line for line in index.splitlines() if "ACT101" in line)
    assert row.startswith(
        "| [ACT101](ACT101-dead-relu.md) | dead-relu | error, warning, info | forward, observations"
    )
    assert [rule.code for rule in OWN if f"[{rule.code}]" not in index] == []


def test_severities_that_are_only_compared_with_do_not_count():
    assert rule_docs.severities(registry()["DAT702"]) == ["info"]
    assert rule_docs.severities(registry()["OUT203"]) == ["error", "warning"]


def test_a_stale_page_is_named(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(rule_docs, "FOLDER", tmp_path)
    assert rule_docs.main([]) == 0
    assert rule_docs.main(["--check"]) == 0
    (tmp_path / "README.md").write_text("old")
    (tmp_path / "OLD001-gone.md").write_text("of no rule")
    assert rule_docs.main(["--check"]) == 1
    said = capsys.readouterr().out
    assert "docs/rules/OLD001-gone.md is not current: run python scripts/rule_docs.py" in said
    assert rule_docs.main([]) == 0
    assert not (tmp_path / "OLD001-gone.md").exists()
