"""Debug step: add dropout before the final layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actdiag.records import Outcome, Site
from actdiag.steps.base import Case, Result, Step, not_applicable
from actdiag.steps.depth import number, percent

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from actdiag.records import OutputStats
    from actdiag.steps.bench import Bench

_RATE = 0.5  # our choice: the rate at which Srivastava et al. 2014 found hidden layers do best
_PASSES = 20  # our choice: the mean over 20 passes moves confidence by less than 0.01
_CLEAR = 0.02  # our choice: a smaller change of the calibration error is within its noise


def carry_out(case: Case) -> Result:
    """Say where the model has dropout; drop inputs of the final layer of a copy, many times."""
    if case.scan.output is None or case.scan.output.classes is None:
        return not_applicable("The model gives no distribution over classes.")
    have = [item for item in case.scan.modules if "Dropout" in item.class_name]
    rates = {item.name: item.settings.get("p") for item in have}
    active = {name: rate for name, rate in rates.items() if rate}
    final = _final_layer(case)
    measured: dict[str, Any] = {"dropout": rates, "final_layer": final.name if final else None}
    if active:
        told = ", ".join(f"{name} (p = {rate})" for name, rate in list(active.items())[:4])
        return Result(Outcome.DONE, f"The model has dropout: {told}.", measured)
    if final is None:
        return Result(Outcome.DONE, "The model has no dropout.", measured)
    text = f"The model has no dropout; it would go before {final.name}."
    if case.bench is None or not case.bench.batches or case.scan.output.kind != "logits":
        return Result(Outcome.DONE, text, measured)
    return _with_copy(case.bench, final, text, measured)


def _final_layer(case: Case) -> Site | None:
    linear = [site for site in case.scan.sites if site.role in ("linear", "conv") and site.module]
    return linear[-1] if linear else None


def _with_copy(bench: Bench, final: Site, text: str, measured: dict[str, Any]) -> Result:
    from actdiag.measure import answers
    from actdiag.steps.bench import seeded

    copy = bench.copy()
    plain = answers(copy, bench.batches)
    layer = copy.get_submodule(final.module)
    with seeded(0):
        dropped = answers(copy, bench.batches, _averaged(copy, layer))
    if plain is None or dropped is None or dropped.mean_confidence is None:
        return Result(Outcome.DONE, text, measured)
    measured |= {
        "rate": _RATE,
        "passes": _PASSES,
        "mean_confidence": [plain.mean_confidence, dropped.mean_confidence],
        "accuracy": [plain.accuracy, dropped.accuracy],
        "ece": [plain.ece, dropped.ece],
    }
    text += f" On a copy (p = {_RATE}, mean of {_PASSES} passes): {_change(plain, dropped)}."
    if plain.ece is None or dropped.ece is None:
        return Result(Outcome.DONE, text, measured)
    helps = plain.ece - dropped.ece > _CLEAR
    return Result(Outcome.HELPS if helps else Outcome.NO_EFFECT, text, measured)


def _change(plain: OutputStats, dropped: OutputStats) -> str:
    told = f"confidence {percent(plain.mean_confidence)} → {percent(dropped.mean_confidence)}"
    if plain.accuracy is not None:
        told += f", accuracy {percent(plain.accuracy)} → {percent(dropped.accuracy)}"
        told += f", ECE {number(plain.ece)} → {number(dropped.ece)}"
    return told


def _averaged(model: nn.Module, layer: nn.Module) -> Callable[..., Tensor | None]:
    """The model's log of the mean probabilities over passes with dropout before ``layer``."""
    import torch
    from torch.nn import functional as F

    from actdiag.capture.containers import primary_output

    def drop(_module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        return (F.dropout(args[0], _RATE, training=True), *args[1:])

    def forward(*args: Any, **kwargs: Any) -> Tensor | None:
        handle = layer.register_forward_pre_hook(drop)
        try:
            answers = [primary_output(model(*args, **kwargs)) for _ in range(_PASSES)]
        finally:
            handle.remove()
        known = [answer for answer in answers if answer is not None]
        if not known:
            return None
        return torch.stack([answer.log_softmax(-1).exp() for answer in known]).mean(0).log()

    return forward


STEP = Step("add-dropout", "Add dropout before the final layer", carry_out, works_on_copy=True)
