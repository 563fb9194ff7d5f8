"""Factories: found, called, and when they fail, the user's own line is shown."""

from __future__ import annotations

import random
import sys

import pytest
import torch
from torch import nn

from actdiag.errors import ActdiagError, ModelFileError, UsageError
from actdiag.load import live_model
from tests.load.makers import FACTORIES, load, tiny


def failure(text, **options):
    with pytest.raises(ActdiagError) as caught:
        load(text, **options)
    assert caught.value.exit_code == 2
    return caught.value


def test_a_function_a_class_and_a_ready_made_module():
    for name in ("tiny", "Net", "ready_made"):
        loaded = load(f"{FACTORIES}:{name}")
        assert isinstance(loaded.module, nn.Module)
        assert loaded.info.format == "factory"
        assert loaded.info.path == f"{FACTORIES}:{name}"
        assert loaded.info.sha256 is None
        assert loaded.source_files == (FACTORIES,)


def test_arguments_reach_the_factory():
    loaded = load(f"{FACTORIES}:tiny", factory_args={"width": 9})
    assert loaded.module[0].out_features == 9


def test_the_factory_may_come_as_the_option_alone():
    assert load(None, factory=f"{FACTORIES}:tiny").info.parameters == 23


def test_a_module_path():
    loaded = load("torch.nn:ReLU", factory_args={"inplace": True})
    assert loaded.module.inplace
    assert loaded.info.class_name == "ReLU"


def test_a_live_module():
    loaded = live_model(tiny())
    assert loaded.info.path is None
    assert loaded.info.parameters == 23


def test_random_numbers_are_fixed_inside_and_untouched_outside():
    torch.manual_seed(1)
    random.seed(1)
    expected = torch.rand(2), random.random()
    torch.manual_seed(1)
    random.seed(1)
    first = load(f"{FACTORIES}:tiny").module
    assert (torch.equal(torch.rand(2), expected[0]), random.random()) == (True, expected[1])
    second = load(f"{FACTORIES}:tiny").module
    assert torch.equal(first[0].weight, second[0].weight)
    ready = [load(f"{FACTORIES}:ready_made").module[0].weight for _ in range(2)]
    assert torch.equal(*ready)


def test_modules_beside_the_file_can_be_imported_and_leave_no_trace(tmp_path, capsys):
    widths = {}
    for name, width in (("a", 3), ("b", 5)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "sizes.py").write_text(f"WIDTH = {width}\n")
        (folder / "model.py").write_text(
            "from torch import nn\nfrom sizes import WIDTH\nprint('hello')\n"
            "def build():\n    import sizes\n    return nn.Linear(sizes.WIDTH, WIDTH)\n"
        )
        before, path = set(sys.modules), list(sys.path)
        widths[name] = load(f"{folder}/model.py:build").module.in_features
        assert set(sys.modules) == before
        assert sys.path == path
    assert widths == {"a": 3, "b": 5}
    assert capsys.readouterr().out == ""


def test_a_file_named_like_a_library(tmp_path):
    (tmp_path / "torch.py").write_text(
        "import torch\ndef build():\n    return torch.nn.Linear(1, 1)\n"
    )
    # The folder comes first on the path, as in Python: but torch itself is imported already.
    assert load(f"{tmp_path}/torch.py:build").info.parameters == 2
    assert sys.modules["torch"] is torch


def test_no_such_name_suggests_the_nearest():
    error = failure(f"{FACTORIES}:tinny")
    assert error.message == f"{FACTORIES} has no tinny."
    assert error.hint == "Did you mean tiny?"


def test_no_such_name_lists_what_there_is(tmp_path):
    (tmp_path / "m.py").write_text("from torch import nn\ndef resnet():\n    pass\n")
    assert failure(f"{tmp_path}/m.py:xyz").hint == "It defines resnet."


def test_no_such_file_suggests_the_nearest():
    assert failure(FACTORIES.replace("ies.py", "y.py") + ":tiny").hint == (
        f"Did you mean {FACTORIES}:tiny?"
    )


def test_no_such_module():
    error = failure("no_such_package.models:build")
    assert "There is no module no_such_package" in error.message
    assert "FILE.py:NAME" in error.hint


def test_a_factory_that_raises_shows_the_users_line():
    error = failure(f"{FACTORIES}:broken")
    assert "IndexError: list index out of range" in error.message
    assert "factories.py:" in error.message
    assert "return layers[1]" in error.message


def test_a_factory_that_leaves_the_program():
    assert "SystemExit: 3" in failure(f"{FACTORIES}:quits").message


def test_a_factory_that_gives_something_else():
    error = failure(f"{FACTORIES}:not_a_module")
    assert error.message == f"{FACTORIES}:not_a_module gave a list, not a module."


def test_a_name_that_cannot_be_called():
    assert failure(f"{FACTORIES}:answer").message == f"{FACTORIES}:answer is a int, not a factory."


def test_missing_arguments_are_named():
    error = failure(f"{FACTORIES}:needs_width", factory_args={"depth": 1})
    assert isinstance(error, UsageError)
    assert "needs width" in error.message
    assert """--model-args '{"width": ...}'""" in error.hint


def test_an_unknown_argument_suggests_the_nearest():
    error = failure(f"{FACTORIES}:tiny", factory_args={"widht": 1})
    assert error.message == f"{FACTORIES}:tiny has no parameter widht."
    assert error.hint == "Did you mean width?"


def test_a_ready_made_module_takes_no_arguments():
    error = failure(f"{FACTORIES}:ready_made", factory_args={"width": 1})
    assert "ready-made" in error.message


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import nothing_of_this_name\n", "No module named 'nothing_of_this_name'"),
        ("def f(:\n", "SyntaxError"),
        ("raise ValueError('no\\x1b[31m data')\n", "ValueError: no\\x1b[31m data"),
        ("raise SystemExit('usage: train.py')\n", "SystemExit: usage: train.py"),
    ],
)
def test_a_file_that_fails_while_imported(tmp_path, code, told):
    (tmp_path / "m.py").write_text(code)
    error = failure(f"{tmp_path}/m.py:f")
    assert "failed while it was imported" in error.message
    assert told in error.message
    assert f"{tmp_path}/m.py:1" in error.message


def test_a_factory_that_is_no_reference(tmp_path):
    torch.save(tiny().state_dict(), tmp_path / "m.pt")
    error = failure(str(tmp_path / "m.pt"), factory="factories.py")
    assert isinstance(error, UsageError)
    assert "Write FILE.py:NAME" in error.hint


def test_code_given_twice():
    error = failure(f"{FACTORIES}:tiny", factory=f"{FACTORIES}:Net")
    assert "--model has no place to go" in error.message


def test_nothing_given():
    assert failure(None).message == "No model was given."


def test_a_device_that_is_not_there():
    error = failure(f"{FACTORIES}:tiny", device="warp")
    assert isinstance(error, UsageError)
    assert "--device warp" in error.message


def test_a_lazy_module_counts_nothing_yet(tmp_path):
    (tmp_path / "m.py").write_text(
        "from torch import nn\ndef build():\n    return nn.LazyLinear(2)\n"
    )
    assert load(f"{tmp_path}/m.py:build").info.parameters == 0


def test_errors_are_model_file_errors():
    assert isinstance(failure(f"{FACTORIES}:tinny"), ModelFileError)
