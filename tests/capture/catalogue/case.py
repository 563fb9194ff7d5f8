"""One awkward model, what it is fed and the sites that must be seen, written down beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch.utils import _pytree as pytree

from actdiag.capture import Capture
from actdiag.capture.wrappers import unwrapped

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from actdiag.records import Coverage, Site


def drawn(*shape: int) -> Tensor:
    """Normal numbers, the same in every run."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def ids(*shape: int, below: int) -> Tensor:
    """Integers from 0, the same in every run."""
    return torch.randint(below, shape, generator=torch.Generator().manual_seed(1))


@dataclass(frozen=True)
class Case:
    """``sites`` holds a line per site: name, role, function, units (``?`` if lost), inputs.

    The site that gave the model's answer says so. ``unknown`` are functions that coverage tells
    as not captured, ``note`` what its note says, ``failure`` the module in which the model raises.
    """

    build: Callable[[], nn.Module]
    batches: tuple[Any, ...]
    kwargs: dict[str, Any]
    sites: str
    unknown: tuple[str, ...]
    note: str
    failure: str | None
    samples: int

    @property
    def name(self) -> str:
        """Of the class or function that makes the model."""
        return self.build.__name__

    def run(self) -> tuple[tuple[Site, ...], Coverage]:
        """The sites and the coverage after all batches."""
        torch.manual_seed(0)
        model, _ = unwrapped(self.build())
        with Capture(model) as capture:
            for batch in self.batches:
                inputs, kwargs = pytree.tree_map(_copied, (batch, self.kwargs))
                capture.run(inputs, kwargs, self.samples)
            return capture.sites(), capture.coverage()


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, torch.Tensor) else value


def told(sites: tuple[Site, ...]) -> list[str]:
    """The sites as a case writes them down."""
    return [
        " ".join(
            (
                *(site.name, site.role.value, site.function or "-"),
                "?" if site.units is None else str(site.units),
                *site.inputs,
                *(["(answer)"] if site.is_final else []),
            )
        )
        for site in sites
    ]


@dataclass
class Catalogue:
    """The cases of one theme."""

    cases: list[Case] = field(default_factory=list)

    def case(
        self,
        sites: str,
        *inputs: Any,
        batches: tuple[Any, ...] | None = None,
        unknown: tuple[str, ...] = (),
        note: str = "",
        failure: str | None = None,
        samples: int = 4,
        **kwargs: Any,
    ) -> Callable[..., Any]:
        """Decorates a model, or what makes it, with its sites; fed twice unless told otherwise."""

        def noted(build: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
            fed = batches or (inputs, inputs)
            case = Case(build, fed, kwargs, sites, unknown, note, failure, samples)
            self.cases.append(case)
            return build

        return noted
