"""Scores against labels −1 and 1, streamed in any batches."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from actdiag.stats.output import OutputAccumulator, output_kind

SIGN = "labels −1 and 1 were read as two classes, told apart by the sign of the output"
HALF = "labels −1 and 1 were read as two classes, told apart at 0.5, as probabilities are"


def drawn(samples=200, seed=0):
    generator = torch.Generator().manual_seed(seed)
    scores = 30 * torch.randn(samples, 1, generator=generator)
    noise = 20 * torch.randn(samples, generator=generator)
    return scores, torch.where(scores[:, 0] + noise > 0, 1, -1)


def accumulated(scores, labels, sizes=None):
    """As the pass does: the first batch says what the output seems to be."""
    sizes = sizes or [len(scores)]
    parts = list(zip(scores.split(sizes), labels.split(sizes), strict=True))
    kind, assumed = output_kind(tuple(parts[0][0].shape), None, parts[0][1], parts[0][0])
    found = OutputAccumulator(kind, assumed=assumed)
    for output, own in parts:
        found.update(output, own)
    return found


@pytest.mark.parametrize("dtype", [torch.int64, torch.float32])
@pytest.mark.parametrize("column", [False, True])
def test_the_sign_is_the_class(dtype, column):
    scores, labels = drawn()
    right = accuracy_score(labels > 0, scores[:, 0] > 0)
    assert 0.6 < right < 0.95
    given_labels = labels.to(dtype)[:, None] if column else labels.to(dtype)
    told = accumulated(scores, given_labels).to_record()
    assert (told.kind, told.classes, told.label_classes, told.notes) == ("margin", 2, 2, (SIGN,))
    assert told.accuracy == pytest.approx(right, rel=1e-12)
    assert told.majority == max((labels > 0).double().mean(), (labels < 0).double().mean())
    assert (told.label_min, told.label_max, told.predictions) == (-1, 1, 200)
    assert told.r2 is None is told.mean_confidence is told.nll
    assert accumulated(scores[:, 0], labels.to(dtype)).to_record().accuracy == told.accuracy


def test_scores_that_stay_between_0_and_1_are_cut_in_the_middle():
    scores, labels = drawn()
    told = accumulated(torch.sigmoid(scores), labels).to_record()
    assert told.notes == (HALF,)
    assert told.accuracy == accumulated(scores, labels).to_record().accuracy


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8), st.sampled_from(["up", "down", "as"]))
def test_no_partition_and_no_order_changes_what_is_told(cuts, order):
    scores, labels = drawn(sum(cuts), seed=len(cuts))
    labels[0], labels[-1] = 1, -1
    whole = accumulated(scores, labels).to_record()
    if order != "as":
        place = labels.argsort(descending=order == "down", stable=True)
        scores, labels = scores[place], labels[place]
    parts = accumulated(scores, labels, cuts).to_record()
    for field in dataclasses.fields(whole):
        one, other = getattr(parts, field.name), getattr(whole, field.name)
        if field.name not in ("shape", "label_shape"):
            assert one == (pytest.approx(other) if isinstance(other, float) else other), field.name


@pytest.mark.parametrize("descending", [False, True])
def test_shards_merge_to_the_same(descending):
    scores, labels = drawn()
    place = labels.argsort(descending=descending)
    scores, labels = scores[place], labels[place]
    whole = accumulated(scores, labels)
    kind = accumulated(scores[:70], labels[:70]).to_record().kind
    pieces = []
    for first in (0, 70, 140):
        part = OutputAccumulator(kind, first=first)
        part.update(scores[first : first + 70], labels[first : first + 70])
        pieces.append(OutputAccumulator.from_state(part.state()))
    pieces[0].merge(pieces[2])
    pieces[0].merge(pieces[1])
    assert pieces[0].to_record().accuracy == whole.to_record().accuracy
    assert pieces[0].to_record().notes == (SIGN,)


def test_one_other_target_makes_it_a_regression():
    scores, labels = drawn()
    values, targets = torch.tanh(scores), labels.float()
    targets[150] = 0.25
    told = accumulated(values, targets, [100, 100]).to_record()
    wanted = targets.double().numpy()
    missed = ((values[:, 0].double().numpy() - wanted) ** 2).sum()
    assert (told.kind, told.accuracy, told.notes) == ("values", None, ())
    assert told.r2 == pytest.approx(1 - missed / ((wanted - wanted.mean()) ** 2).sum())


@pytest.mark.parametrize("only", [-1, 1])
def test_a_single_label_is_read_as_before(only):
    scores, _ = drawn()
    told = accumulated(scores, torch.full((200,), only)).to_record()
    assert told.kind == {-1: "values", 1: "binary-logit"}[only]


def test_marks_of_answers_without_a_label_are_no_class():
    scores, labels = drawn()
    marked = torch.cat([labels.clamp(min=0), torch.full((200,), -1)])
    told = accumulated(torch.cat([scores, scores]), marked, [200, 200]).to_record()
    assert (told.kind, told.labels_foreign) == ("binary-logit", 200)
    labels[::4] = -100
    told = accumulated(scores, labels).to_record()
    assert (told.kind, told.predictions) == ("margin", 150)


@pytest.mark.parametrize("dtype", [torch.int64, torch.float32])
def test_yes_or_no_with_answers_without_a_label(dtype):
    scores, labels = drawn()
    marked = labels.clamp(min=0).to(dtype)
    marked[::4] = -100
    told, kept = accumulated(scores, marked).to_record(), marked != -100
    right = accuracy_score(marked[kept] > 0, scores[kept, 0] > 0)
    assert (told.kind, told.accuracy) == ("binary-logit", pytest.approx(right))
    assert (told.predictions, told.labels_foreign) == (150, 0)


def test_several_signs_for_each_sample_are_no_margin():
    values = torch.randn(50, 3)
    assert accumulated(values, values.sign()).to_record().kind == "values"


def test_answers_that_are_not_finite_are_left_out_and_told():
    scores, labels = drawn()
    scores[3] = np.nan
    told = accumulated(scores, labels).to_record()
    assert told.predictions == 199
    assert told.notes == ("1 answers held NaN or Inf and were left out", SIGN)
