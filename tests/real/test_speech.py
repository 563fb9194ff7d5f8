"""A voice detector in TorchScript: ReLUs, an LSTM cell, its state in plain attributes."""

import pytest
import torch

from actdiag.capture import Capture
from actdiag.load import Trust, load_model
from tests.real.speech import RATE, frames
from tests.real.wheels import UnavailableError, unpacked

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def detector():
    path = unpacked("silero-vad") / "silero_vad" / "data" / "silero_vad.jit"
    return load_model(str(path), trust=Trust(everything=True)).module


@pytest.fixture(scope="module")
def speech():
    try:
        return frames()
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def captured(detector, speech):
    answers = []
    with Capture(detector) as capture:
        for frame in speech:
            answers.append(capture.run((frame[None], RATE), {}, 1))
            assert capture.failure is None
        return capture.sites(), capture.coverage(), torch.cat(answers)


def test_the_relus_have_the_dead_units_that_were_counted_independently(captured):
    relus = [site for site in captured[0] if site.function == "relu"]
    assert [site.units for site in relus] == [128, 64, 64, 128, 128]
    assert [site.stats.dead_units for site in relus] == [2, 0, 6, 15, 12]


def test_sites_go_by_the_names_in_the_file(captured):
    sites, coverage, _ = captured
    names = [site.name for site in sites]
    assert "_model.encoder.0.activation" in names
    assert "_model.decoder.rnn/forget_gate" in names
    assert any(name.startswith("_model_8k.") for name in coverage.modules_not_called)
    assert not any(name.startswith("_model.encoder.0.r") for name in coverage.modules_not_called)


def test_it_hears_as_before_and_keeps_nothing_of_what_was_shown(detector, speech, captured):
    assert detector._state.numel() == 0 or not detector._state.any()
    with torch.no_grad():
        answers = torch.cat([detector(frame[None], RATE) for frame in speech])
    torch.testing.assert_close(captured[2], answers)
    detector.reset_states()
