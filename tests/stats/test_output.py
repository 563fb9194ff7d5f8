"""What is read off a model's answers, streamed in any batches."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss, r2_score
from torch.nn import functional as F

from actdiag.stats.calibration import expected_calibration_error, fit_temperature
from actdiag.stats.kept import FEWEST_ROWS, KeptRows
from actdiag.stats.output import OutputAccumulator, output_kind


def drawn(answers=300, classes=4, seed=0, sharpness=4.0):
    generator = torch.Generator().manual_seed(seed)
    logits = sharpness * torch.randn(answers, classes, generator=generator)
    labels = torch.multinomial((logits / 3).softmax(1), 1, generator=generator).squeeze(1)
    return logits, labels


def record(output, labels=None, kind="logits", sizes=None):
    site = OutputAccumulator(kind)
    sizes = sizes or [len(output)]
    wanted = [None] * len(sizes) if labels is None else labels.split(sizes)
    for part, own in zip(output.split(sizes), wanted, strict=True):
        site.update(part, own)
    return site.to_record()


def assert_same(found, wanted):
    for field in dataclasses.fields(wanted):
        left, right = getattr(found, field.name), getattr(wanted, field.name)
        if isinstance(right, float):
            assert left == pytest.approx(right, rel=1e-9, abs=1e-15), field.name
        elif field.name == "temperature" and right is not None:
            ours, theirs = (np.hstack(dataclasses.astuple(one)) for one in (left, right))
            assert ours == pytest.approx(theirs, rel=1e-6)
        elif field.name == "agreement" and right is not None:
            assert dataclasses.astuple(left) == pytest.approx(dataclasses.astuple(right), rel=1e-9)
        elif field.name == "reliability":
            assert [one.samples for one in left] == [one.samples for one in right]
        elif field.name not in ("shape", "label_shape"):
            assert left == right, field.name


class TestKind:
    logits, labels = drawn()
    shares = logits.softmax(1)

    @pytest.mark.parametrize(
        ("output", "function", "labels", "kind", "assumed"),
        [
            (logits, None, labels, "logits", False),
            (logits, None, None, "logits", True),
            (logits, None, F.one_hot(labels), "logits", False),
            (shares, None, labels, "probabilities", False),
            (shares, None, None, "probabilities", False),
            (shares.half(), None, None, "probabilities", False),
            (shares.log(), None, labels, "log-probabilities", False),
            (shares.log(), "log_softmax", None, "log-probabilities", False),
            (logits[:1].softmax(0), "softmax", None, "probabilities", False),
            (logits[:, :1], None, (labels > 1).long(), "binary-logit", False),
            (logits[:, 0], None, (labels > 1).float(), "binary-logit", False),
            (shares[:, :1], None, (labels > 1).long(), "binary-probability", False),
            (shares[:, 0], "sigmoid", None, "binary-probability", False),
            (shares[:, :1], "sigmoid", (labels > 1), "binary-probability", False),
            (logits[:, :1], None, None, "values", True),
            (logits[:, 0], None, logits[:, 1], "values", False),
            (logits[:, :1], None, labels, "values", False),
            (logits, None, logits, "values", False),
            (logits.view(75, 4, 4), None, labels.view(75, 4), "logits", False),
            (logits, None, labels.view(75, 4), "logits", False),
            (logits.view(75, 4, 2, 2), None, labels.view(75, 2, 2), "logits", False),
            (shares.view(3, 5, 20, 4).movedim(-1, 1), None, None, "probabilities", False),
            (logits.view(75, 4, 4), None, None, "unknown", True),
            (logits, None, (shares > 0.2).long(), "unknown", False),
            (logits, "sigmoid", None, "unknown", False),
            (labels, None, None, "unknown", True),
            (logits[:0], None, None, "unknown", True),
        ],
    )
    def test_the_kind_is_told(self, output, function, labels, kind, assumed):
        assert output_kind(tuple(output.shape), function, labels, output) == (kind, assumed)


@given(seed=st.integers(0, 10**6), data=st.data())
def test_a_classifier_equals_sklearn_however_batched(seed, data):
    logits, labels = drawn(answers=60, seed=seed)
    sizes = data.draw(st.lists(st.integers(1, 20), max_size=3))
    stats = record(logits, labels, sizes=[*sizes, len(logits) - sum(sizes)])
    shares = logits.double().softmax(1)
    confidence, predicted = shares.max(1)
    right = predicted == labels
    assert stats.accuracy == pytest.approx(right.double().mean().item())
    assert stats.mean_confidence == pytest.approx(confidence.mean().item())
    wrong_and_sure = (~right & (confidence >= 0.9)).double().mean().item()
    assert stats.confident_wrong == pytest.approx(wrong_and_sure)
    assert stats.extreme == pytest.approx((confidence >= 0.999).double().mean().item())
    assert stats.nll == pytest.approx(log_loss(labels, shares, labels=range(4)))
    assert stats.ece == pytest.approx(expected_calibration_error(confidence, right))
    entropy = -(shares * shares.log()).sum(1).mean().item()
    assert stats.entropy_fraction == pytest.approx(entropy / math.log(4))
    assert stats.majority == np.bincount(labels).max() / 60
    assert stats.predicted_classes == len(set(predicted.tolist()))
    assert stats.label_classes == len(set(labels.tolist()))
    assert (stats.logit_min, stats.logit_max) == (logits.min().item(), logits.max().item())
    top = logits.double().topk(2).values
    assert stats.logit_gap == pytest.approx((top[:, 0] - top[:, 1]).mean().item())
    assert stats.scale == pytest.approx((logits.double() ** 2).mean().sqrt().item())
    spread = np.sqrt(logits.double().numpy().var(0).mean())
    assert stats.between_sample_std == pytest.approx(spread)
    assert_same(stats, record(logits, labels))


def test_the_worst_mistakes_come_first_with_their_place_in_the_feed():
    logits = torch.tensor([[5.0, 0], [0, 9], [9, 0], [0, 2], [1, 0]])
    stats = record(logits, torch.tensor([1, 0, 1, 0, 0]), sizes=[2, 3])
    found = [(one.sample, one.label, one.predicted) for one in stats.worst]
    assert found == [(1, 0, 1), (2, 1, 0), (0, 1, 0), (3, 0, 1)]


def test_no_more_than_twenty_mistakes_are_kept():
    logits, labels = drawn(answers=400)
    wrong = torch.where(logits.argmax(1) == labels, (labels + 1) % 4, labels)
    stats = record(logits, wrong, sizes=[100] * 4)
    sure = logits.double().softmax(1).amax(1).sort(descending=True).values[:20]
    assert [one.confidence for one in stats.worst] == pytest.approx(sure.tolist())


@pytest.mark.parametrize("form", ["probabilities", "log-probabilities"])
def test_probabilities_tell_the_same_as_their_logits(form):
    logits, labels = drawn()
    output = logits.double().log_softmax(1)
    output = output.exp() if form == "probabilities" else output
    of_logits, found = record(logits, labels), record(output, labels, kind=form)
    for name in ("accuracy", "mean_confidence", "ece", "nll", "brier", "entropy_fraction"):
        assert getattr(found, name) == pytest.approx(getattr(of_logits, name), rel=1e-6), name
    assert (found.logit_gap is None) == (form == "probabilities")


@pytest.mark.parametrize("form", ["binary-logit", "binary-probability"])
@pytest.mark.parametrize("shape", [(300,), (300, 1)])
def test_a_binary_answer_equals_sklearn(form, shape):
    logits = drawn(classes=1)[0].double()
    labels = (torch.rand(300) < logits[:, 0].sigmoid()).long()
    output = logits if form == "binary-logit" else logits.sigmoid()
    stats = record(output.reshape(shape), labels, kind=form)
    shares = logits[:, 0].sigmoid().numpy()
    assert stats.classes == 2
    assert stats.accuracy == ((shares > 0.5) == labels.numpy()).mean()
    assert stats.nll == pytest.approx(log_loss(labels, shares))
    assert stats.brier == pytest.approx(2 * brier_score_loss(labels, shares))
    assert stats.mean_confidence == pytest.approx(np.maximum(shares, 1 - shares).mean())


def test_sequences_and_images_count_every_position():
    logits, labels = drawn(answers=120)
    flat = record(logits, labels)
    sequence = record(logits.view(10, 12, 4), labels.view(10, 12))
    image = record(logits.view(10, 3, 4, 4).movedim(-1, 1), labels.view(10, 3, 4))
    folded = record(logits, labels.view(10, 12).flatten())
    for stats in (sequence, image, folded):
        assert (stats.predictions, stats.classes) == (120, 4)
        assert stats.nll == pytest.approx(flat.nll)
    assert {one.sample for one in sequence.worst} <= set(range(10))
    means = logits.double().view(10, 12, 4).mean(1).numpy()
    assert sequence.between_sample_std == pytest.approx(np.sqrt(means.var(0).mean()))


def test_tokens_flattened_into_rows_know_their_sample():
    logits = torch.tensor([[5.0, 0.0]] * 6)
    site = OutputAccumulator("logits")
    site.update(logits, torch.tensor([[0, 0, 0], [0, 0, 1]]))
    site.update(logits, torch.tensor([[1, 0, 0], [0, 0, 0]]))
    assert [one.sample for one in site.to_record().worst] == [1, 2]


def test_ignored_positions_are_left_out():
    logits, labels = drawn(answers=50)
    spoiled = torch.cat((logits, torch.full((7, 4), 99.0)))
    padded = torch.cat((labels, torch.full((7,), -100)))
    found = dataclasses.replace(record(spoiled, padded), shape=None)
    assert_same(found, record(logits, labels))


def test_labels_out_of_range_are_noted_and_their_answers_unlabelled():
    logits, labels = drawn(answers=50)
    labels[:3] = torch.tensor([4, -1, 99])
    stats = record(logits, labels)
    kept = (logits.argmax(1) == labels)[3:]
    assert stats.accuracy == pytest.approx(kept.double().mean().item())
    assert stats.predictions == 50
    assert stats.notes == ("3 labels are no class of the output and were left out",)


@pytest.mark.parametrize("labels", [torch.zeros(7), torch.full((50,), 0.5)])
def test_labels_that_do_not_fit_are_noted(labels):
    site = OutputAccumulator("logits")
    site.update(drawn(answers=50)[0], labels)
    stats = site.to_record()
    assert stats.accuracy is None
    assert stats.predictions == 50
    wanted = "50 answers had labels that do not fit the output and count as unlabelled"
    assert stats.notes == (wanted,)


def test_answers_with_nan_or_inf_are_noted_and_left_out():
    logits, labels = drawn(answers=50)
    spoiled, kept = logits.clone(), torch.ones(50, dtype=torch.bool)
    spoiled[3, 0], spoiled[7, 1], spoiled[9] = math.nan, math.inf, -math.inf
    kept[[3, 7, 9]] = False
    stats = record(spoiled, labels)
    assert stats.notes == ("3 answers held NaN or Inf and were left out",)
    wanted = record(logits[kept], labels[kept])
    for name in ("predictions", "accuracy", "nll", "ece", "scale", "logit_max"):
        assert getattr(stats, name) == pytest.approx(getattr(wanted, name)), name


def test_a_class_ruled_out_by_minus_infinity_is_no_harm():
    logits, labels = drawn(answers=50)
    masked = torch.cat((logits, torch.full((50, 1), -math.inf)), dim=1)
    stats, wanted = record(masked, labels), record(logits, labels)
    assert stats.notes == ()
    assert stats.nll == pytest.approx(wanted.nll)
    assert stats.mean_confidence == pytest.approx(wanted.mean_confidence)
    assert math.isfinite(record(masked, torch.full((50,), 4)).nll)


def test_a_probability_of_zero_for_the_label_keeps_the_nll_finite():
    stats = record(torch.tensor([[1.0, 0.0]] * 4), torch.tensor([1, 0, 0, 0]), "probabilities")
    assert stats.nll == pytest.approx(-math.log(torch.finfo(torch.float32).tiny) / 4)
    assert stats.confident_wrong == 0.25


def test_softmax_over_one_class_has_one_class():
    stats = record(torch.ones(5, 1), None, "probabilities")
    assert (stats.classes, stats.extreme, stats.entropy_fraction) == (1, 1, None)


def test_without_labels_there_is_confidence_but_no_accuracy():
    stats = record(drawn()[0])
    assert stats.mean_confidence is not None
    assert stats.accuracy is stats.ece is stats.nll is stats.majority is stats.temperature is None
    assert stats.reliability == stats.worst == ()


def test_the_same_answer_for_every_sample_has_no_spread():
    stats = record(torch.randn(1, 4).expand(64, 4), sizes=[10, 54])
    assert stats.between_sample_std == 0
    assert stats.predicted_classes == 1


@given(seed=st.integers(0, 10**6), outputs=st.integers(1, 3))
def test_regression_equals_sklearn_however_batched(seed, outputs):
    generator = torch.Generator().manual_seed(seed)
    labels = 100 + torch.randn(40, outputs, generator=generator, dtype=torch.float64)
    output = labels + 0.3 * torch.randn(40, outputs, generator=generator, dtype=torch.float64)
    stats = record(output, labels, "values", sizes=[7, 13, 20])
    wanted = r2_score(labels, output, multioutput="variance_weighted")
    assert stats.r2 == pytest.approx(wanted, rel=1e-9)
    assert stats.predictions == 40
    assert stats.between_sample_std == pytest.approx(np.sqrt(output.numpy().var(0).mean()))
    assert stats.classes is stats.accuracy is stats.logit_max is None


def test_regression_takes_a_column_for_a_vector_and_leaves_nan_out():
    output, labels = torch.tensor([[1.0], [2.0], [math.nan], [4.0]]), torch.tensor([1.0, 2, 3, 5])
    stats = record(output, labels, "values")
    assert stats.r2 == pytest.approx(r2_score([1, 2, 5], [1, 2, 4]))
    assert stats.notes == ("1 answers held NaN or Inf and were left out",)


def test_equal_labels_have_nothing_to_explain():
    assert record(torch.rand(9), torch.ones(9), "values").r2 is None


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("offset", [0, 1e4])
def test_agreement_of_answers_and_targets(outputs, offset):
    draw = torch.Generator().manual_seed(1)
    labels = torch.randn(400, outputs, generator=draw, dtype=torch.float64) * 3 + offset
    output = 0.5 * (labels - offset) + torch.randn(400, outputs, generator=draw) + offset + 2
    found = OutputAccumulator("values")
    for start, stop in ((0, 7), (7, 250), (250, 400)):
        found.update(output[start:stop], labels[start:stop])
    found = OutputAccumulator.from_state(found.state()).to_record().agreement
    sides = [(side - side.mean(0)).flatten() for side in (output, labels)]
    assert found.correlation == pytest.approx(torch.stack(sides).corrcoef()[0, 1].item(), rel=1e-6)
    assert found.spread == pytest.approx((sides[0].std() / sides[1].std()).item(), rel=1e-9)
    apart = (output.mean(0) - labels.mean(0)).pow(2).sum() / labels.var(0, correction=0).sum()
    assert found.offset == pytest.approx(apart.sqrt().item(), rel=1e-9)


def test_constant_answers_or_targets_agree_in_nothing():
    assert record(torch.ones(9), torch.rand(9), "values").agreement is None
    assert record(torch.rand(9), torch.ones(9), "values").agreement is None


def test_fit_of_more_outputs_than_are_followed():
    labels = torch.randn(3, 70_000, dtype=torch.float64)
    stats = record(0.9 * labels, labels, "values")
    away = labels - labels.mean(0)
    wanted = 1 - 0.01 * (labels**2).sum().item() / (away**2).sum().item()
    assert stats.r2 == pytest.approx(wanted, abs=1e-3)
    assert stats.agreement.correlation == pytest.approx(1, abs=1e-6)


def test_values_of_many_outputs_are_followed_in_part():
    stats = record(torch.randn(8, 3, 200, 200), None, "values", sizes=[3, 5])
    assert stats.between_sample_std == pytest.approx(math.sqrt(7 / 8), rel=0.02)
    assert stats.predictions == 8


def test_outputs_that_change_width_have_no_spread_per_output():
    site = OutputAccumulator("values")
    site.update(torch.rand(4, 3))
    site.update(torch.rand(4, 5))
    stats = site.to_record()
    assert stats.between_sample_std is None
    assert stats.scale is not None


def test_nothing_gives_a_record_of_nothing():
    site = OutputAccumulator("logits", assumed=True)
    site.update(torch.empty(0, 4), torch.empty(0, dtype=torch.int64))
    stats = site.to_record()
    assert (stats.predictions, stats.assumed, stats.accuracy, stats.scale) == (0, True, None, None)


def test_only_answers_with_nan_give_no_numbers():
    stats = record(torch.full((5, 3), math.nan), torch.zeros(5, dtype=torch.int64))
    assert stats.predictions == 0
    assert stats.accuracy is stats.mean_confidence is stats.scale is None


def test_a_single_scalar_output_is_a_value():
    site = OutputAccumulator("values")
    site.update(torch.tensor(2.0))
    assert site.to_record().scale == 2


def test_an_overconfident_model_is_mended_by_its_temperature():
    generator = torch.Generator().manual_seed(1)
    logits = 2 * torch.randn(3000, 5, generator=generator)
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator).squeeze(1)
    fit = record(logits * 3, labels).temperature
    assert fit.temperature == pytest.approx(3, rel=0.1)
    assert (fit.samples_fitted, fit.samples_judged) == (1500, 1500)
    assert fit.nll_after < fit.nll_before
    assert fit.ece_after < 0.05 < fit.ece_before


def test_too_few_answers_fit_no_temperature():
    logits, labels = drawn(answers=FEWEST_ROWS)
    assert record(logits[1:], labels[1:]).temperature is None
    assert record(logits, labels).temperature is not None


@given(sizes=st.lists(st.integers(1, 50), min_size=1, max_size=6))
def test_the_kept_rows_are_bounded_and_the_same_however_batched(sizes):
    total = sum(sizes)
    numbers, rows = torch.arange(total), torch.arange(2.0 * total).view(total, 2)
    together, apart = KeptRows(seed=4, most=30), KeptRows(seed=4, most=30)
    together.add(numbers, rows, numbers)
    for part in numbers.split(sizes):
        apart.add(part, rows[part], part)
    assert len(together.labels) == min(total, 30)
    assert torch.equal(together.labels, apart.labels)
    assert together.rows is not None
    assert torch.equal(together.rows, rows[together.labels])


def test_kept_rows_are_spread_over_the_feed_and_depend_on_the_seed():
    numbers, rows = torch.arange(10_000), torch.zeros(10_000, 2)
    kept = [KeptRows(seed, most=1000) for seed in (0, 1)]
    for one in kept:
        one.add(numbers, rows, numbers)
    shares = torch.histc(kept[0].labels.double(), 10, 0, 10_000)
    assert shares.min() > 70
    common = set(kept[0].labels.tolist()) & set(kept[1].labels.tolist())
    assert len(common) < 200


def test_the_fit_is_that_of_the_first_half_in_hash_order():
    logits, labels = drawn(answers=100)
    kept = KeptRows()
    kept.add(torch.arange(100), logits, labels)
    fit, rows = kept.temperature(), kept.rows
    assert fit is not None
    assert rows is not None
    assert fit.temperature == fit_temperature(rows[::2], kept.labels[::2])


KINDS = ("logits", "probabilities", "binary-logit", "values")


@st.composite
def parts(draw):
    """Batches of answers with labels, divided among accumulators, and the order they merge in."""
    kind, odd = draw(st.sampled_from(KINDS)), draw(st.booleans())
    sizes = draw(st.lists(st.integers(1, 40), min_size=1, max_size=6))
    logits, labels = drawn(sum(sizes), classes=3, seed=draw(st.integers(0, 99)))
    if kind == "probabilities":
        output = logits.softmax(1)
    else:
        output = logits if kind == "logits" else logits[:, :1]
    wanted = {"binary-logit": (labels > 0).long(), "values": logits[:, 1:2]}.get(kind, labels)
    if odd:
        output[0, 0], wanted[-1] = math.nan, -100
    of = draw(st.lists(st.integers(0, 3), min_size=len(sizes), max_size=len(sizes)).map(sorted))
    return kind, sizes, output, wanted, of, draw(st.permutations(range(4)))


@given(parts())
@pytest.mark.parametrize("saved", [False, True])
def test_any_partition_merged_in_any_order_is_the_whole(saved, drawn_parts):
    kind, sizes, output, labels, of, order = drawn_parts
    starts = [sum(sizes[: of.index(part)]) if part in of else len(output) for part in range(4)]
    several = [OutputAccumulator(kind, first=start, drawn=start) for start in starts]
    whole = OutputAccumulator(kind)
    for part, batch, own in zip(of, output.split(sizes), labels.split(sizes), strict=True):
        several[part].update(batch, own)
        whole.update(batch, own)
    if saved:
        several = [OutputAccumulator.from_state(one.state()) for one in several]
    merged = several[order[0]]
    for place in order[1:]:
        merged.merge(several[place])
    assert_same(merged.to_record(), whole.to_record())
    assert merged.shape == whole.shape


def test_merging_answers_of_another_number_of_classes_leaves_the_later_ones_out():
    logits, labels = drawn(20)
    first, second = OutputAccumulator("logits"), OutputAccumulator("logits", first=20)
    first.update(logits, labels)
    second.update(logits[:10, :3], None)
    second.merge(first)
    assert second.to_record().classes == 4
    assert second.to_record().notes == (
        "10 samples had another number of classes and were left out",
    )
    assert first.to_record().predictions == 20


def test_a_mistake_at_a_kept_position_names_its_sample():
    keep = torch.tensor([[False, True], [True, True], [False, False], [True, False]])
    logits = torch.tensor([[9.0, 0], [9, 0], [9, 0], [0, 9]])
    site = OutputAccumulator("logits", first=100)
    site.update(logits, torch.tensor([0, 0, 1, 0]), keep)
    site.update(logits[:1], torch.tensor([1]), keep[:1])
    assert {one.sample for one in site.to_record().worst} == {101, 103, 104}


def test_what_the_first_batch_shows_as_probabilities_may_leave_their_range():
    found = OutputAccumulator("binary-probability")
    found.update(torch.tensor([[0.2], [0.9]]), torch.tensor([0, 1]))
    found.update(torch.tensor([[3.0], [-1.5], [0.7]]), torch.tensor([1, 0, 0]))
    found = OutputAccumulator.from_state(found.state()).to_record()
    assert found.accuracy == pytest.approx(4 / 5)
    assert found.mean_confidence == pytest.approx((0.8 + 0.9 + 1 + 1 + 0.7) / 5)
    assert found.notes == ("2 probabilities lie outside 0 to 1 and were taken for its ends",)


def two_classes(samples=200):
    draw = torch.Generator().manual_seed(4)
    labels = (torch.rand(samples, generator=draw) < 0.3).long()
    noise = 0.25 * torch.randn(samples, generator=draw)
    return labels, 0.15 + 0.7 * labels + noise


def kind_of(output, labels, function="linear"):
    return output_kind(tuple(output.shape), function, labels, output)[0]


def test_answers_of_least_squares_are_told_apart_in_the_middle():
    labels, answers = two_classes()
    assert not ((answers >= 0) & (answers <= 1)).all()
    assert kind_of(answers, labels) == "binary-probability"
    stats = record(answers, labels, "binary-probability")
    assert stats.accuracy == ((answers > 0.5).long() == labels).double().mean()
    assert 0.5 < stats.mean_confidence < 1


@pytest.mark.parametrize("scale", [0.3, 1, 4])
def test_logits_are_not_taken_for_them(scale):
    labels, answers = two_classes()
    assert kind_of(scale * (answers - 0.5) * 6, labels) == "binary-logit"


def test_too_few_answers_or_one_class_show_nothing():
    labels, answers = two_classes()
    assert kind_of(answers[:20] - 0.5, labels[:20]) == "binary-logit"
    assert kind_of(answers - 0.5, torch.ones_like(labels)) == "binary-logit"
