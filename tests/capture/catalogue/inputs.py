"""What models and their blocks take: several tensors, keywords, dicts in lists."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.capture.catalogue.case import Catalogue, drawn, ids
from tests.capture.catalogue.outputs import Two

INPUTS = Catalogue()
X, Y = drawn(4, 6), drawn(4, 3)


@INPUTS.case(
    """
    input input input 6
    input#2 input input 3
    x linear linear 5 input
    y linear linear 5 input#2
    relu activation relu 5 x y (answer)
    """,
    X,
    Y,
)
class TakesTwo(nn.Module):
    def __init__(self):
        super().__init__()
        self.x, self.y = nn.Linear(6, 5), nn.Linear(3, 5)

    def forward(self, x, y):
        return F.relu(self.x(x) + self.y(y))


@INPUTS.case(
    """
    input input input 6
    input#2 input input 3
    both linear linear 5 input input#2
    elu activation elu 5 both (answer)
    """,
    X,
    extra=Y,
)
class TakesKeyword(nn.Module):
    def __init__(self):
        super().__init__()
        self.both = nn.Linear(9, 5)

    def forward(self, x, *, extra):
        return F.elu(self.both(torch.cat((x, extra), dim=1)))


@INPUTS.case(
    """
    input input input 6
    input#2 input input 3
    input#3 input input ?
    a linear linear 5 input
    b linear linear 5 input#2
    c block embedding 5 input#3
    output output output 5 a b c (answer)
    """,
    {"image": X, "table": [Y, ids(4, below=3)]},
)
class TakesNested(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(6, 5), nn.Linear(3, 5), nn.Embedding(3, 5)

    def forward(self, batch):
        y, kind = batch["table"]
        return self.a(batch["image"]) + self.b(y) + self.c(kind)


@INPUTS.case(
    """
    input input input 6
    blocks.0.body linear linear 5 input
    blocks.0/relu activation relu 5 blocks.0.body
    blocks.0.a linear linear 2 blocks.0/relu
    blocks.0.b linear linear 3 blocks.0/relu
    blocks.1.body linear linear 5 blocks.0.a blocks.0.b
    blocks.1/relu activation relu 5 blocks.1.body
    blocks.1.a linear linear 2 blocks.1/relu
    blocks.1.b linear linear 3 blocks.1/relu
    output output output 6 blocks.1.a blocks.1.b (answer)
    """,
    X,
)
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
