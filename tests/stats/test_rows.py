"""Sampled rows: the same however data is cut; rank and cosine against numpy."""

import numpy as np
import pytest
import torch

from actdiag.stats import native
from actdiag.stats.rows import MOST_SAMPLES, Picker, RowSample, effective_rank, token_cosine


def sampled(values, sizes, *, unit_axis=1, sample_axis=0):
    picker, rows = Picker(), RowSample()
    for batch in values.split(sizes, dim=sample_axis):
        samples = batch.shape[sample_axis]
        picked = picker.next(samples)
        if picked is not None:
            axes = {"unit_axis": unit_axis, "sample_axis": sample_axis}
            rows.add(batch, **axes, samples=samples, picked=picked)
    return rows


def test_any_partition_keeps_the_same_rows():
    values = torch.randn(700, 12)
    whole = sampled(values, 700).told()
    assert whole["sampled_rows"] == MOST_SAMPLES
    assert whole["token_cosine"] is None
    for sizes in (1, 33, 350):
        told = sampled(values, sizes).told()
        assert told["effective_rank"] == pytest.approx(whole["effective_rank"], rel=1e-9)


def test_memory_is_bounded():
    rows = sampled(torch.randn(5000, 3), 7)
    assert sum(slots.rows.numel() for slots in rows._slots.values()) == MOST_SAMPLES * 3
    twin = RowSample()
    for _ in range(3):
        twin.merge(rows)
        assert sum(len(own) for own, _ in twin._merged) <= 3 * MOST_SAMPLES


def test_merging_is_as_seeing_it_all():
    values = torch.randn(600, 5)
    picker = Picker()
    parts = []
    for batch in values.split(200):
        picked = picker.next(200)
        parts.append(RowSample())
        parts[-1].add(batch, unit_axis=1, sample_axis=0, samples=200, picked=picked)
    parts[0].merge(parts[2])
    parts[0].merge(parts[1])
    expected = sampled(values, 600).told()["effective_rank"]
    assert parts[0].told()["effective_rank"] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("axes", [(2, 0), (1, 0), (0, 1)])
def test_positions_are_spread_wherever_the_axes_lie(axes):
    unit, sample = axes
    values = torch.randn(20, 30, 5)  # samples, positions, units
    order = {(2, 0): (0, 1, 2), (1, 0): (0, 2, 1), (0, 1): (2, 0, 1)}[axes]
    told = sampled(values.permute(order), 20, unit_axis=unit, sample_axis=sample).told()
    straight = sampled(values, 20, unit_axis=2).told()
    assert told == pytest.approx(straight)
    assert told["sampled_rows"] == 16 * 8


def test_rows_of_a_part_of_the_batch_are_found_by_their_place():
    values = torch.randn(50, 4)
    picked = Picker().next(50)
    rows = RowSample()
    for part in (torch.arange(1, 50, 2), torch.arange(0, 50, 2)):
        rows.add(
            values[part], unit_axis=1, sample_axis=0, samples=len(part), picked=picked.among(part)
        )
    expected = sampled(values, 50).told()
    assert rows.told()["sampled_rows"] == expected["sampled_rows"] == 50
    assert rows.told()["effective_rank"] == pytest.approx(expected["effective_rank"], rel=1e-9)


def test_effective_rank_is_numpys():
    rows = torch.randn(40, 9, dtype=torch.float64) @ torch.randn(9, 70, dtype=torch.float64)
    singular = np.linalg.svd((rows - rows.mean(0)).numpy(), compute_uv=False)
    shares = singular[singular > 1e-9] / singular.sum()
    assert effective_rank(rows) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()), rel=1e-4)


def test_a_line_has_rank_one_and_a_point_none():
    line = torch.linspace(-1, 1, 50, dtype=torch.float64).unsqueeze(1) * torch.randn(200).double()
    assert effective_rank(line + 3) == pytest.approx(1, abs=1e-4)
    assert effective_rank(torch.ones(50, 200).double()) is None
    assert effective_rank(torch.ones(1, 200).double()) is None


def test_token_cosine_is_numpys_with_units_scaled():
    samples = torch.randn(6, 8, 5, dtype=torch.float64) * torch.tensor([1e4, 1, 1, 1, 1.0])
    flat = samples.numpy().reshape(-1, 5)
    scaled = samples.numpy() / np.sqrt((flat**2).mean(0))
    expected = []
    for rows in scaled:
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        expected += list((unit @ unit.T)[~np.eye(8, dtype=bool)])
    assert token_cosine([samples[:4], samples[4:]]) == pytest.approx(np.mean(expected), rel=1e-9)


def test_equal_tokens_have_cosine_one_whatever_differs_between_samples():
    same = torch.randn(6, 1, 5, dtype=torch.float64).expand(6, 8, 5)
    assert token_cosine([same]) == pytest.approx(1)
    assert token_cosine([torch.zeros(6, 8, 5).double()]) is None
    assert token_cosine([torch.randn(6, 1, 5).double()]) is None


@pytest.mark.parametrize("values", [torch.randint(9, (20, 4)), torch.randn(20, 1)])
def test_ids_and_single_units_have_no_rank(values):
    assert sampled(values, 20).told() == {}


def test_rows_that_are_not_finite_are_left_out():
    values = torch.randn(20, 4)
    values[3, 2] = torch.nan
    assert sampled(values, 20).told()["sampled_rows"] == 19
    assert sampled(torch.full((20, 4), torch.inf), 20).told() == {}


@pytest.mark.usefixtures("every_register")
def test_rows_of_a_wider_type_have_slots_of_their_own():
    batches = [torch.randn(40, 6), torch.randn(40, 6).double(), torch.randn(40, 6)]
    picker, rows, wanted = Picker(), RowSample(), RowSample()
    for batch in batches:
        axes = {"unit_axis": 1, "sample_axis": 0, "samples": 40, "picked": picker.next(40)}
        rows.add(batch, **axes, plan=native.plan_of(batch, unit_axis=1, sample_axis=0, samples=40))
        wanted.add(batch, **axes)
    kept = torch.cat([found for _, found in rows.held()]).flatten()
    assert torch.equal(kept.sort().values, torch.cat(batches).flatten().sort().values)
    assert rows.told() == wanted.told()
