"""What models take and give: tuples, dicts, dataclasses, named tuples, ModelOutputs."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.capture.catalogue.case import Catalogue, drawn, ids

CONTAINERS = Catalogue()
X, Y = drawn(4, 6), drawn(4, 3)


class Two(nn.Module):
    """Two heads; subclasses say how they come out."""

    def __init__(self):
        super().__init__()
        self.body, self.a, self.b = nn.Linear(6, 5), nn.Linear(5, 2), nn.Linear(5, 3)

    def heads(self, x):
        h = torch.relu(self.body(x))
        return self.a(h), self.b(h)


@CONTAINERS.case("", X)
class GivesTuple(Two):
    def forward(self, x):
        return self.heads(x)


@CONTAINERS.case("", X)
class GivesList(Two):
    def forward(self, x):
        return list(self.heads(x))


class Pair(NamedTuple):
    ids: Tensor
    scores: Tensor


@CONTAINERS.case("", X)
class GivesNamedTuple(Two):
    """The first tensor is of integers, so the second is the answer."""

    def forward(self, x):
        a, b = self.heads(x)
        return Pair(a.argmax(-1), b)


@dataclass
class Answer:
    hidden: Tensor
    logits: Tensor


@CONTAINERS.case("", X)
class GivesDataclass(Two):
    def forward(self, x):
        return Answer(*self.heads(x))


@CONTAINERS.case("", X)
class GivesModelOutput(Two):
    def forward(self, x):
        from transformers.modeling_outputs import SequenceClassifierOutput

        a, b = self.heads(x)
        return SequenceClassifierOutput(loss=None, logits=b, hidden_states=(a,))


@CONTAINERS.case("", X)
class GivesNothing(Two):
    def forward(self, x):
        self.heads(x)


@CONTAINERS.case("", X)
class GivesGenerator(Two):
    """Runs only while the answers are taken out, which nobody does."""

    def forward(self, x):
        h = torch.relu(self.body(x))
        yield self.a(h)
        yield self.b(h)


@CONTAINERS.case("", X)
class GivesClasses(Two):
    """Integers: no probabilities to be had."""

    def forward(self, x):
        return self.heads(x)[1].argmax(-1)


@CONTAINERS.case("", X, Y)
class TakesTwo(nn.Module):
    def __init__(self):
        super().__init__()
        self.x, self.y = nn.Linear(6, 5), nn.Linear(3, 5)

    def forward(self, x, y):
        return F.relu(self.x(x) + self.y(y))


@CONTAINERS.case("", X, extra=Y)
class TakesKeyword(nn.Module):
    def __init__(self):
        super().__init__()
        self.both = nn.Linear(9, 5)

    def forward(self, x, *, extra):
        return F.elu(self.both(torch.cat((x, extra), dim=1)))


@CONTAINERS.case("", {"image": X, "table": [Y, ids(4, below=3)]})
class TakesNested(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(6, 5), nn.Linear(3, 5), nn.Embedding(3, 5)

    def forward(self, batch):
        y, kind = batch["table"]
        return self.a(batch["image"]) + self.b(y) + self.c(kind)


@CONTAINERS.case("", X)
class InnerContainers(nn.Module):
    """Blocks that hand tuples and dicts to each other."""

    class Block(Two):
        def forward(self, state):
            a, b = self.heads(state["x"])
            return {"x": torch.cat((a, b, a[:, :1]), dim=1), "aux": (a, None)}

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(self.Block() for _ in range(2))

    def forward(self, x):
        state = {"x": x}
        for block in self.blocks:
            state = block(state)
        return state["x"]
