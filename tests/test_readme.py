"""The report in the README is what the command prints, but for the last digits of its numbers."""

import re
from pathlib import Path

from actdiag.render import text
from tests.end_to_end.samples import scanned


def words(report):
    return re.sub(r"[\d.,e+−-]+", "#", report).split()


def test_the_report_in_the_readme_is_real():
    readme = Path("README.md").read_text(encoding="utf-8")
    shown = readme.split("digits.npz\n", 1)[1].split("```", 1)[0]
    assert words(shown) == words(text.render(scanned("constant_output"), width=80))


def test_the_readmes_numbers_of_sample_models_are_right():
    from tests.end_to_end.samples import MANIFEST

    sick = sum(entry["sick"] for entry in MANIFEST.values())
    readme = Path("README.md").read_text(encoding="utf-8")
    assert f"{sick} sick models and {len(MANIFEST) - sick} healthy ones" in readme
