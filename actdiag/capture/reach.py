"""What a clipping activation can be given at most: from the weights before it, and their inputs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from actdiag import functions
from actdiag.capture.declared import unshared
from actdiag.records import Role
from actdiag.stats.bounds import upper_bound
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from actdiag.records import Site

_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_Layer = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d
_Norm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d


def with_bounds(
    model: nn.Module,
    sites: tuple[Site, ...],
    aligned: Collection[str],
    rebuilt: Mapping[str, nn.Module],
) -> tuple[Site, ...]:
    """The sites, those of clipping activations with the bound of each unit where it is known.

    It is known behind a linear or convolutional layer of torch's, with or without a batch norm
    after it, whose inputs were measured.

    Args:
        model: in evaluation mode.
        sites: what was measured.
        aligned: names of the layers that read the units of the site before them one by one.
        rebuilt: the layers of graphs by name, which ``model`` holds as weights alone.
    """
    reach = _Reach(model, {site.name: site for site in sites}, aligned)
    reach.modules |= rebuilt
    return tuple(reach.bounded(site) for site in sites)


class _Reach:
    def __init__(self, model: nn.Module, sites: dict[str, Site], aligned: Collection[str]) -> None:
        self.modules = {printable(name): module for name, _, module in unshared(model)}
        self.sites, self.aligned = sites, aligned

    def bounded(self, site: Site) -> Site:
        row = functions.find(site.function or "")
        if site.role is not Role.ACTIVATION or site.per_unit is None or row is None:
            return site
        before = self._before(site) if row.clips_at_zero else None
        norm = self._norm(before) if before is not None and before.role is Role.NORM else None
        layer = before if norm is None or before is None else self._before(before)
        if layer is None or layer.units != site.units:
            return site
        known = self._bound(layer, norm)
        if known is None:
            return site
        bound, bias = (tuple(values.tolist()) for values in known)
        per_unit = replace(site.per_unit, input_bound=bound, input_bias=bias)
        return replace(site, per_unit=per_unit)

    def _before(self, site: Site) -> Site | None:
        return self.sites.get(site.inputs[0]) if site.verbatim else None

    def _norm(self, site: Site) -> _Norm | None:
        module = self.modules.get(site.module)
        fixed = isinstance(module, _NORMS) and module.running_mean is not None
        return module if fixed and isinstance(module, _NORMS) and not module.training else None

    def _bound(self, site: Site, norm: _Norm | None) -> tuple[Tensor, Tensor] | None:
        """Upper bound and bias of each unit, ``(units,)`` of float64 on the CPU."""
        layer, source = self.modules.get(site.module), self._before(site)
        if not isinstance(layer, _LAYERS) or source is None or layer.weight.is_meta:
            return None
        ends = self._range(source, layer, by_unit=site.name in self.aligned)
        if ends is None or len(layer.weight) != site.units:
            return None
        weight, bias = _folded(layer, norm)
        groups = 1 if isinstance(layer, nn.Linear) else layer.groups
        low, high = (end.to(weight.device) for end in ends)
        bound = upper_bound(weight, bias, low, high, groups=groups)
        return (bound.cpu(), bias.cpu()) if bool(bound.isfinite().all()) else None

    def _range(self, source: Site, layer: _Layer, *, by_unit: bool) -> tuple[Tensor, Tensor] | None:
        """Least and greatest value of each input of the layer, ``(inputs,)`` of float64."""
        stats, units = source.stats, source.per_unit
        if stats.nonfinite or stats.min is None or stats.max is None:
            return None
        inputs = layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels
        low, high = [stats.min] * inputs, [stats.max] * inputs
        if by_unit and units is not None and len(units.min) == inputs:
            low = [stats.min if value is None else value for value in units.min]
            high = [stats.max if value is None else value for value in units.max]
        ends = torch.tensor(low, dtype=torch.float64), torch.tensor(high, dtype=torch.float64)
        padded = not isinstance(layer, nn.Linear) and _pads_zeros(layer)
        return (ends[0].clamp(max=0), ends[1].clamp(min=0)) if padded else ends


def _pads_zeros(layer: nn.Conv1d | nn.Conv2d | nn.Conv3d) -> bool:
    some = layer.padding == "same" if isinstance(layer.padding, str) else any(layer.padding)
    return some and layer.padding_mode == "zeros"


def _folded(layer: _Layer, norm: _Norm | None) -> tuple[Tensor, Tensor]:
    """Weight and bias of the layer with the batch norm after it, in evaluation mode."""
    weight, given = layer.weight.detach(), layer.bias
    bias = given.detach().double() if given is not None else weight.new_zeros(len(weight)).double()
    if norm is None or norm.running_mean is None or norm.running_var is None:
        return weight, bias
    scale = (norm.running_var.double() + norm.eps).rsqrt()
    scale = scale if norm.weight is None else scale * norm.weight.detach().double()
    bias = (bias - norm.running_mean.double()) * scale
    bias = bias if norm.bias is None else bias + norm.bias.detach().double()
    return weight.double() * scale.view(-1, *(1,) * (weight.dim() - 1)), bias
