"""The best pairing of labels with outputs."""

from __future__ import annotations

import torch

from actdiag.stats.output import OutputAccumulator
from actdiag.stats.pairing import MOST_PAIRS, pairing


def _right(count, classes):
    return torch.randint(classes, (count,), generator=torch.Generator().manual_seed(0))


def test_a_shift_of_all_classes_is_found_and_judged_on_other_answers():
    answers = _right(400, 5)
    found = pairing((answers + 1) % 5, answers, 5)
    assert (found.accuracy_before, found.accuracy_after, found.moved) == (0.0, 1.0, 5)
    assert found.pairs == ((0, 4), (1, 0), (2, 1), (3, 2), (4, 3))
    assert found.samples_judged == 200


def test_two_classes_swapped_leave_the_others_alone():
    answers = _right(400, 5)
    labels = answers.clone()
    labels[answers == 1], labels[answers == 3] = 3, 1
    found = pairing(labels, answers, 5)
    assert found.pairs == ((1, 3), (3, 1))
    assert found.distance < 0.1


def test_labels_that_say_nothing_gain_nothing():
    answers = _right(2000, 10)
    found = pairing(answers[torch.randperm(2000)], answers, 10)
    assert found.accuracy_after < 0.15
    assert found.distance == 0


def test_one_answer_to_everything_is_as_far_from_the_labels_as_it_leaves_out():
    labels = torch.arange(400) % 4
    found = pairing(labels, torch.zeros(400, dtype=torch.int64), 4)
    assert found.distance == 0.75
    assert found.accuracy_after <= 0.5


def test_of_many_classes_the_first_pairs_are_kept():
    answers = _right(4000, 100)
    found = pairing((answers + 1) % 100, answers, 100)
    assert (found.moved, len(found.pairs)) == (100, MOST_PAIRS)


def test_a_scan_in_two_parts_finds_the_same():
    answers = _right(300, 4)
    logits = 5 * torch.nn.functional.one_hot(answers, 4).float()
    whole, first = OutputAccumulator("logits"), OutputAccumulator("logits")
    second = OutputAccumulator("logits", first=100, drawn=100)
    whole.update(logits, (answers + 1) % 4)
    first.update(logits[:100], (answers[:100] + 1) % 4)
    second.update(logits[100:], (answers[100:] + 1) % 4)
    first.merge(OutputAccumulator.from_state(second.state()))
    assert first.to_record().pairing == whole.to_record().pairing
    assert first.to_record().label_shape == (100,)
