"""What a clipping activation can be given at most: from the weights before it, and their inputs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

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
_MOST_KEPT = 1 << 16  # weights of a site for a merge: half a megabyte of each sign
_Layer = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d
_Norm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d


def with_bounds(
    model: nn.Module,
    sites: tuple[Site, ...],
    aligned: Collection[str],
    rebuilt: Mapping[str, nn.Module],
    exposed: Collection[str],
) -> tuple[Site, ...]:
    """The sites, those of clipping activations with the bound of each unit where it is known.

    It is known behind a linear or convolutional layer of torch's, with or without a batch norm
    after it, whose inputs were measured.

    Args:
        model: in evaluation mode.
        sites: what was measured.
        aligned: names of the layers that read the units of the site before them one by one.
        rebuilt: the layers of graphs by name, which ``model`` holds as weights alone.
        exposed: names of the sites whose values may have been changed since they were measured.
    """
    reach = _Reach(model, {site.name: site for site in sites}, aligned, exposed)
    reach.modules |= rebuilt
    return tuple(reach.bounded(site) for site in sites)


def terms(
    model: nn.Module,
    sites: tuple[Site, ...],
    aligned: Collection[str],
    rebuilt: Mapping[str, nn.Module],
    exposed: Collection[str],
) -> dict[str, dict[str, Any]]:
    """By site what its bounds are made of, for units that never fired: see :func:`merged_bounds`.

    Sites with more weights than can be kept, and those behind grouped convolutions, have none.
    """
    reach = _Reach(model, {site.name: site for site in sites}, aligned, exposed)
    reach.modules |= rebuilt
    found = {site.name: reach.terms(site) for site in sites}
    return {name: kept for name, kept in found.items() if kept is not None}


def merged_bounds(site: Site, source: Site, kept: Mapping[str, Any]) -> Site:
    """The site with bounds by the range of its layer's inputs over all parts of the data.

    Args:
        site: merged from the parts.
        source: what its layer reads, merged from the parts.
        kept: of :func:`terms` in one of the parts. Units that fired anywhere need no bound.
    """
    positive, negative, bias = (kept[name] for name in ("positive", "negative", "bias"))
    ends = _range(source, positive.shape[1], by_unit=kept["by_unit"], padded=kept["padded"])
    if site.per_unit is None or ends is None:
        return site
    bound = (positive * ends[1] + negative * ends[0]).sum(1) + bias
    bounds: list[float | None] = [None] * len(site.per_unit.count)
    biases = list(bounds)
    for unit, most, own in zip(kept["units"].tolist(), bound.tolist(), bias.tolist(), strict=True):
        if not (site.per_unit.max[unit] or 0.0) > 0:
            bounds[unit], biases[unit] = most, own
    per_unit = replace(site.per_unit, input_bound=tuple(bounds), input_bias=tuple(biases))
    return replace(site, per_unit=per_unit)


class _Reach:
    def __init__(
        self,
        model: nn.Module,
        sites: dict[str, Site],
        aligned: Collection[str],
        exposed: Collection[str],
    ) -> None:
        self.modules = {printable(name): module for name, _, module in unshared(model)}
        self.sites, self.aligned, self.exposed = sites, aligned, exposed

    def _behind(self, site: Site) -> tuple[Site, _Norm | None] | None:
        """The layer in front of a clipping activation, and the batch norm between them."""
        row = functions.find(site.function or "")
        if site.role is not Role.ACTIVATION or site.per_unit is None or row is None:
            return None
        before = self._before(site) if row.clips_at_zero else None
        norm = self._norm(before) if before is not None and before.role is Role.NORM else None
        layer = before if norm is None or before is None else self._before(before)
        return None if layer is None or layer.units != site.units else (layer, norm)

    def terms(self, site: Site) -> dict[str, Any] | None:
        """Of the units that never fired, sums of the weights of each input by their sign."""
        behind = self._behind(site)
        if behind is None or site.per_unit is None or self._bound(*behind) is None:
            return None
        layer, source = self.modules[behind[0].module], self._before(behind[0])
        if not isinstance(layer, _LAYERS) or source is None:
            return None
        silent = [unit for unit, most in enumerate(site.per_unit.max) if not (most or 0.0) > 0]
        weight, bias = _folded(layer, behind[1])
        grouped = not isinstance(layer, nn.Linear) and layer.groups > 1
        if grouped or len(silent) * weight.shape[1] > _MOST_KEPT:
            return None
        units = torch.tensor(silent, dtype=torch.int64)
        rows = weight[units].detach().double().cpu().unsqueeze(2).flatten(2)
        return {
            "source": source.name,
            "by_unit": behind[0].name in self.aligned,
            "padded": not isinstance(layer, nn.Linear) and _pads_zeros(layer),
            "units": units,
            "positive": rows.clamp(min=0).sum(2),
            "negative": rows.clamp(max=0).sum(2),
            "bias": bias.cpu()[units],
        }

    def bounded(self, site: Site) -> Site:
        behind = self._behind(site)
        known = None if behind is None else self._bound(*behind)
        if known is None or site.per_unit is None:
            return site
        bound, bias = (tuple(values.tolist()) for values in known)
        per_unit = replace(site.per_unit, input_bound=bound, input_bias=bias)
        return replace(site, per_unit=per_unit)

    def _before(self, site: Site) -> Site | None:
        known = site.verbatim and site.inputs[0] not in self.exposed
        return self.sites.get(site.inputs[0]) if known else None

    def _norm(self, site: Site) -> _Norm | None:
        module = self.modules.get(site.module)
        fixed = isinstance(module, _NORMS) and module.running_mean is not None
        return module if fixed and isinstance(module, _NORMS) and not module.training else None

    def _bound(self, site: Site, norm: _Norm | None) -> tuple[Tensor, Tensor] | None:
        """Upper bound and bias of each unit, ``(units,)`` of float64 on the CPU."""
        layer, source = self.modules.get(site.module), self._before(site)
        if not isinstance(layer, _LAYERS) or source is None or layer.weight.is_meta:
            return None
        inputs = layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels
        padded = not isinstance(layer, nn.Linear) and _pads_zeros(layer)
        ends = _range(source, inputs, by_unit=site.name in self.aligned, padded=padded)
        if ends is None or len(layer.weight) != site.units:
            return None
        weight, bias = _folded(layer, norm)
        groups = 1 if isinstance(layer, nn.Linear) else layer.groups
        low, high = (end.to(weight.device) for end in ends)
        bound = upper_bound(weight, bias, low, high, groups=groups)
        return (bound.cpu(), bias.cpu()) if bool(bound.isfinite().all()) else None


def _range(
    source: Site, inputs: int, *, by_unit: bool, padded: bool
) -> tuple[Tensor, Tensor] | None:
    """Least and greatest value of each input of a layer, ``(inputs,)`` of float64."""
    stats, units = source.stats, source.per_unit
    if stats.nonfinite or stats.min is None or stats.max is None:
        return None
    low, high = [stats.min] * inputs, [stats.max] * inputs
    if by_unit and units is not None and len(units.min) == inputs:
        low = [stats.min if value is None else value for value in units.min]
        high = [stats.max if value is None else value for value in units.max]
    ends = torch.tensor(low, dtype=torch.float64), torch.tensor(high, dtype=torch.float64)
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
