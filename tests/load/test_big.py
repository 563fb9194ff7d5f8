"""Big files: mapped, and built without memory first, with nothing left behind on meta."""

from __future__ import annotations

import zipfile

import pytest
import torch
from torch import Tensor

from actdiag.load import fill
from actdiag.load.formats import zipped
from tests.load.makers import FACTORIES, TINY, load, tiny


@pytest.fixture(autouse=True)
def everything_is_big(monkeypatch):
    monkeypatch.setattr(fill, "BIG", 0)
    monkeypatch.setattr(zipped, "BIG", 0)


@pytest.fixture
def maps(monkeypatch):
    """Whether torch.load was asked to map, call by call."""
    asked, original = [], torch.load

    def load(*args, **options):
        asked.append(options["mmap"])
        return original(*args, **options)

    monkeypatch.setattr(torch, "load", load)
    return asked


def test_the_weights_are_mapped_and_assigned(tmp_path, maps):
    path = tmp_path / "s.pt"
    torch.save(tiny().state_dict(), path)
    loaded = load(path, factory=TINY)
    assert maps == [True]
    assert torch.equal(loaded.module[0].weight, tiny()[0].weight)
    assert loaded.module[0].weight.data_ptr() == loaded.state["0.weight"].data_ptr()
    assert all(parameter.requires_grad for parameter in loaded.module.parameters())


def test_a_whole_module_is_mapped(tmp_path, maps):
    torch.save(tiny(), tmp_path / "m.pt")
    loaded = load(tmp_path / "m.pt")
    assert maps == [True]
    assert torch.equal(loaded.module[2].bias, tiny()[2].bias)


def test_tensors_outside_the_state_dict_are_real(tmp_path):
    path = tmp_path / "s.pt"
    torch.save({"fc.weight": torch.ones(4, 4), "fc.bias": torch.ones(4)}, path)
    module = load(path, factory=f"{FACTORIES}:Hidden").module
    assert torch.equal(module.scale, torch.arange(4.0))
    assert torch.equal(module.steps["angles"][0], torch.linspace(0, 1, 4))
    assert torch.equal(module.fc.weight, torch.ones(4, 4))


def test_a_factory_that_needs_numbers_while_building(tmp_path):
    (tmp_path / "m.py").write_text(
        "import torch\nfrom torch import nn\ndef build():\n"
        "    width = int(torch.ones(4).sum().item())\n    return nn.Linear(width, 2)\n"
    )
    torch.save(torch.nn.Linear(4, 2).state_dict(), tmp_path / "s.pt")
    loaded = load(tmp_path / "s.pt", factory=f"{tmp_path}/m.py:build")
    assert not loaded.module.weight.is_meta


def test_tied_weights_stay_tied(tmp_path):
    torch.save({"embed.weight": torch.ones(5, 3), "head.weight": torch.ones(5, 3)}, tmp_path / "s")
    loaded = load(tmp_path / "s", factory=f"{FACTORIES}:Tied")
    assert loaded.module.head.weight is loaded.module.embed.weight
    assert loaded.info.parameters == 15


def test_a_mismatch_is_told_as_for_small_files(tmp_path):
    torch.save(tiny().state_dict(), tmp_path / "s.pt")
    with pytest.raises(Exception, match="other shape"):
        load(tmp_path / "s.pt", factory=TINY, factory_args={"width": 9})


def test_a_compressed_archive_is_read_instead_of_mapped(tmp_path, maps):
    torch.save(tiny().state_dict(), tmp_path / "s.pt")
    packed = tmp_path / "packed.pt"
    with (
        zipfile.ZipFile(tmp_path / "s.pt") as source,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for info in source.infolist():
            target.writestr(info.filename, source.read(info))
    loaded = load(packed, factory=TINY)
    assert maps == [False]
    assert torch.equal(loaded.module[0].weight, tiny()[0].weight)


def test_no_tensor_is_left_on_the_meta_device(tmp_path):
    torch.save(tiny().state_dict(), tmp_path / "s.pt")
    module = load(tmp_path / "s.pt", factory=TINY).module
    tensors: list[Tensor] = [*module.parameters(), *module.buffers()]
    assert not any(tensor.is_meta for tensor in tensors)
