"""Runs batches through a model and records every site on the way."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn

from actdiag.capture.answer import Answer
from actdiag.capture.containers import generated, tensors_in
from actdiag.capture.declared import own_parameters, unshared
from actdiag.capture.graphs import graphs_observed, modules_of
from actdiag.capture.guard import preserved, quiet
from actdiag.capture.mode import SiteMode
from actdiag.capture.modules import ModuleStack, Running
from actdiag.capture.observer import Observer
from actdiag.capture.opened import OpenSite, Place
from actdiag.capture.padding import mask_of, parameters_of
from actdiag.capture.reach import with_bounds
from actdiag.capture.recorder import Recorder
from actdiag.capture.relay import Relay
from actdiag.capture.seen import coverage, parameters_seen
from actdiag.capture.source import raising_line
from actdiag.capture.tokens import PaddingMeter
from actdiag.capture.trail import Trail
from actdiag.records import Failure, ModuleInfo, Role, Site
from actdiag.stats.library import backend
from actdiag.stats.site import SiteAccumulator
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from actdiag.capture.declared import Declared
    from actdiag.records import Coverage, Padding


class Capture:
    """Observes a model while batches run through it; the model comes back as it was.

    Use as a context manager; call :meth:`run` per batch, then read :meth:`sites`,
    :meth:`modules` and :meth:`coverage`.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        forward: Callable[..., Any] | None = None,
        mask: str | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        backend()  # a wrong setting is told before anything runs
        self.model = model
        self.failure: Failure | None = None
        self._forward = forward or model
        self._arguments = parameters_of(forward or model.forward)
        self._mask = mask
        self._padding = PaddingMeter()
        self._recorder = recorder or Recorder()
        self._stack: ModuleStack
        self._observer: Observer
        self._mode: SiteMode
        self._relay: Relay
        self._modules: dict[str, Declared]
        self._weights: dict[str, tuple[Tensor, ...]]
        self._answer: Answer
        self._restore = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Set up hooks and switches."""
        self._restore.enter_context(preserved(self.model))
        self._restore.enter_context(quiet())
        self._modules = modules_of(self.model)
        self._stack = ModuleStack(self.model, self._modules, on_silent=self._leaf_output)
        self._restore.callback(self._stack.close)
        self._weights = {
            printable(name): tuple(own_parameters(module))
            for name, first, module in unshared(self.model)
            if name == first and printable(name) in self._modules
        }
        weights = {id(item): name for name, owned in self._weights.items() for item in owned}
        self._observer = Observer(self._recorder, self._stack, weights)
        self._mode = SiteMode(self._observer)
        self._answer = Answer(self._observer, self._root())
        self._relay = Relay(self._observer)
        self._restore.enter_context(graphs_observed(self.model, self._relay))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Put everything back."""
        self._restore.close()

    def run(self, inputs: tuple[Any, ...], kwargs: dict[str, Any], samples: int) -> Tensor | None:
        """One forward pass over ``samples`` samples; the model's answer, or None if it raised.

        The first exception is kept as :attr:`failure`, with everything measured before it.
        """
        mask = mask_of(self._arguments, inputs, kwargs, self._mask)
        self._recorder.begin_pass(samples, mask)
        self._stack.opened = 0
        pending = self._open_inputs((inputs, kwargs))
        try:
            with self._mode:
                result = generated(self._forward(*inputs, **kwargs))
        except Exception as error:  # noqa: BLE001 - whatever a model may raise
            self.failure = self._failure(error)
            result = None
        finally:
            self._stack.running.clear()
            self._measure_inputs(pending)
        output = self._answer.of(result)
        self._recorder.trails.clear()
        return output

    def _open_inputs(self, arguments: Any) -> list[tuple[OpenSite, Tensor]]:
        """Open a site for each input; it is measured at the end, when its unit axis is known."""
        pending = []
        for tensor in tensors_in(arguments):
            axis = 1 if tensor.dim() == 2 and tensor.is_floating_point() else None  # noqa: PLR2004
            place = self._root()
            trail = Trail((), unit_axis=axis, sample_axis=0)
            site = self._recorder.open(
                place, "input", role=Role.INPUT, tensor=tensor, trail=trail, unit_axis=axis
            )
            axis = site.unit_axis
            if axis is not None and axis >= tensor.dim():
                axis = None
            origins = tuple(range(tensor.dim())) if axis is None else None
            known = Trail((site.index,), unit_axis=axis, sample_axis=0, origins=origins)
            self._recorder.follow(site, tensor, known)
            pending.append((site, tensor))
            recorder = self._recorder
            self._padding.add(site.name, tensor, recorder.samples, recorder.mask)
        return pending

    def _root(self) -> Place:
        return Place("", printable(self._modules[""].class_name), own_name=False)

    def _measure_inputs(self, pending: list[tuple[OpenSite, Tensor]]) -> None:
        for site, tensor in pending:
            if site.units is not None and site.accumulator.units is None:
                site.accumulator = SiteAccumulator(site.units)
            trail = Trail((site.index,), unit_axis=site.unit_axis, sample_axis=0)
            self._recorder.measure(site, tensor, trail)

    def _leaf_output(self, left: Running, args: Any, result: Any) -> None:
        """A leaf module in which no site was opened is a site itself, if it made a new tensor."""
        output = next(tensors_in(result), None)
        if output is None or not output.is_floating_point():
            return
        given = {tensor.data_ptr() for tensor in tensors_in(args)}
        before = self._recorder.trails.of(output)
        if before is None or output.data_ptr() in given:
            return
        own = Place(left.place.module, left.place.module_class, own_name=bool(left.place.module))
        site = self._recorder.open(
            own,
            left.place.module_class,
            role=Role.BLOCK,
            tensor=output,
            trail=before,
            unit_axis=before.unit_axis,
        )
        self._stack.opened += 1
        after = Trail((site.index,), True, before.unit_axis, before.sample_axis)  # noqa: FBT003
        with torch._C.DisableTorchFunction():  # noqa: SLF001 - hooks run inside the function mode
            self._recorder.measure(site, output, after)

    def _failure(self, error: Exception) -> Failure:
        """Where the model raised: the innermost module whose forward is in the traceback."""
        module, traceback = None, error.__traceback__
        if error is self._relay.error:
            module, traceback = self._relay.failed_in, None
        while traceback is not None:
            candidate = traceback.tb_frame.f_locals.get("self")
            if isinstance(candidate, nn.Module) and candidate in self._stack.names:
                module = self._stack.names[candidate]
            traceback = traceback.tb_next
        return Failure(
            module=module,
            source=raising_line(error.__traceback__),
            exception=type(error).__name__,
            message=printable(error, limit=500),
        )

    def sites(self) -> tuple[Site, ...]:
        """Every site, in execution order."""
        return self._bounded(self._recorder.records(), self._aligned())

    def bounded(self, sites: tuple[Site, ...], aligned: set[str]) -> tuple[Site, ...]:
        """Sites that were merged from several captures with the bounds that the weights set.

        ``aligned`` names the layers that read the units of the site before them one by one.
        """
        with preserved(self.model):
            return self._bounded(sites, aligned)

    def _bounded(self, sites: tuple[Site, ...], aligned: set[str]) -> tuple[Site, ...]:
        return with_bounds(self.model, sites, aligned, self._relay.layers)

    def _aligned(self) -> set[str]:
        return {site.name for site in self._recorder.sites if site.aligned}

    def modules(self) -> tuple[ModuleInfo, ...]:
        """Every module of the model, called or not."""
        return tuple(
            ModuleInfo(
                name=name,
                class_name=printable(module.class_name),
                leaf=module.leaf,
                calls=self._stack.calls[name],
                parameters=module.parameters,
                settings=module.settings,
            )
            for name, module in self._modules.items()
        )

    def coverage(self) -> Coverage:
        """What was seen and what was not."""
        notes = [self._answer.note] if self._answer.note else []
        if self._padding.masked:
            notes.append(self._padding.note)
        return coverage(self._observer, self._modules, self._weights, notes, self.failure)

    def state(self) -> dict[str, Any]:
        """What merges with a capture of other samples, as plain values and tensors."""
        seen = parameters_seen(self._observer, self._modules, self._weights)
        return {
            "sites": self._recorder.state(),
            "padding": self._padding.state(),
            "parameters": {name: list(one) for name, one in seen.items()},
            "answer": self._answer.note,
            "aligned": sorted(self._aligned()),
            "width_changes": self._recorder.width_changes,
        }

    def padding(self) -> Padding | None:
        """How much of the token ids that were read is padding."""
        return self._padding.to_record()

    def judged(
        self, output: Tensor, labels: Tensor | None
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """The answer and the labels of the last batch without the padded positions.

        With them the positions that were kept, ``(samples, positions)``, where some were not.
        """
        mask = self._recorder.mask
        if mask is None or output.dim() != 3 or output.shape[:2] != mask.keep.shape:  # noqa: PLR2004
            return output, labels, None
        if labels is not None and labels.shape != mask.keep.shape:
            return output, labels, None
        return output[mask.keep], None if labels is None else labels[mask.keep], mask.keep

    def final_function(self) -> str | None:
        """The operation that gave the model's answer, such as ``linear`` or ``softmax``."""
        finals = [site for site in self._recorder.sites if site.is_final]
        return finals[-1].function if finals else None
