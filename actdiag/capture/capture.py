"""Runs batches through a model and records every site on the way."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Self

from actdiag.capture.answer import Answer
from actdiag.capture.containers import generated
from actdiag.capture.declared import own_parameters, unshared
from actdiag.capture.failing import Doubt, failure_of, looks_ours
from actdiag.capture.graphs import graphs_observed, modules_of
from actdiag.capture.guard import preserved, quiet
from actdiag.capture.inputs import Inputs
from actdiag.capture.leaves import Leaves
from actdiag.capture.mode import SiteMode
from actdiag.capture.modules import ModuleStack
from actdiag.capture.observer import Observer
from actdiag.capture.opened import Place
from actdiag.capture.padding import mask_of, parameters_of
from actdiag.capture.reach import terms, with_bounds
from actdiag.capture.recorder import Recorder
from actdiag.capture.relay import Relay
from actdiag.capture.seen import coverage, parameters_seen
from actdiag.capture.silent import observe_silent
from actdiag.records import ModuleInfo
from actdiag.stats.library import backend
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from torch import Tensor, nn

    from actdiag.capture.declared import Declared
    from actdiag.capture.modules import Running
    from actdiag.records import Coverage, Failure, Padding, Site


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
        self.doubt: Doubt | None = None
        self._forward = forward or model
        self._arguments = parameters_of(forward or model.forward)
        self._mask = mask
        self._recorder = recorder or Recorder()
        self._stack: ModuleStack
        self._observer: Observer
        self._mode: SiteMode
        self._leaves: Leaves
        self._relay: Relay
        self._modules: dict[str, Declared]
        self._weights: dict[str, tuple[Tensor, ...]]
        self._inputs: Inputs
        self._answer: Answer
        self._restore = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Set up hooks and switches; where that fails, all is put back."""
        with self._restore:
            self._set_up()
            self._restore = self._restore.pop_all()
        return self

    def _set_up(self) -> None:
        self._restore.enter_context(preserved(self.model))
        self._restore.enter_context(quiet())
        self._modules = modules_of(self.model)
        self._stack = ModuleStack(self.model, self._modules, on_silent=self._silent)
        self._restore.callback(self._stack.close)
        self._weights = {
            printable(name): tuple(own_parameters(module))
            for name, first, module in unshared(self.model)
            if name == first and printable(name) in self._modules
        }
        weights = {id(item): name for name, owned in self._weights.items() for item in owned}
        self._observer = Observer(self._recorder, self._stack, weights)
        self._mode = SiteMode(self._observer)
        self._leaves = Leaves(self._stack.plain, self._stack, self._recorder, self._mode.repeats)
        self._restore.enter_context(self._leaves)
        self._inputs = Inputs(self._recorder, self._root())
        self._answer = Answer(self._observer, self._root())
        self._relay = Relay(self._observer)
        self._restore.enter_context(graphs_observed(self.model, self._relay))

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

        The first exception is kept as :attr:`failure`, with everything measured before it, and as
        :attr:`doubt` where it may be the capture's own: to be settled once that is over.
        """
        mask = mask_of(self._arguments, inputs, kwargs, self._mask)
        self._recorder.begin_pass(samples, mask)
        self._stack.begin_pass()
        self._inputs.open((inputs, kwargs))
        try:
            with self._mode:
                result = generated(self._forward(*inputs, **kwargs))
        except Exception as error:  # noqa: BLE001 - whatever a model may raise
            self.failure = failure_of(error, self._stack.names, self._relay)
            if any(looks_ours(one, self._stack.names) for one in (error, self._relay.error) if one):
                self.doubt = Doubt(error, inputs, kwargs)
            result = None
        finally:
            self._stack.running.clear()
            self._inputs.measure()
        output = self._answer.of(result)
        self._recorder.trails.clear()
        return output

    def _silent(self, left: Running, args: Any, result: Any) -> None:
        if observe_silent(self._recorder, left, args, result):
            self._stack.opened += 1

    def _root(self) -> Place:
        return Place("", printable(self._modules[""].class_name), own_name=False)

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
        return with_bounds(self.model, sites, aligned, self._relay.layers, self._exposed())

    def _aligned(self) -> set[str]:
        return {site.name for site in self._recorder.sites if site.aligned}

    def _exposed(self) -> set[str]:
        return {site.name for site in self._recorder.sites if site.exposed}

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
        if self._inputs.padding.masked:
            notes.append(self._inputs.padding.note)
        return coverage(self._observer, self._modules, self._weights, notes, self.failure)

    def state(self, sites: tuple[Site, ...]) -> dict[str, Any]:
        """What merges with a capture of other samples, as plain values and tensors.

        ``sites`` are those of :meth:`sites`.
        """
        seen = parameters_seen(self._observer, self._modules, self._weights)
        return {
            "sites": self._recorder.state(),
            "padding": self._inputs.padding.state(),
            "parameters": {name: list(one) for name, one in seen.items()},
            "answer": self._answer.note,
            "aligned": sorted(self._aligned()),
            "reach": terms(self.model, sites, self._aligned(), self._relay.layers, self._exposed()),
            "width_changes": self._recorder.width_changes,
        }

    def padding(self) -> Padding | None:
        """How much of the token ids that were read is padding."""
        return self._inputs.padding.to_record()

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
