"""What is no model file says what it is."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
import torch

from actdiag.errors import ModelFileError
from actdiag.load import examine, load_model


def refusal(path):
    with pytest.raises(ModelFileError) as caught:
        load_model(str(path))
    assert caught.value.exit_code == 2
    return caught.value


def test_no_such_file_suggests_the_nearest(tmp_path):
    torch.save({}, tmp_path / "model_best.pt")
    error = refusal(tmp_path / "model_bst.pt")
    assert error.message == f"There is no file {tmp_path}/model_bst.pt."
    assert error.hint == f"Did you mean {tmp_path}/model_best.pt?"


def test_no_such_file_with_another_suffix(tmp_path):
    torch.save({}, tmp_path / "a.safetensors")
    assert refusal(tmp_path / "a.pt").hint == f"Did you mean {tmp_path}/a.safetensors?"


def test_no_such_file_lists_the_models_there_are(tmp_path):
    torch.save({}, tmp_path / "epoch_10.ckpt")
    assert "there is epoch_10.ckpt" in refusal(tmp_path / "x.pt").hint


def test_no_such_folder(tmp_path):
    assert "does not exist" in refusal(tmp_path / "none" / "x.pt").hint


def test_a_folder_lists_the_models_in_it(tmp_path):
    torch.save({}, tmp_path / "last.ckpt")
    error = refusal(tmp_path)
    assert "is a folder, not a model file" in error.message
    assert error.hint == (
        "It holds last.ckpt; give one of them. It has no config.json, as a Hugging Face folder "
        "would."
    )


def test_a_device_is_not_opened():
    assert "is a device or a pipe" in refusal("/dev/zero").message


def test_a_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.pt")
    assert "is a device or a pipe" in refusal(tmp_path / "pipe.pt").message


def test_a_path_with_a_null_byte():
    assert "cannot be opened" in refusal("a\0b.pt").message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file(tmp_path):
    path = tmp_path / "m.pt"
    torch.save({}, path)
    path.chmod(0)
    assert "may not be read by this user" in refusal(path).message


def test_an_unreadable_file_whoever_asks(tmp_path, monkeypatch):
    path = tmp_path / "m.pt"
    torch.save({}, path)

    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", denied)
    error = refusal(path)
    assert error.message == f"{path} may not be read by this user."
    assert "ls -l" in error.hint


@pytest.mark.parametrize(
    ("content", "told", "advice"),
    [
        (b"", "is empty (0 bytes)", "disk was full"),
        (b"epoch,loss\n1,0.5\n", "is a text file, not a PyTorch model", "torch.save"),
        ("naïve Bayes\n".encode() * 1000, "is a text file", "torch.save"),
        (b"<!DOCTYPE html>\n<html><body>Not found", "is a web page", "Download"),
        (b"\n  <html lang=en>", "is a web page", "Download"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
            "is a Git LFS pointer of 63 bytes",
            "git lfs pull",
        ),
        (b"\x89HDF\r\n\x1a\n" + bytes(50), "an HDF5 file, as Keras writes it", "PyTorch"),
        (b"\x93NUMPY\x01\x00" + bytes(50), "a NumPy array", "DATA"),
        (b"GGUF\x03\x00\x00\x00", "a GGUF file", "original"),
        (b"\x1f\x8b\x08\x00" + bytes(50), "compressed with gzip", "gunzip"),
        (b"\x7fELF" + bytes(50), "a program", "checkpoint"),
        (b"\x00\x01\x02\x03" * 20, "(its first bytes are 00 01 02 03", "safetensors"),
        (b"PK\x03\x04" + bytes(500), "is cut off or damaged", "again"),
        (b"PK\x03", "is cut off or damaged", "again"),
    ],
)
def test_files_of_other_kinds_are_named(tmp_path, content, told, advice):
    path = tmp_path / "model.pt"
    path.write_bytes(content)
    error = refusal(path)
    assert told in error.message
    assert str(path) in error.message
    assert advice in error.hint


def test_arrays_in_place_of_a_model(tmp_path):
    np.savez(tmp_path / "digits.npz", x=np.zeros(3))
    error = refusal(tmp_path / "digits.npz")
    assert error.message.endswith("is an archive of NumPy arrays, not a PyTorch model.")
    assert error.hint == "Give it as data: actdiag scan MODEL DATA."


def test_a_python_file_without_a_name(tmp_path):
    path = tmp_path / "net.py"
    path.write_text("x = 1\n")
    assert refusal(path).hint.endswith(f"{path}:NAME.")


def test_a_file_name_cannot_speak_to_the_terminal(tmp_path):
    path = tmp_path / "a\x1b[2Jb\n::add-mask::x.pt"
    path.write_bytes(b"")
    message = refusal(path).message
    assert "\x1b" not in message
    assert "\n" not in message
    assert "\\x1b[2Jb\\x0a::add-mask::" in message


def test_no_arrays_are_taken_for_weights(tmp_path):
    path = tmp_path / "data.pt"
    torch.save({"x": torch.zeros(3, 4), "y": torch.zeros(3)}, path)
    assert "looks like data" in refusal(path).hint


def test_a_plain_pickle_is_called_that(tmp_path):
    path = tmp_path / "plain.pt"
    path.write_bytes(pickle.dumps({"w": 1.0}))
    assert examine(str(path)).title == "a plain pickle"
    torch.save({"w": torch.zeros(2)}, path, _use_new_zipfile_serialization=False)
    assert examine(str(path)).title == "a torch.save file of the older kind"


def test_a_single_tensor_is_no_model(tmp_path):
    path = tmp_path / "t.pt"
    torch.save(torch.zeros(3, 4), path)
    assert "a single tensor of shape (3, 4)" in refusal(path).message


def test_an_optimizer_alone_is_no_model(tmp_path):
    path = tmp_path / "o.pt"
    parameter = torch.nn.Parameter(torch.zeros(2))
    torch.save({"optimizer": torch.optim.SGD([parameter]).state_dict(), "epoch": 1}, path)
    error = refusal(path)
    assert "its keys: optimizer, epoch" in error.message
    assert "an optimizer's state alone" in error.hint


def test_a_list_is_no_model(tmp_path):
    path = tmp_path / "l.pt"
    torch.save([1, 2], path)
    assert "holds a list, not a model" in refusal(path).message
