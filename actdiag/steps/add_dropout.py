"""Debug step: add dropout before the final layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from actdiag.records import Outcome, Site
from actdiag.rules.harm import fails
from actdiag.steps.base import Case, Result, Step, not_applicable
from actdiag.steps.depth import final_layer, number, percent

if TYPE_CHECKING:
    from torch import Tensor, nn

    from actdiag.records import OutputStats
    from actdiag.steps.bench import Bench

_RATE = 0.5  # our choice: the rate at which Srivastava et al. 2014 found hidden layers do best
_PASSES = 20  # our choice: the mean over 20 passes moves confidence by less than 0.01
_CLEAR = 0.02  # our choice: a smaller change of the calibration error is within its noise


def carry_out(case: Case) -> Result:
    """Say where the model has dropout; drop inputs of the final layer of a copy, many times.

    That is Monte-Carlo dropout (Gal and Ghahramani 2016): the mean of the passes' probabilities,
    and how often a pass gives the same class as the whole network.
    """
    output = case.scan.output
    if output is None or output.classes is None:
        return not_applicable("The model gives no distribution over classes.")
    have = [item for item in case.scan.modules if "Dropout" in item.class_name]
    rates = {item.name: item.settings.get("p") for item in have}
    active = {name: rate for name, rate in rates.items() if rate}
    final = final_layer(case.scan)
    measured: dict[str, Any] = {"dropout": rates, "final_layer": final.name if final else None}
    if active:
        told = ", ".join(f"{name} (p = {rate})" for name, rate in list(active.items())[:4])
        text = f"The model has dropout: {told}."
    else:
        where = f"; it would go before {final.name}" if final is not None else ""
        text = f"The model has no dropout{where}."
    bench = case.bench
    if final is None or bench is None or not bench.batches or output.kind != "logits":
        return Result(Outcome.DONE, text, measured)
    helps = not active and not fails(case.scan)  # at chance, less confidence mends nothing
    return _with_copy(bench, final, text, measured, helps=helps)


def _with_copy(
    bench: Bench, final: Site, text: str, measured: dict[str, Any], *, helps: bool
) -> Result:
    from actdiag.measure import answers
    from actdiag.steps.bench import seeded

    copy = bench.copy()
    plain = answers(copy, bench.batches)
    dropping = Dropping(copy, copy.get_submodule(final.module))
    with seeded(0):
        dropped = answers(copy, bench.batches, dropping)
    if plain is None or dropped is None or dropped.mean_confidence is None:
        return Result(Outcome.DONE, text, measured)
    measured |= {
        "rate": _RATE,
        "passes": _PASSES,
        "mean_confidence": [plain.mean_confidence, dropped.mean_confidence],
        "accuracy": [plain.accuracy, dropped.accuracy],
        "ece": [plain.ece, dropped.ece],
        "agreement": dropping.agreement,
    }
    text += (
        f" On a copy, dropout of {_RATE} before {final.name} (mean of {_PASSES} passes): "
        f"{_change(plain, dropped)}; {percent(dropping.agreement)} of the passes agree with the "
        "whole network."
    )
    if not helps or plain.ece is None or dropped.ece is None:
        return Result(Outcome.DONE, text, measured)
    better = plain.ece - dropped.ece > _CLEAR
    return Result(Outcome.HELPS if better else Outcome.NO_EFFECT, text, measured)


def _change(plain: OutputStats, dropped: OutputStats) -> str:
    told = f"confidence {percent(plain.mean_confidence)} → {percent(dropped.mean_confidence)}"
    if plain.accuracy is not None:
        told += f", accuracy {percent(plain.accuracy)} → {percent(dropped.accuracy)}"
        told += f", ECE {number(plain.ece)} → {number(dropped.ece)}"
    return told


@dataclass
class Dropping:
    """The model's log of the mean probabilities over passes with dropout before ``layer``."""

    model: nn.Module
    layer: nn.Module
    agreed: int = 0
    asked: int = 0

    @property
    def agreement(self) -> float | None:
        """Share of the answers of single passes whose class is that without dropout."""
        return self.agreed / self.asked if self.asked else None

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor | None:
        """Run the model without dropout and 20 times with it."""
        import torch

        from actdiag.capture.containers import primary_output
        from actdiag.stats.kinds import class_axis

        whole = primary_output(self.model(*args, **kwargs))
        handle = self.layer.register_forward_pre_hook(_drop)
        try:
            passes = [primary_output(self.model(*args, **kwargs)) for _ in range(_PASSES)]
        finally:
            handle.remove()
        if whole is None:
            return None
        axis = class_axis(whole, None, "logits") or -1
        known = [answer for answer in passes if answer is not None]
        for answer in known:
            same = answer.argmax(axis) == whole.argmax(axis)
            self.agreed, self.asked = self.agreed + int(same.sum()), self.asked + same.numel()
        return torch.stack([answer.softmax(axis) for answer in known]).mean(0).log()


def _drop(_module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
    from torch.nn import functional as F

    return (F.dropout(args[0], _RATE, training=True), *args[1:])


STEP = Step("add-dropout", "Add dropout before the final layer", carry_out, works_on_copy=True)
