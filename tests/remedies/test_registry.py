import subprocess
import sys

import pytest

from actdiag.errors import UsageError
from actdiag.records import Coverage, DataInfo, ModelInfo, Scan, ToolInfo
from actdiag.remedies import names, registry, require
from actdiag.remedies.base import Subject

CONTRACT = {
    "leaky-relu",
    "gelu",
    "he-init",
    "xavier-init",
    "lower-lr",
    "standardize",
    "batchnorm",
    "layernorm",
    "residual",
    "dropout",
    "label-smoothing",
    "weight-decay",
    "reset-dead-units",
    "temperature",
}


def test_the_contracts_remedies_are_all_there():
    assert set(names()) == CONTRACT == set(registry())
    assert len({remedy.title for remedy in registry().values()}) == len(CONTRACT)


def test_each_is_called_for_by_something_or_cheap():
    assert all(item.causes or item.codes or item.cheap for item in registry().values())


def test_a_healthy_model_calls_for_none():
    info = ModelInfo(None, "factory", "Net")
    subject = Subject(Scan(ToolInfo(), info, DataInfo("x"), Coverage()), (), (), "logits")
    assert not any(remedy.called_for_by(subject) for remedy in registry().values())


def test_a_remedy_that_there_is_not():
    with pytest.raises(UsageError) as caught:
        require("leakyrelu")
    assert caught.value.message == "there is no remedy 'leakyrelu'"
    assert caught.value.hint == "Did you mean leaky-relu?"


def test_knowing_the_names_takes_no_torch():
    code = (
        "import sys; from actdiag import remedies; remedies.registry();"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "False"
