"""A thread reads ahead: the same batches in the same order, and nothing is left over."""

import threading
import time

import numpy as np
import pytest
import torch
from torch import nn

from actdiag.errors import DataError
from actdiag.feed import open_data
from actdiag.feed.ahead import THREAD, read_ahead
from actdiag.feed.aligned import Aligned
from actdiag.measure import measure

PLACES = range(20)


def readers():
    return [thread for thread in threading.enumerate() if thread.name.startswith(THREAD)]


@pytest.fixture(autouse=True)
def nothing_left():
    yield
    assert not readers()


class Reader:
    """Notes what it reads and where; raises at one place."""

    def __init__(self, fails_at=None):
        self.read, self.threads, self.fails_at = [], [], fails_at

    def __call__(self, place):
        self.read.append(place)
        self.threads.append(threading.current_thread().name)
        if place == self.fails_at:
            raise DataError(f"place {place} is broken", hint="Mend it.")
        return place * place


@pytest.mark.parametrize("many", [0, 1, 2, 3, 20])
def test_everything_comes_in_order_and_is_read_once(many):
    reader = Reader()
    assert list(read_ahead(reader, range(many))) == [place * place for place in range(many)]
    assert reader.read == list(range(many))


def test_the_caller_reads_the_first_and_the_thread_the_others():
    reader = Reader()
    list(read_ahead(reader, PLACES))
    assert reader.threads[0] == threading.current_thread().name
    assert {name.startswith(THREAD) for name in reader.threads[1:]} == {True}


def test_who_wants_the_first_alone_starts_no_thread():
    reader = Reader()
    batches = read_ahead(reader, PLACES)
    assert next(batches) == 0
    assert not readers()
    batches.close()
    assert reader.read == [0]


def test_one_place_is_read_while_the_caller_is_busy_and_no_more():
    reader = Reader()
    batches = read_ahead(reader, PLACES)
    for number in range(1, 6):
        next(batches)
        until = number + 1 if number > 1 else 1
        for _ in range(1000):
            if len(reader.read) == until:
                break
            time.sleep(0.001)
        assert reader.read == list(range(until))
    batches.close()
    assert reader.read == list(range(6))


def consumed(batches):
    found = []
    try:
        for value in batches:
            found.append(value)
            time.sleep(0.001)  # the thread has met the error by now
    except DataError as error:
        return found, error.message
    return found, None


@pytest.mark.parametrize("place", [0, 1, 2, 7, 19])
def test_an_error_is_raised_in_its_turn(place):
    found, message = consumed(read_ahead(Reader(fails_at=place), PLACES))
    assert found == [before * before for before in range(place)]
    assert message == f"place {place} is broken"


def test_an_error_that_is_never_reached_is_not_raised():
    batches = read_ahead(Reader(fails_at=3), PLACES)
    assert [next(batches) for _ in range(3)] == [0, 1, 4]
    batches.close()


def test_an_interruption_of_the_caller_stops_the_thread():
    def stopped():
        for place, _ in enumerate(read_ahead(Reader(), PLACES)):
            if place == 4:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()


def test_a_reader_that_is_dropped_leaves_nothing():
    batches = read_ahead(Reader(), PLACES)
    next(batches), next(batches), next(batches)
    del batches


@pytest.fixture
def mapped(tmp_path):
    values = np.random.default_rng(0).normal(size=(300, 6)).astype(np.float32)
    np.save(tmp_path / "x.npy", values)
    return values, tmp_path / "x.npy"


@pytest.mark.parametrize("most", [None, 70])
def test_a_mapped_file_gives_the_batches_of_the_array(mapped, most):
    values, path = mapped
    feeds = [open_data(data, batch_size=32, max_samples=most) for data in (values, path)]
    for _ in range(2):
        held, read = (list(feed) for feed in feeds)
        assert [batch.samples for batch in held] == [batch.samples for batch in read]
        for one, other in zip(held, read, strict=True):
            assert torch.equal(one.inputs[0], other.inputs[0])


@pytest.mark.parametrize("raises", [1, 2, 4, 10])
def test_a_scan_whose_forward_raises_leaves_no_thread(mapped, raises):
    class Model(nn.Linear):
        calls = 0

        def forward(self, x):
            self.calls += 1
            if self.calls == raises:
                raise RuntimeError("at a later batch")
            return super().forward(x)

    model = Model(6, 2)
    found = measure(model, open_data(mapped[1], batch_size=30))
    assert found.batches == raises - 1
    assert not readers()


def test_arrays_in_memory_need_no_thread(monkeypatch):
    monkeypatch.setattr("actdiag.feed.aligned.read_ahead", None)
    rows = np.ones((10, 2)), torch.ones(10, 2)
    for array in rows:
        assert [batch.samples for batch in Aligned((array,), batch_size=4)] == [4, 4, 2]
