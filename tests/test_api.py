"""The words of the contract from Python."""

import subprocess
import sys

import actdiag
from tests.end_to_end.samples import scanned


def test_the_package_starts_without_torch_and_offers_its_words():
    code = "import actdiag, sys; assert 'torch' not in sys.modules; actdiag.scan"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert set(actdiag.__all__) <= {*dir(actdiag), *actdiag._HOMES}


def test_a_notebook_shows_the_page():
    page = scanned("constant_output")._repr_html_()
    assert page.startswith("<!DOCTYPE html>")
    assert "dead ReLUs" in page
