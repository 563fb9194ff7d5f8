"""Exemptions of the configuration hold whatever the command line says."""

from __future__ import annotations

import pytest

from actdiag.records import Ignored

KNOWN = Ignored("ACT101", "head.*", "pruned on purpose")
TABLE = '[[ignore]]\nrule = "ACT101"\nmodules = "head.*"\nreason = "pruned on purpose"\n'


@pytest.mark.parametrize(("said", "words"), [([], ()), (["--ignore", "OUT,ATT"], ("OUT", "ATT"))])
def test_scan_hands_them_on(run, pipeline, tmp_path, said, words):
    (tmp_path / "actdiag.toml").write_text(TABLE)
    run("scan", "model.pt", *said)
    assert pipeline.asked["ignore"] == (*words, KNOWN)


def test_an_unknown_rule_is_told(run, saved, tmp_path):
    (tmp_path / "actdiag.toml").write_text(TABLE.replace("ACT101", "dead-rely"))
    done = run("report", str(saved))
    assert done.exit_code == 2
    assert done.stderr == ("actdiag: no rule is called 'dead-rely'\n  Did you mean dead-relu?\n")
