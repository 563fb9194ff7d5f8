"""Changing the layers of a copy: other activations, norms behind layers, paths around them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from actdiag.records import Role, Scan, Site
from actdiag.remedies.base import NotApplicableError
from actdiag.steps.bench import Replaced

if TYPE_CHECKING:
    from collections.abc import Callable

    from actdiag.remedies.base import Arm

_MODULES = {"relu": nn.ReLU, "relu6": nn.ReLU6, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}
LINEAR = (nn.Linear,)
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def part(module: nn.Module, name: str) -> nn.Module | None:
    """The submodule of that name, or None: a name from a scan was made printable."""
    try:
        return module.get_submodule(name)
    except AttributeError:
        return None


def put(module: nn.Module, name: str, new: nn.Module) -> None:
    """Put ``new`` where the submodule of that name stands."""
    above, _, last = name.rpartition(".")
    setattr(module.get_submodule(above), last, new)


def hidden(scan: Scan, functions: tuple[str, ...]) -> list[Site]:
    """The sites of these functions that are hidden activations: no gates, not the answer."""
    return [
        site
        for site in scan.sites
        if site.role is Role.ACTIVATION and site.function in functions and not site.is_final
    ]


def replace_activations(
    arm: Arm,
    scan: Scan,
    functions: tuple[str, ...],
    module: Callable[[], nn.Module],
    function: Callable[..., Any],
) -> str:
    """Replace hidden activations, modules and functions, and say how many.

    Where the forward calls them as functions they are replaced while the arm runs, which no
    saved file could repeat.

    Raises:
        NotApplicableError: there is none.
    """
    sites = hidden(scan, functions)
    if not sites:
        raise NotApplicableError(f"There is no hidden {' or '.join(functions)}.")
    kept = {site.module for site in scan.sites if site.is_final}
    modules = {
        site.module
        for site in sites
        if site.module not in kept and isinstance(part(arm.module, site.module), _class(site))
    }
    for name in modules:
        put(arm.module, name, module())
    called = {site.function for site in sites if site.module not in modules} & _everywhere_hidden(
        scan, sites
    )
    if not called and not modules:
        raise NotApplicableError("The activations are no modules, and used as gates as well.")
    told = [f"{len(modules)} modules"] if modules else []
    if called:
        arm.forward = _replacing(arm.module, {name for name in called if name}, function)
        names = ", ".join(sorted(name for name in called if name))
        told.append(f"every call of {names} in the forward")
        arm.unsaveable = f"the forward calls {names} as a function: change it in your code"
    return " and ".join(told)


def _class(site: Site) -> type[nn.Module]:
    return _MODULES[site.function or ""]


def _everywhere_hidden(scan: Scan, sites: list[Site]) -> set[str | None]:
    """Functions with no other site, such as a gate or the answer, which must stay as they are."""
    all_calls = Counter(site.function for site in scan.sites)
    here = Counter(site.function for site in sites)
    return {name for name in here if here[name] == all_calls[name]}


def _replacing(
    module: nn.Module, names: set[str], function: Callable[..., Any]
) -> Callable[..., Any]:
    def replacement(name: str, _original: Any) -> Callable[..., Any] | None:
        if name.rstrip("_") not in names:
            return None
        return lambda x, *_args, **_kwargs: function(x)

    def forward(*args: Any, **kwargs: Any) -> Any:
        mode = Replaced(replacement)
        with mode:
            answer = module(*args, **kwargs)
        if not mode.replaced:
            raise NotApplicableError("The activations run inside one operation of torch.")
        return answer

    return forward


def before_activations(scan: Scan, module: nn.Module) -> list[tuple[str, Site]]:
    """Layers called once whose values go straight into a hidden activation, by module name."""
    calls = Counter(site.module for site in scan.sites if site.role in (Role.LINEAR, Role.CONV))
    fed = {
        name
        for site in scan.sites
        if site.role is Role.ACTIVATION and not site.is_final
        for name in site.inputs
    }
    return [
        (site.module, site)
        for site in scan.sites
        if site.role in (Role.LINEAR, Role.CONV)
        and site.name in fed
        and calls[site.module] == 1
        and type(part(module, site.module)) in (*LINEAR, *CONVOLUTIONS)
    ]


def insert_norms(arm: Arm, scan: Scan, norm_for: Callable[[Any, Site], nn.Module | None]) -> str:
    """Put a norm behind every layer that goes straight into a hidden activation; say where.

    Raises:
        NotApplicableError: there is no such layer.
    """
    changed = []
    for name, site in before_activations(scan, arm.module):
        layer = part(arm.module, name)
        norm = norm_for(layer, site)
        if layer is None or norm is None:
            continue
        weight: Any = layer.weight
        put(arm.module, name, nn.Sequential(layer, norm.to(weight)))
        changed.append(name)
    if not changed:
        raise NotApplicableError("No layer goes straight into an activation: norms may be there.")
    return f"behind {len(changed)} layers ({', '.join(changed[:4])}{', …' * (len(changed) > 4)})"  # noqa: PLR2004 - the first few


def add_residual_paths(arm: Arm, scan: Scan) -> str:
    """Lead a path around every layer and its activation that keep the shape; say how many.

    Raises:
        NotApplicableError: no layer with an activation module keeps the shape.
    """
    sites, pairs = {site.name: site for site in scan.sites}, []
    layers = dict(before_activations(scan, arm.module))
    for site in scan.sites:
        source = sites.get(site.inputs[0]) if len(site.inputs) == 1 else None
        if source is None or source.module not in layers or site.role is not Role.ACTIVATION:
            continue
        before = sites.get(source.inputs[0]) if len(source.inputs) == 1 else None
        activation = part(arm.module, site.module)
        alone = sum(other.module == site.module for other in scan.sites) == 1
        if before is None or before.shape != site.shape or activation is None or not alone:
            continue
        if isinstance(activation, tuple(_MODULES.values()) + _OTHERS):
            pairs.append((part(arm.module, source.module), activation))
    if not pairs:
        raise NotApplicableError("No layer with an activation module behind it keeps its shape.")
    for layer, activation in pairs:
        _around(layer, activation)
    arm.unsaveable = "torch.nn has no residual block: write x = x + activation(layer(x))"
    return f"around {len(pairs)} layers with their activations"


_OTHERS = (nn.LeakyReLU, nn.GELU, nn.ELU, nn.SiLU, nn.PReLU, nn.SELU, nn.Softplus, nn.Hardswish)


def _around(layer: Any, activation: nn.Module) -> None:
    came: list[torch.Tensor] = []

    def remember(_module: nn.Module, args: tuple[Any, ...]) -> None:
        came[:] = [args[0].clone()]  # a clone: an activation may work in place

    def add(_module: nn.Module, _args: tuple[Any, ...], output: torch.Tensor) -> torch.Tensor:
        return output + came.pop() if came and came[0].shape == output.shape else output

    layer.register_forward_pre_hook(remember)
    activation.register_forward_hook(add)
