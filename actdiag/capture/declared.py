"""What each module of a model says it is: its name, its class, whether modules lie below it.

A TorchScript module keeps the class it was made from in the name of its type, an exported program
in the notes on its operators; an ordinary module simply has its class.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.jit import ScriptModule
from torch.nn.parameter import is_lazy
from torch.nn.utils.parametrize import is_parametrized

from actdiag import functions
from actdiag.capture.wrappers import is_compiled, plain_name
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

_MANGLED = re.compile(r"___torch_mangle_\d+\.")
_COMPUTES_WEIGHTS = "parametrizations"
_SETTINGS = (
    *("p", "in_features", "out_features", "in_channels", "out_channels", "groups", "kernel_size"),
    *("hidden_size", "input_size", "num_layers", "bidirectional", "batch_first", "num_heads"),
    *("negative_slope", "alpha", "dim", "eps", "affine", "num_embeddings", "embedding_dim"),
)


@dataclass(frozen=True, slots=True)
class Declared:
    """One module of a model.

    Attributes:
        name: qualified name, ``""`` for the root.
        qualified: qualified name of its class, such as ``torch.nn.modules.linear.Linear``.
        leaf: whether it has no modules of its own.
        builtin: whether it is a layer of ``torch.nn`` that calls its functions itself.
        parameters: number of elements of its own parameters.
        settings: its scalar settings that matter to a diagnosis.
    """

    name: str
    qualified: str
    leaf: bool
    builtin: bool
    parameters: int = 0
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def class_name(self) -> str:
        """The class's own name."""
        return self.qualified.rpartition(".")[2]

    @property
    def function(self) -> str | None:
        """The activation function that the class is by its name, where it is none of torch's."""
        row = None if self.builtin else functions.by_module(self.qualified)
        return None if row is None else row.name


def qualified_class(module: nn.Module) -> str:
    """Qualified name of a module's class; of a TorchScript module, of the class it came from."""
    if not isinstance(module, ScriptModule):
        plain = _plain_class(module)
        return f"{plain.__module__}.{plain.__qualname__}"
    declared = module._c._type().qualified_name()  # noqa: SLF001 - nothing public tells it
    return printable(_MANGLED.sub("", declared).removeprefix("__torch__."))


def _plain_class(module: nn.Module) -> type[nn.Module]:
    """The class of a module; a parametrised one gets a class of its own below its plain one."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def class_name(module: nn.Module) -> str:
    """The own name of :func:`qualified_class`."""
    return printable(qualified_class(module).rpartition(".")[2])


def is_leaf(module: nn.Module) -> bool:
    """Whether the module has no modules of its own, but for what computes its weights."""
    return all(name == _COMPUTES_WEIGHTS for name, _ in module.named_children())


def is_builtin_layer(module: nn.Module) -> bool:
    """Whether the module is, or derives from, a layer of ``torch.nn`` and has no children.

    ``MultiheadAttention`` counts: its only child is never called. Of what a TorchScript module
    derives from, nothing is kept.
    """
    if isinstance(module, ScriptModule):
        return is_builtin_class(qualified_class(module), leaf=is_leaf(module))
    if isinstance(module, nn.MultiheadAttention):
        return True
    families = (cls.__module__ for cls in type(module).__mro__ if cls is not nn.Module)
    return is_leaf(module) and any(family.startswith("torch.nn.modules") for family in families)


def is_builtin_class(qualified: str, *, leaf: bool) -> bool:
    """As :func:`is_builtin_layer`, of a class that is known by name alone."""
    if qualified.endswith(".MultiheadAttention"):
        return True
    return leaf and qualified.startswith("torch.nn.modules.") and not qualified.endswith(".Module")


def settings_of(module: nn.Module) -> dict[str, Any]:
    """The scalar settings of a module that matter to a diagnosis."""
    found = {key: getattr(module, key, None) for key in _SETTINGS}
    settings = {key: value for key, value in found.items() if isinstance(value, bool | int | float)}
    if isinstance(getattr(module, "kernel_size", None), tuple):
        settings["kernel_size"] = max(module.kernel_size, default=1)  # type: ignore[arg-type]
    return settings


def unshared(model: nn.Module) -> Iterator[tuple[str, str, nn.Module]]:
    """Each name of a module with the first name of the same module, and the module.

    Ordinary modules come once. A graph keeps a copy of a module under each of its names; two of
    one class with the very same weights are taken for one. Without weights nothing tells.
    Compiled modules are told as their originals.
    """
    known: dict[tuple[Any, ...], str] = {}
    for given, module in model.named_modules():
        if is_compiled(module):
            continue
        name = plain_name(given)
        weights = [id(item) for item in module.parameters(recurse=False)]
        first = name
        if weights and (isinstance(module, ScriptModule) or type(module) is nn.Module):
            first = known.setdefault((qualified_class(module), *weights), name)
        yield name, first, module


def declared_modules(model: nn.Module) -> dict[str, Declared]:
    """Every module of a model by its name, in the order of ``named_modules``.

    Modules that compute the weights of another one belong to that.
    """
    return {
        printable(name): Declared(
            name=printable(name),
            qualified=qualified_class(module),
            leaf=is_leaf(module),
            builtin=is_builtin_layer(module),
            parameters=sum(map(elements, own_parameters(module))),
            settings=settings_of(module),
        )
        for name, first, module in unshared(model)
        if name == first and _COMPUTES_WEIGHTS not in name.split(".")
    }


def elements(parameter: Tensor) -> int:
    """The size of a parameter; 0 as long as it is lazy."""
    return 0 if is_lazy(parameter) else parameter.numel()


def own_parameters(module: nn.Module) -> Iterator[nn.Parameter]:
    """The parameters of a module itself, among them those that its weights are computed from."""
    yield from module.parameters(recurse=False)
    if is_parametrized(module):
        computing: Any = module.parametrizations
        yield from computing.parameters()


@contextlib.contextmanager
def replaced_forward(module: nn.Module, forward: Callable[..., Any]) -> Iterator[None]:
    """Within the block, calling ``module`` calls ``forward``, and its hooks as ever."""
    before = module.__dict__.get("forward")  # TorchScript keeps the method there once it was used
    module.__dict__["forward"] = forward
    try:
        yield
    finally:
        del module.__dict__["forward"]
        if before is not None:
            module.__dict__["forward"] = before
