"""Models that can be traced, scripted and exported, and the ways to do it."""

import functools
import io
import warnings

import torch
from torch import nn
from torch.nn import functional as F

from actdiag.capture import Capture


class Modules(nn.Module):
    """Every activation is a module; one layer is a dropout."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(6, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 5), nn.Tanh(), nn.Linear(5, 3)
        )

    def forward(self, x):
        return self.net(x).softmax(-1)


class Functions(nn.Module):
    """Every activation is a function or a method."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 5)
        self.second = nn.Linear(5, 4)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        x = F.relu(self.first(x))
        x = self.second(x).tanh().clamp(min=0.0)
        return F.log_softmax(self.head(x), dim=-1)


class Convolutions(nn.Module):
    """In-place ReLUs behind batch norm and behind a convolution; one module called twice."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(4, 6, 2, bias=False)
        self.head = nn.Linear(24, 3)

    def forward(self, x):
        x = self.pool(self.relu(self.norm(self.conv1(x))))
        return self.head(self.relu(self.conv2(x)).flatten(1))


class Reused(nn.Module):
    """One ReLU module called three times, at two widths, twice in a row."""

    def __init__(self):
        super().__init__()
        self.wide = nn.Linear(6, 8)
        self.narrow = nn.Linear(8, 3)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.relu(self.narrow(self.relu(self.wide(x)))))


class Recurrent(nn.Module):
    """An LSTM whose last step goes into a head."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(5, 7, batch_first=True)
        self.head = nn.Linear(7, 2)

    def forward(self, x):
        steps, _ = self.lstm(x)
        return self.head(steps[:, -1])


class Encoder(nn.Module):
    """A Transformer layer that would run as one operation."""

    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 12, activation="gelu", batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.layer(x).mean(1))


class Gated(nn.Module):
    """SwiGLU with separate matrices, and a swish written by hand."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(6, 8)
        self.up = nn.Linear(6, 8)
        self.down = nn.Linear(8, 6)

    def forward(self, x):
        x = self.down(F.silu(self.gate(x)) * self.up(x))
        return x * torch.sigmoid(x)


MODELS = {
    "modules": (Modules, (6,)),
    "functions": (Functions, (6,)),
    "convolutions": (Convolutions, (1, 8, 8)),
    "reused": (Reused, (6,)),
    "recurrent": (Recurrent, (3, 5)),
    "encoder": (Encoder, (5, 8)),
    "gated": (Gated, (6,)),
}


def quietly(form):
    """``form``, without what torch says of branches and attributes that a graph does not keep."""

    @functools.wraps(form)
    def made(model, x):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return form(model, x)

    return made


@quietly
def traced(model, x):
    return torch.jit.trace(model, x.clone(), check_trace=False)


def scripted(model, x):
    return torch.jit.script(model)


@quietly
def program(model, x):
    return torch.export.export(model, (x.clone(),))


def loaded(module):
    """The TorchScript module, saved and loaded again."""
    buffer = io.BytesIO()
    torch.jit.save(module, buffer)
    buffer.seek(0)
    return torch.jit.load(buffer)


@quietly
def exported_and_saved(model, x):
    buffer = io.BytesIO()
    torch.export.save(program(model, x), buffer)
    buffer.seek(0)
    return torch.export.load(buffer).module()


FORMS = {
    "traced": traced,
    "scripted": scripted,
    "exported": lambda model, x: program(model, x).module(),
    "traced, saved": lambda model, x: loaded(traced(model, x)),
    "scripted, saved": lambda model, x: loaded(scripted(model, x)),
    "exported, saved": exported_and_saved,
}


def captured(model, x, batches=2):
    """The capture of a model run on ``x`` and multiples of it."""
    with Capture(model) as capture:
        for batch in range(batches):
            capture.run((x * (batch + 1),), {}, len(x))
        return capture.sites(), capture.coverage(), capture.modules()
