"""Which models are meant by what is named."""

import pytest

from actdiag.cli._models import models
from actdiag.cli._targets import targets
from actdiag.errors import NothingCheckedError, UsageError


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.pt", "b.pt"):
        (tmp_path / name).write_bytes(b"x")


def test_a_pattern_with_a_key_means_that_key_in_each_file(runs):
    assert models(["*.pt:netG"]) == ["a.pt:netG", "b.pt:netG"]
    assert models(["a.pt:netG", "a.pt:netD"]) == ["a.pt:netG", "a.pt:netD"]
    with pytest.raises(NothingCheckedError, match=r"no file matches \*\.ckpt:netG"):
        models(["*.ckpt:netG"])


def test_a_report_never_goes_over_the_file_that_a_key_is_in(runs):
    with pytest.raises(UsageError, match=r"a\.pt:netG is an input"):
        targets(["json=a.pt"], inputs=("a.pt:netG",))
