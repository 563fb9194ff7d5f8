"""Every file loads as it lies in its wheel: zip and legacy, saved on CUDA, nothing allowed."""

import pytest
import torch

from actdiag.load import examine, load_model
from tests.real.models import MODELS

pytestmark = pytest.mark.slow

PARAMETERS = {
    "digit-recognizer": 390_410,
    "ccexam": 421_642,
    "xfeat": 1_544_758,
    "pnet": 6_632,
    "rnet": 100_178,
    "onet": 389_040,
    "attacut": 173_533,
    "rxnmapper": 877_007,
}
NOT_ZIPPED = {"pnet", "rnet", "onet", "attacut", "rxnmapper"}


@pytest.mark.parametrize("name", MODELS)
def test_weights_load_into_their_network(name):
    model = MODELS[name]
    loaded = load_model(model.path, factory=model.factory, factory_args=model.arguments)

    assert loaded.info.format == "state-dict"
    assert loaded.info.parameters == PARAMETERS[name]
    assert loaded.notes == ()
    assert {value.device.type for value in loaded.state.values()} == {"cpu"}
    assert loaded.module is not None
    state = loaded.module.state_dict()
    original = torch.load(model.path, map_location="cpu", weights_only=True)
    assert set(state) >= set(original)
    assert all(torch.equal(state[key], value) for key, value in original.items())


@pytest.mark.parametrize("name", MODELS)
def test_looking_at_the_file_says_that_it_is_safe(name):
    model = MODELS[name]
    with open(model.path, "rb") as file:  # noqa: PTH123 - four bytes
        zipped = file.read(2) == b"PK"

    assert zipped is (name not in NOT_ZIPPED)
    assert examine(model.path).format == "state-dict"
    assert examine(model.path).verdict.safe
