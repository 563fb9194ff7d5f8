"""The words of the contract from Python."""

import subprocess
import sys
import traceback

import pytest
import torch
from torch import nn

import actdiag
from actdiag.errors import UsageError
from tests.end_to_end.samples import scanned


def test_the_package_starts_without_torch_and_offers_its_words():
    code = "import actdiag, sys; assert 'torch' not in sys.modules; actdiag.scan"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert set(actdiag.__all__) <= {*dir(actdiag), *actdiag._HOMES}


def test_a_notebook_shows_the_page():
    page = scanned("constant_output")._repr_html_()
    assert page.startswith("<!DOCTYPE html>")
    assert "dead ReLUs" in page


def test_a_debugger_shows_the_verdict_and_not_every_number():
    shown = repr(scanned("constant_output"))
    assert shown.startswith("<Report: 5 errors, 4 warnings in constant_output.pt: model outputs")
    assert len(shown) < 250
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    ("model", "data", "said", "advice"),
    [
        (torch.zeros(3, 4), nn.Linear(4, 2), "a Tensor", "the model comes first"),
        (nn.Linear(4, 2).state_dict(), None, "a OrderedDict", "load_state_dict"),
        (nn.ReLU, None, "the class ReLU", "ReLU(...)"),
        (torch.relu, torch.zeros(3, 4), "a builtin_function_or_method", "has no layers"),
        (3, None, "a int", "nn.Module or the path"),
    ],
)
def test_what_is_no_model_is_told_as_what_it_is(model, data, said, advice):
    with pytest.raises(UsageError) as caught:
        actdiag.scan(model, data)
    assert caught.value.message == f"the model is {said}, not a module"
    assert advice in caught.value.hint
    assert caught.value.hint in "".join(traceback.format_exception(caught.value))
