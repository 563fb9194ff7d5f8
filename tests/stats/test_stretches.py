"""Which samples are looked at: the same in any batches, all early ones, then at a falling rate."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actdiag.stats.stretches import Looks, stretches

LOOKS = Looks(every=16, budget=16, block=8)


def weights(batches, looks=LOOKS, first=0):
    """Of each sample of the batches, what it stands for."""
    found = []
    for samples in batches:
        cut = stretches(first + len(found), samples, looks)
        assert [stretch.start for stretch in cut] == [0, *(stretch.stop for stretch in cut[:-1])]
        assert cut[-1].stop == samples
        found += [weight for start, stop, weight in cut for _ in range(start, stop)]
    return found


@given(batches=st.lists(st.integers(1, 70), min_size=1, max_size=30))
def test_any_batches_look_at_the_same_samples(batches):
    assert weights(batches) == weights([sum(batches)])


@given(batches=st.lists(st.integers(1, 70), min_size=2, max_size=5))
def test_a_later_part_of_the_data_looks_at_the_same_samples(batches):
    head, *tail = batches
    assert weights(tail, first=head) == weights(batches)[head:]


@pytest.mark.parametrize("looks", [LOOKS, Looks(64, 32, 32), Looks(5, 50, 1)])
def test_the_first_are_all_looked_at_and_neighbours_are_one_stretch(looks):
    assert weights([looks.every], looks) == [1.0] * looks.every
    assert len(stretches(0, looks.every, looks)) == 1


@pytest.mark.parametrize("looks", [LOOKS, Looks(64, 32, 32), Looks(64, 16, 4)])
@pytest.mark.parametrize("samples", [100, 1000, 20_000])
def test_as_many_are_looked_at_as_is_told(samples, looks):
    found = weights([samples], looks)
    told = looks.every + looks.budget * math.log(samples / looks.every)
    assert sum(weight > 0 for weight in found) == pytest.approx(told, abs=looks.block)


@pytest.mark.parametrize(("budget", "error"), [(16, 0.4), (64, 0.1), (512, 0.02)])
def test_those_looked_at_stand_for_all(budget, error):
    found = weights([20_000], Looks(budget, budget, 8))
    assert sum(found) == pytest.approx(20_000, rel=error)
    assert sum(found[10_000:]) == pytest.approx(10_000, rel=2 * error)


def test_ever_fewer_are_looked_at_in_blocks():
    found = weights([4000])
    blocks = [found[start : start + 8] for start in range(0, 4000, 8)]
    assert all(len(set(block)) == 1 for block in blocks)
    chosen = [place for place, block in enumerate(blocks) if block[0]]
    gaps = [after - before for before, after in itertools.pairwise(chosen[2:])]
    assert gaps == sorted(gaps)
    assert gaps[-1] > 100
