"""Layers measured again without a look inside say what a look inside would have said."""

import copy
import traceback
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrize
from torch.overrides import TorchFunctionMode

from actdiag.capture import Capture
from actdiag.capture.leaves import Leaves

SIZES = (4, 4, 4, 5, 4, 3, 3, 4, 4)


class Dynamic(nn.Module):
    """A few layers, and the number of the batch."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.norm = nn.Linear(6, 6), nn.Linear(6, 6), nn.BatchNorm1d(6)
        self.act, self.drop = nn.LeakyReLU(0.1), nn.Dropout(0.5)
        self.batch = 0

    def forward(self, x):
        self.batch += 1
        return self.run(x, self.batch % 2 == 0)


class OtherSetting(Dynamic):
    def run(self, x, even):
        self.act.negative_slope = 0.3 if self.batch > 4 else 0.1
        self.act.inplace = even
        return self.act(self.first(x))


class OtherMode(Dynamic):
    def run(self, x, even):
        self.norm.train(even)
        self.drop.train(self.batch % 3 == 0)
        return self.drop(self.norm(self.first(x)))


class OtherWeight(Dynamic):
    def run(self, x, even):
        if self.batch == 3:
            self.first.weight = nn.Parameter(self.second.weight.clone())
        if self.batch == 6:
            self.norm.running_mean = torch.ones(6)
        return self.norm(self.first(x))


class ComputedWeight(Dynamic):
    def run(self, x, even):
        if self.batch % 4 == 3:
            with torch.no_grad():
                self.norm.running_mean.copy_(self.first(x).mean(0))
                self.second.bias.copy_(x[0])
        return self.second(self.norm(x))


class OtherInput(Dynamic):
    def run(self, x, even):
        y = self.first(x)
        y = self.act(x if even else y)
        return self.second(torch.ones_like(y) if self.batch % 3 == 0 else y)


class OtherName(Dynamic):
    def run(self, x, even):
        return self.second(input=self.first(x)) if even else self.second(self.first(x))


class Shared(Dynamic):
    def run(self, x, even):
        x = self.act(self.first(self.act(self.first(x))))
        return self.act(x) if even else x


class Hooked(Dynamic):
    def run(self, x, even):
        if self.batch == 4:
            self.first.register_forward_hook(lambda _module, _given, made: torch.relu(made))
            self.act.register_forward_pre_hook(lambda _module, given: (given[0].tanh(),))
        return self.act(self.first(x))


class Directly(Dynamic):
    def run(self, x, even):
        return self.act.forward(self.first.forward(x)) if even else self.act(self.first(x))


class Copies(Dynamic):
    """Copies are none of the model's layers: they have their own weights."""

    def run(self, x, even):
        deep, shallow = copy.deepcopy(self.first), copy.copy(self.first)
        with torch.no_grad():
            deep.weight.mul_(2)
        shallow._parameters = dict(shallow._parameters)
        shallow._parameters["weight"] = deep.weight
        return self.second(deep(x) + shallow(x) + self.first(x))


class Raises(Dynamic):
    def run(self, x, even):
        x = self.first(x)
        try:
            self.second(x[:, :2] if even else x)
        except RuntimeError:
            x = self.act(x)
        return self.second(x)


class Retries(Dynamic):
    """What raised opened no site: the call made again is the first."""

    def run(self, x, even):
        for layer in (self.first, self.norm, self.act):
            kept = [weight.data for weight in layer._buffers.values() if weight is not None]
            kept += [weight.data for weight in layer._parameters.values()]
            weights = [*layer._buffers.values(), *layer._parameters.values()]
            for weight in weights if even else ():
                weight.data = torch.zeros(7)
            try:
                x = layer(x)
            except RuntimeError:
                for weight, data in zip(weights, kept, strict=True):
                    weight.data = data
                x = layer(x)
        return x


class ComputedAttribute(Dynamic):
    """The weight is a tensor among other attributes, and sometimes one of the data."""

    def __init__(self):
        super().__init__()
        del self.first.weight
        self.first.weight = torch.ones(6, 6)

    def run(self, x, even):
        if even:
            with torch.no_grad():
                self.first.weight.copy_(x.T @ x)
        return self.second(self.first(x))


class Given(nn.Module):
    """In place of a weight what it is told."""

    value = torch.ones(6, 6)

    def forward(self, _weight):
        return self.value


class ComputedParametrization(Dynamic):
    def __init__(self):
        super().__init__()
        self.given = Given()

    def run(self, x, even):
        if self.batch == 3:
            parametrize.register_parametrization(self.first, "weight", self.given)
        if self.batch > 5 and even:
            self.given.value = x.T @ x
        return self.second(self.first(x))


class Mapped(Dynamic):
    def run(self, x, even):
        x = self.first(x)
        return torch.vmap(self.second)(x) if even else self.second(x)


class Doubling(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **kwargs or {})
        return result * 2 if func is F.leaky_relu else result


class UnderAMode(Dynamic):
    """Another mode must see, and change, what the layer calls."""

    def run(self, x, even):
        x = self.first(x)
        if not even:
            return self.act(x)
        with Doubling():
            return self.act(x)


class WithoutFunctions(Dynamic):
    """Nobody sees what is called here."""

    def run(self, x, even):
        if not even:
            return self.second(self.first(x))
        with torch._C.DisableTorchFunction():
            x = self.first(x)
        return self.second(x)


class Own(nn.Linear):
    """A layer of torch's whose forward is not torch's alone."""

    def forward(self, x):
        return super().forward(x).relu()


class Derived(Dynamic):
    def __init__(self):
        super().__init__()
        self.own = Own(6, 6)
        self.bare = nn.modules.linear.NonDynamicallyQuantizableLinear(6, 6)

    def run(self, x, even):
        return self.bare(self.own(self.first(x)))


def observed(model, batches):
    torch.manual_seed(1)
    with Capture(model) as capture:
        outputs = [capture.run((batch.clone(),), {}, len(batch)) for batch in batches]
        return capture.sites(), capture.modules(), capture.coverage(), capture.failure, outputs


@pytest.fixture
def again(monkeypatch):
    """How often layers were measured without a look inside; to be emptied."""
    made = []
    original = Leaves._again

    def counted(self, leaf, *given):
        output = original(self, leaf, *given)
        if output is not None:
            made.append(leaf.name)
        return output

    monkeypatch.setattr(Leaves, "_again", counted)
    return made


@pytest.mark.parametrize("build", Dynamic.__subclasses__())
def test_a_look_inside_would_say_the_same(monkeypatch, again, build):
    torch.manual_seed(2)
    batches = [torch.randn(size, 6) for size in SIZES]
    torch.manual_seed(0)
    *found, outputs = observed(build(), batches)
    assert again
    monkeypatch.setattr("actdiag.capture.leaves._modes", lambda: 0)
    again.clear()
    torch.manual_seed(0)
    *wanted, plain = observed(build(), batches)
    assert not again
    assert found == wanted
    assert all(map(torch.equal, outputs, plain))


def layers():
    torch.manual_seed(0)
    return nn.Sequential(
        *(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Dropout(), nn.Identity(), nn.Linear(36, 8), nn.GELU(), nn.LayerNorm(8)),
        *(nn.Linear(8, 3), nn.Softmax(dim=1)),
    )


@pytest.mark.parametrize("quick", [True, False])
def test_which_layers_are_looked_into_once(monkeypatch, again, quick):
    if not quick:
        monkeypatch.setattr("actdiag.stats.guards._TensorGuards", None)
    observed(layers(), [torch.randn(4, 1, 8, 8) for _ in range(3)])
    assert again[-10:] == ["0", "1", "2", "4", "5", "7", "8", "9", "10", "11"]


def test_a_layer_of_two_calls_is_looked_into_each_time(again):
    model = layers().train()
    with Capture(model) as capture:
        model.train()
        for _ in range(3):
            capture.run((torch.randn(4, 1, 8, 8),), {}, 4)
    assert "1" not in again  # counts its batches
    assert "0" in again


def test_the_source_is_the_users_line_not_ours():
    sites, *_ = observed(OtherInput(), [torch.randn(4, 6)])
    layer = next(site for site in sites if site.name == "first")
    assert "test_leaves.py:" in layer.source


class Failing(Dynamic):
    def run(self, x, even):
        return self.second(self.first(x)[:, : 6 - (self.batch > 2)])


def test_what_raises_in_a_layer_is_told_with_its_name():
    *_, failure, outputs = observed(Failing(), [torch.randn(4, 6) for _ in range(3)])
    assert failure.module == "second"
    assert failure.exception == "RuntimeError"
    assert outputs[-1] is None


def test_an_error_on_the_way_to_a_known_call_is_told_with_the_layers_name(monkeypatch):
    batches = [torch.randn(4, 6) for _ in range(3)]
    model = OtherInput()

    def broken(*_given, **_named):
        raise ValueError("torn")

    with Capture(model) as capture:
        capture.run((batches[0],), {}, 4)
        capture.run((batches[1],), {}, 4)
        monkeypatch.setattr(F, "leaky_relu", broken)
        capture.run((batches[2],), {}, 4)
    assert capture.failure.module == "act"
    assert capture.failure.message == "torn"


FORWARDS = {kind: kind.forward for kind in (nn.Linear, nn.Conv2d, nn.BatchNorm2d, nn.ReLU)}


def as_before():
    inherited = "forward" not in nn.BatchNorm2d.__dict__
    return inherited and all(kind.forward is forward for kind, forward in FORWARDS.items())


def test_the_classes_come_back_as_they_were():
    model = layers()
    with Capture(model) as outer:
        assert not as_before()
        with Capture(layers()) as inner:
            inner.run((torch.randn(2, 1, 8, 8),), {}, 2)
        outer.run((torch.randn(2, 1, 8, 8),), {}, 2)
        assert outer.sites()
        assert inner.sites()
    assert as_before()
    assert all("forward" not in module.__dict__ for module in model.modules())
    with pytest.raises(KeyboardInterrupt), Capture(model):
        raise KeyboardInterrupt
    assert as_before()


def test_captures_may_be_closed_in_any_order():
    one, other = Capture(layers()), Capture(layers())
    x = torch.randn(2, 1, 8, 8)
    with Capture(layers()):  # puts back torch's switches, which know one order alone
        with one:
            other.__enter__()
        assert not as_before()
        for _ in range(3):
            other.run((x,), {}, 2)
        other.__exit__(None, None, None)
    assert as_before()
    assert other.sites()[1].stats == observed(layers(), [x] * 3)[0][1].stats


def test_what_fails_on_the_way_in_is_put_back(monkeypatch):
    def broken(*_given):
        raise KeyboardInterrupt

    monkeypatch.setattr("actdiag.capture.capture.Relay", broken)
    model = layers().train()
    with pytest.raises(KeyboardInterrupt), Capture(model):
        raise AssertionError
    assert as_before()
    assert all(module.training for module in model.modules())
    assert not any(module._forward_hooks for module in model.modules())
    assert torch.is_grad_enabled()


def test_a_mode_around_the_capture_sees_what_layers_call(again):
    model = OtherMode()
    x = torch.randn(4, 6)
    with Doubling():
        wanted = model.act(model.first(x))
    model.run = lambda x, _even: model.act(model.first(x))
    with Doubling(), Capture(model) as capture:
        outputs = [capture.run((x,), {}, 4) for _ in range(3)]
    assert not again
    assert all(torch.equal(output, wanted) for output in outputs)


def test_classes_that_somebody_changed_are_looked_into(monkeypatch, again):
    def scaled(module, x):
        made = F.linear(x, module.weight, module.bias)
        return made * 2 if module.training else made

    monkeypatch.setattr(nn.Linear, "forward", scaled)
    observed(nn.Sequential(nn.Linear(6, 6), nn.ReLU()), [torch.randn(4, 6)] * 3)
    assert again == ["1", "1"]


def test_what_somebody_else_made_of_a_class_meanwhile_stays(monkeypatch):
    monkeypatch.setattr(nn.Linear, "forward", nn.Linear.forward)  # put back at the end

    def own(module, x):
        return F.linear(x, module.weight)

    with Capture(nn.Sequential(nn.Linear(6, 6))):
        nn.Linear.forward = own
    assert nn.Linear.forward is own


def test_other_models_are_left_alone():
    other = layers().eval()
    x = torch.randn(2, 1, 8, 8)
    wanted = other(x)
    with Capture(layers()) as capture:
        capture.run((x,), {}, 2)
        sites = len(capture.sites())
        assert torch.equal(other(x), wanted)
        assert len(capture.sites()) == sites


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_layers_can_be_compiled_meanwhile():
    other = layers().eval()
    x = torch.randn(2, 1, 8, 8)
    with Capture(layers()):
        compiled = torch.jit.script(other)
    assert torch.equal(compiled(x), other(x))


def test_the_same_model_in_two_captures_at_once():
    model, x = layers(), torch.randn(2, 1, 8, 8)
    with Capture(model) as outer, Capture(model) as inner:
        for _ in range(3):
            outer.run((x,), {}, 2)
            inner.run((x,), {}, 2)
        found, wanted = inner.sites(), observed(model, [x] * 3)[0]
        assert [site.stats for site in found] == [site.stats for site in wanted]
        assert [site.stats for site in outer.sites()] == [site.stats for site in wanted]


class Stop(nn.Module):
    def __init__(self):
        super().__init__()
        self.inside, self.go_on = Event(), Event()

    def forward(self, x):
        self.inside.set()
        assert self.go_on.wait(20)
        return x


class Beside(Dynamic):
    """A part of the model runs in another thread while this one goes on."""

    def __init__(self):
        super().__init__()
        self.part = nn.Sequential(self.second, Stop())

    def run(self, x, even):
        stop = self.part[1]
        with ThreadPoolExecutor(1) as pool:
            work = pool.submit(self.part, x)
            assert stop.inside.wait(20)
            x = self.first(x).tanh()
            stop.go_on.set()
            work.result(20)
        stop.inside.clear()
        stop.go_on.clear()
        return x


def test_other_threads_are_counted_and_not_followed():
    sites, modules, *_ = observed(Beside(), [torch.randn(4, 6) for _ in range(3)])
    assert [site.name for site in sites] == ["input", "first", "tanh"]
    called = [module.name for module in modules if module.calls == 3]
    assert called == ["", "first", "second", "part", "part.1"]


def test_our_frames_do_not_hide_a_layer_in_a_traceback():
    model = Failing()
    with pytest.raises(RuntimeError) as raised, Capture(model):
        model(torch.randn(4, 5))
    assert "linear.py" in "".join(traceback.format_tb(raised.value.__traceback__))
