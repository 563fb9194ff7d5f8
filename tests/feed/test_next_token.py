"""Causal language models of Transformers take their input as the labels, and move them."""

import pytest
import torch
from torch import nn

from actdiag.feed import open_data


class Repeater(nn.Module):
    """Not a causal model by its name, and meant to repeat its input."""

    def __init__(self):
        super().__init__()
        self.wte, self.head = nn.Embedding(9, 4), nn.Linear(4, 9)

    def forward(self, input_ids):
        return self.head(self.wte(input_ids))


class TinyLMHeadModel(Repeater):
    pass


IDS = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8]])
MOVED = [[2, 3, 4, -100], [6, 7, 8, -100]]


def labels(module, ids, wanted):
    feed = open_data({"input_ids": ids, "labels": wanted}, module=module, batch_size=1)
    found = torch.cat([batch.labels for batch in feed]).tolist()
    return found, any("one position before" in note for note in feed.notes)


def test_the_input_as_labels_is_moved_by_one():
    assert labels(TinyLMHeadModel(), IDS, IDS) == (MOVED, True)


def test_labels_that_leave_positions_out_are_moved_too():
    wanted = IDS.clone()
    wanted[0, :2] = -100
    assert labels(TinyLMHeadModel(), IDS, wanted)[0] == [[-100, 3, 4, -100], MOVED[1]]


@pytest.mark.parametrize(
    ("model", "wanted"),
    [(TinyLMHeadModel, IDS.roll(-1, 1)), (Repeater, IDS), (TinyLMHeadModel, IDS[:, 0])],
)
def test_other_labels_stay(model, wanted):
    assert labels(model(), IDS, wanted) == (wanted.tolist(), False)
