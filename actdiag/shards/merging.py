"""The Scan of the whole data from those of its parts: the same numbers, to rounding."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from actdiag import functions
from actdiag.capture.gated import gated_units
from actdiag.capture.reach import merged_bounds
from actdiag.capture.tokens import PaddingMeter
from actdiag.errors import UsageError
from actdiag.records import Skip
from actdiag.shards.agreeing import check_agree
from actdiag.shards.arranging import arranged
from actdiag.shards.facts import called, coverage_of, data_of
from actdiag.shards.sites import Sites
from actdiag.stats.output import OutputAccumulator

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from actdiag.records import Scan, Site
    from actdiag.shards.piece import Piece

T = TypeVar("T")


class Merge:
    """Takes in one part after the other, the earlier samples first.

    Where the forward of a part failed, later parts are left out: a single process, too, would have
    stopped there.
    """

    def __init__(self) -> None:
        self.first: Piece | None = None
        self.sites = Sites()
        self.output: OutputAccumulator | None = None
        self.padding = PaddingMeter()
        self._parameters: dict[str, tuple[int, bool]] = {}
        self._scans: list[Scan] = []
        self._states: list[dict[str, Any]] = []

    def add(self, piece: Piece) -> None:
        """Take in a part.

        Raises:
            UsageError: it is of another model, was measured by another version, or is damaged.
        """
        if self.first is None:
            self.first = piece
        check_agree(self.first, piece)
        if self.failed:
            return
        try:
            self._take(piece)
        except (KeyError, TypeError, ValueError, IndexError, RuntimeError) as error:
            raise UsageError(
                f"{piece.name}: its mergeable state is damaged: {type(error).__name__}: {error}",
                hint="Scan this part again.",
            ) from error

    def _take(self, piece: Piece) -> None:
        state = piece.state
        self.sites.add(piece.scan.sites, state["sites"])
        self._add_output(state["output"], piece.name)
        self.padding.restore(state["padding"])
        for name, (size, seen) in state["parameters"].items():
            before = self._parameters.get(name, (size, False))
            self._parameters[name] = size, before[1] or seen
        slim = ("sites", "output", "padding", "parameters")
        self._states.append({key: value for key, value in state.items() if key not in slim})
        self._scans.append(replace(piece.scan, sites=(), output=None))

    @property
    def failed(self) -> bool:
        """Whether the forward of a part failed."""
        return bool(self._scans) and self._scans[-1].coverage.failure is not None

    def _add_output(self, state: dict[str, Any] | None, name: str) -> None:
        if state is None:
            return
        found = OutputAccumulator.from_state(state)
        if self.output is not None and self.output.kind != found.kind:
            raise UsageError(
                f"the output is judged to be {self.output.kind} in the other parts, "
                f"and {found.kind} in {name}",
                hint="What an output is, is read off the labels and the answers: give labels in "
                "every part, or shards of one data set (--shard).",
            )
        if self.output is None:
            self.output = found
        else:
            self.output.merge(found)

    def scan(self) -> Scan:
        """Everything measured, of all parts. Bounds that need the weights are left out."""
        first = self._scans[0]
        sites, modules = self.sites.records(), called(self._scans)
        failed = self.failed
        return replace(
            first,
            data=data_of(self._scans, self._states, sites, self.padding),
            coverage=coverage_of(
                self._scans, self._states, self._parameters, self.sites, self.padding
            ),
            sites=sites,
            modules=modules,
            gated=gated_units(sites, modules),
            output=self.output.to_record() if self.output is not None else None,
            gradients=None if failed else _only(scan.gradients for scan in self._scans),
            train_eval=None if failed else _only(scan.train_eval for scan in self._scans),
            training_data=None if failed else _only(scan.training_data for scan in self._scans),
        )

    def bounded(self, sites: tuple[Site, ...]) -> tuple[Site, ...]:
        """The sites with the bounds of units that never fired, where the parts kept the weights."""
        known = {site.name: site for site in sites}
        kept = {name: one for state in self._states for name, one in state["reach"].items()}
        return tuple(
            merged_bounds(site, known[kept[site.name]["source"]], kept[site.name])
            if site.name in kept and site.verbatim
            else site
            for site in sites
        )

    def aligned(self) -> set[str]:
        """Names of the layers that read the units of the site before them one by one."""
        return {name for state in self._states for name in state["aligned"]}


def _only(found: Iterable[T | None]) -> T | None:
    """What a part has measured for all, or the first of several for itself."""
    return next((one for one in found if one is not None), None)


def whole(pieces: Iterable[Piece]) -> Scan:
    """The scan of the whole data from the pieces of all parts, in the order of their samples.

    Where the first one still knows the model, with the bounds that its weights set.

    Raises:
        UsageError: the pieces do not belong together.
    """
    merge = Merge()
    for piece in pieces:
        merge.add(piece)
    scan = merge.scan()
    if merge.first is None or merge.first.bounded is None:
        return replace(scan, sites=merge.bounded(scan.sites))
    return replace(scan, sites=merge.first.bounded(scan.sites, merge.aligned()))


def merged(pieces: Sequence[Piece]) -> Scan:
    """The scan of the whole data from the saved pieces of all parts, in any order.

    Raises:
        UsageError: the pieces do not belong together, or not all of them are there.
    """
    return whole(arranged(pieces))


def not_merged(scan: Scan) -> tuple[Skip, ...]:
    """What was not looked for: bounds by more weights than the parts have kept."""
    for site in scan.sites:
        row = functions.find(site.function or "")
        units = site.per_unit
        if row is None or not row.clips_at_zero or units is None or units.input_bound:
            continue
        if site.verbatim and any(not (most or 0.0) > 0 for most in units.max):
            reason = (
                f"needs the weights before {site.name} beside the merged ranges of their inputs: "
                "scan with torchrun, or look at the reports of the parts"
            )
            return (Skip("INI404", "weights", reason),)
    return ()
