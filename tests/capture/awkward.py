"""Models that other tools see wrongly or not at all."""

import torch
from torch import nn
from torch.nn import functional as F


class Functional(nn.Module):
    """Every activation is a function call; none is a module."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 5)
        self.second = nn.Linear(5, 4)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        x = F.relu(self.first(x))
        x = self.second(x).tanh()
        return torch.log_softmax(self.head(x), dim=-1)


class Reused(nn.Module):
    """One ReLU module, called at two widths."""

    def __init__(self):
        super().__init__()
        self.wide = nn.Linear(6, 8)
        self.narrow = nn.Linear(8, 3)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.narrow(self.relu(self.wide(x))))


class Unregistered(nn.Module):
    """A ReLU built inside forward, in place."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 5)

    def forward(self, x):
        return nn.ReLU(inplace=True)(self.layer(x)) + 1


class Gated(nn.Module):
    """SwiGLU with separate matrices, and a swish written by hand."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(6, 8)
        self.up = nn.Linear(6, 8)
        self.down = nn.Linear(8, 6)

    def forward(self, x):
        h = self.down(F.silu(self.gate(x)) * self.up(x))
        return h * torch.sigmoid(h)


class Attention(nn.Module):
    """Heads split by view and transpose around the fused attention function."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(8, 8) for _ in range(4))

    def forward(self, x):
        batch = x.shape[0]
        q, k, v = (f(x).view(batch, -1, 2, 4).transpose(1, 2) for f in (self.q, self.k, self.v))
        mixed = F.scaled_dot_product_attention(q, k, v)
        return x + self.o(mixed.transpose(1, 2).reshape(batch, -1, 8))


class ByHand(nn.Module):
    """Weights without layers: ``x @ W + b``, clamped at zero."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(6, 4))
        self.bias = nn.Parameter(torch.zeros(4))

    def forward(self, x):
        return (x @ self.weight + self.bias).clamp(min=0)


class Recurrent(nn.Module):
    """An LSTM whose last step goes into a head; one layer is never called."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(5, 7, batch_first=True)
        self.head = nn.Linear(7, 2)
        self.forgotten = nn.Linear(7, 2)

    def forward(self, x):
        steps, _ = self.lstm(x)
        return {"logits": self.head(steps[:, -1]), "steps": steps}


class Raises(nn.Module):
    """Its second layer does not fit the first."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 5)
        self.second = nn.Linear(4, 3)

    def forward(self, x):
        return self.second(torch.relu(self.first(x)))


class Strange(nn.Module):
    """Uses a function that is in no catalogue."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 3)

    def forward(self, x):
        return torch.sin(self.layer(x))


class Direct(nn.Module):
    """Calls forward of its layer instead of the layer."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 3)

    def forward(self, x):
        return torch.relu(self.layer.forward(x))


class Counting(nn.Module):
    """Changes a buffer, draws random numbers and keeps a cache in its forward."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 3)
        self.norm = nn.BatchNorm1d(3)
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x):
        self.calls += 1
        return self.norm(self.layer(x)) + torch.randn(3)
