"""What is scanned in place of a wrapped, compiled or lazy model, which itself stays as it was."""

import copy

import pytest
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.nn.parameter import is_lazy

import actdiag
from actdiag.capture import Capture
from actdiag.capture.wrappers import unwrapped

X = torch.randn(120, 6, generator=torch.Generator().manual_seed(0))


def net():
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))


def names(model, x=X):
    with Capture(model) as capture:
        capture.run((x,), {}, len(x))
        assert capture.failure is None, capture.failure
        return [site.name for site in capture.sites()]


@pytest.fixture
def process_group(tmp_path):
    store = distributed.FileStore(str(tmp_path / "store"), 1)
    distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def test_distributed_data_parallel(process_group):
    inner = net()
    model, notes = unwrapped(nn.DataParallel(DistributedDataParallel(inner)))
    assert model is inner
    assert [note.split()[4] for note in notes] == ["DataParallel", "DistributedDataParallel"]
    report = actdiag.scan(DistributedDataParallel(inner), X, steps="none")
    assert [site.name for site in report.scan.sites] == ["input", "0", "1", "2"]
    assert "The module inside the DistributedDataParallel one" in report.scan.coverage.note
    assert report.scan.model.class_name == "Sequential"


def test_a_compiled_model_is_its_original():
    inner = net()
    model, (note,) = unwrapped(torch.compile(inner))
    assert model is inner
    assert note == "The module inside the compiled one was scanned, under its own names."


def test_compiled_parts_run_as_they_were_written():
    class Parts(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head = torch.compile(net()), nn.Linear(3, 2)
            self.head.compile()
            self.act = torch.compile(torch.tanh)

        def forward(self, x):
            return self.act(self.head(self.body(x)))

    model = Parts()
    assert names(model) == ["input", "body.0", "body.1", "body.2", "head", "tanh"]
    assert torch._dynamo.eval_frame._stance.stance == "default"


def lazy():
    return nn.Sequential(nn.LazyLinear(5), nn.LazyBatchNorm1d(), nn.ReLU(), nn.LazyLinear(3))


def test_a_lazy_model_is_scanned_as_a_copy_and_stays_lazy():
    model = lazy()
    report = actdiag.scan(model, X, steps="none")
    assert [site.name for site in report.scan.sites] == ["input", "0", "1", "2", "3"]
    assert "initialised in a copy, with random weights" in report.scan.coverage.note
    assert report.scan.model.parameters == 6 * 5 + 5 + 10 + 5 * 3 + 3
    assert all(is_lazy(item) for item in model.parameters())
    assert isinstance(model[0], nn.LazyLinear)
    again = actdiag.scan(model, X, steps="none")
    assert again.scan.sites == report.scan.sites


class Refuses(nn.Module):
    def forward(self, x):
        message = "no"
        raise ValueError(message)


def test_a_lazy_model_that_raises_tells_so():
    report = actdiag.scan(nn.Sequential(lazy(), nn.Linear(4, 2)), X, steps="none")
    assert report.scan.coverage.failure is not None
    assert report.scan.coverage.failure.module == "1"
    report = actdiag.scan(nn.Sequential(Refuses(), lazy()), X, steps="none")
    assert report.scan.coverage.failure is not None
    assert report.scan.coverage.failure.module == "0"


def test_a_parametrised_layer_counts_its_weights_as_its_own():
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(6, 5)), nn.ReLU())
    before = copy.deepcopy(model.state_dict())
    with Capture(model) as capture:
        capture.run((X,), {}, len(X))
        modules = {module.name: module for module in capture.modules()}
        assert capture.coverage().parameters_seen == 1
    assert list(modules) == ["", "0", "1"]
    assert (modules["0"].class_name, modules["0"].parameters) == ("Linear", 6 * 5 + 5 + 5)
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
