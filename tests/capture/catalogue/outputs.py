"""What models give: tuples, lists, dataclasses, named tuples, ModelOutputs, nothing."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tests.capture.catalogue.case import Catalogue, drawn

OUTPUTS = Catalogue()
X, Y = drawn(4, 6), drawn(4, 3)


class Two(nn.Module):
    """Two heads; subclasses say how they come out."""

    def __init__(self):
        super().__init__()
        self.body, self.a, self.b = nn.Linear(6, 5), nn.Linear(5, 2), nn.Linear(5, 3)

    def heads(self, x):
        h = torch.relu(self.body(x))
        return self.a(h), self.b(h)


@OUTPUTS.case(
    """
    input input input 6
    body linear linear 5 input
    relu activation relu 5 body
    a linear linear 2 relu (answer)
    b linear linear 3 relu
    """,
    X,
)
class GivesTuple(Two):
    def forward(self, x):
        return self.heads(x)


@OUTPUTS.case(
    """
    input input input 6
    body linear linear 5 input
    relu activation relu 5 body
    a linear linear 2 relu (answer)
    b linear linear 3 relu
    """,
    X,
)
class GivesList(Two):
    def forward(self, x):
        return list(self.heads(x))


class Pair(NamedTuple):
    ids: Tensor
    scores: Tensor


@OUTPUTS.case(
    """
    input input input 6
    body linear linear 5 input
    relu activation relu 5 body
    a linear linear 2 relu
    b linear linear 3 relu (answer)
    """,
    X,
)
class GivesNamedTuple(Two):
    """The first tensor is of integers, so the second is the answer."""

    def forward(self, x):
        a, b = self.heads(x)
        return Pair(a.argmax(-1), b)


@dataclass
class Answer:
    hidden: Tensor
    logits: Tensor


@OUTPUTS.case(
    """
    input input input 6
    body linear linear 5 input
    relu activation relu 5 body
    a linear linear 2 relu
    b linear linear 3 relu (answer)
    """,
    X,
)
class GivesDataclass(Two):
    def forward(self, x):
        return Answer(*self.heads(x))


@OUTPUTS.case(
    """
    input input input 6
    body linear linear 5 input
    relu activation relu 5 body
    a linear linear 2 relu
    b linear linear 3 relu (answer)
    """,
    X,
)
class GivesModelOutput(Two):
    def forward(self, x):
        from transformers.modeling_outputs import SequenceClassifierOutput

        a, b = self.heads(x)
        return SequenceClassifierOutput(loss=None, logits=b, hidden_states=(a,))


@OUTPUTS.case(
    """
    input input input 6
    body linear linear 5 input
    relu activation relu 5 body
    a linear linear 2 relu
    b linear linear 3 relu
    """,
    X,
)
class GivesNothing(Two):
    def forward(self, x):
        self.heads(x)


@OUTPUTS.case(
    """
    input input input 6
    body linear linear 5 input
    relu activation relu 5 body
    a linear linear 2 relu (answer)
    b linear linear 3 relu
    """,
    X,
)
class GivesGenerator(Two):
    """Runs only while the answers are taken out, which nobody does."""

    def forward(self, x):
        h = torch.relu(self.body(x))
        yield self.a(h)
        yield self.b(h)


@OUTPUTS.case(
    """
    input input input 6
    body linear linear 5 input
    relu activation relu 5 body
    a linear linear 2 relu
    b linear linear 3 relu
    """,
    X,
)
class GivesClasses(Two):
    """Integers: no probabilities to be had."""

    def forward(self, x):
        return self.heads(x)[1].argmax(-1)
