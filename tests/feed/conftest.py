"""A canary: objects whose unpickling would run code and leave a mark."""

from __future__ import annotations

import os

import pytest


class Bomb:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (self.mark,)


class Canary:
    def __init__(self, mark):
        self._mark = mark

    def bomb(self):
        return Bomb(str(self._mark))

    def alive(self):
        return not self._mark.exists()


@pytest.fixture
def canary(tmp_path):
    return Canary(tmp_path / "code-ran")
