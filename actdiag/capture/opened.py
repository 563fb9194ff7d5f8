"""A site while it is being measured, and where in the model it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import weakref

    from torch import Tensor

    from actdiag.records import Role
    from actdiag.stats.ahead import Ahead
    from actdiag.stats.attention import AttentionAccumulator
    from actdiag.stats.rows import RowSample
    from actdiag.stats.site import SiteAccumulator


@dataclass(slots=True)
class OpenSite:
    """A site while it is being measured."""

    index: int
    name: str
    module: str
    module_class: str
    function: str | None
    role: Role
    call: int
    source: str | None
    shape: tuple[int, ...]
    unit_axis: int | None
    dtype: str
    accumulator: SiteAccumulator
    inputs: tuple[int, ...] = ()
    straight: bool = False
    verbatim: bool = False
    aligned: bool = False
    returned: bool = False
    is_final: bool = False
    absorbed: bool = False
    exposed: bool = False  # its values may have been changed unseen
    attention: AttentionAccumulator | None = None
    given: weakref.ref[Tensor] | None = None  # what its function was given in the last call
    shut: Tensor | None = None  # of a gate: how often each unit was shut, float64
    ahead: Ahead | None = None  # of a gate: counts them while its output is read
    rows: RowSample | None = None
    input_range: int | None = None  # the site that knows the range of this one's input

    @property
    def units(self) -> int | None:
        """Size of the unit axis, or None when it is not known."""
        return None if self.unit_axis is None else self.shape[self.unit_axis]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the model a call is made."""

    module: str
    module_class: str
    own_name: bool  # the site takes the module's name, without ``/function``
