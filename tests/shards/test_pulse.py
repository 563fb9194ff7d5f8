"""Signs of life: who is lost, who has failed, and who tells of it."""

from __future__ import annotations

import threading

import pytest
from torch.distributed import HashStore

from actdiag.errors import DataError
from actdiag.shards.pulse import LostError, Pulse


class Clock:
    """Goes on by a second each time it is asked."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1.0
        return self.now


@pytest.fixture
def store():
    return HashStore()


def test_a_silent_process_is_lost_after_the_patience(store):
    with pytest.raises(LostError) as raised:
        Pulse(store, 0, 3, patience=20, clock=Clock()).wait("ready/2", of=2)
    assert raised.value.message == "process 3 of 3 gave no sign of life for 20 s"
    assert "raise --patience" in raised.value.hint
    assert raised.value.exit_code == 2


def test_a_process_that_gives_signs_of_life_is_waited_for(store):
    asked = Clock()

    def clock():
        asked.now += 1.0
        store.set("pulse/1", str(asked.now))
        if asked.now > 60:
            store.set("ready/1", "")
        return asked.now

    Pulse(store, 0, 2, patience=20, clock=clock).wait("ready/1", of=1)
    assert asked.now > 60


def test_what_has_been_set_is_not_waited_for(store):
    store.set("ready/1", "")
    Pulse(store, 0, 2, patience=0.0).wait("ready/1", of=1)


def test_the_first_process_learns_what_another_one_failed_of(store):
    first, second = (Pulse(store, rank, 2, patience=20) for rank in (0, 1))
    failing = threading.Thread(target=second.fail, args=(DataError("no rows"),))
    failing.start()
    with pytest.raises(LostError) as raised:
        first.wait("ready/1", of=1)
    assert raised.value.message == "process 2 of 2 failed: no rows"
    assert raised.value.hint == "No report was written."
    first.fail(raised.value)
    failing.join()


def test_a_process_leaves_the_telling_to_the_first_one_where_that_fails_too(store):
    first, second = (Pulse(store, rank, 2, patience=20) for rank in (0, 1))
    assert first.fail(DataError("no rows")) is False
    assert second.fail(DataError("no rows")) is True


def test_a_process_tells_of_itself_where_the_first_one_does_not(store):
    assert Pulse(store, 1, 2, patience=20, clock=Clock()).fail(DataError("no rows")) is False


def test_the_others_stop_when_the_first_process_fails(store):
    first, second = (Pulse(store, rank, 2, patience=20) for rank in (0, 1))
    first.fail(DataError("no rows"))
    with pytest.raises(LostError, match="process 1 of 2 failed: no rows"):
        second.wait("take/1", of=0)


def test_beats_are_a_second_apart(store):
    times = iter([0.0, 0.0, 0.5, 0.9, 1.1, 1.1])
    pulse = Pulse(store, 0, 1, patience=20, clock=lambda: next(times))
    for _ in range(4):
        pulse.beat()
    assert store.get("pulse/0") == b"2"
