"""Remedies that were tried: the answer, how it was trained, a verdict and curves for each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from actdiag.records import TrialVerdict
from actdiag.render._terminal.page import BAD, GOOD, STRONG, Page
from actdiag.render._words import cause_name, count, number, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType
    from rich.text import Text

    from actdiag.records import RemedyTrial, Trial, TrialArm

_WORDS = {
    TrialVerdict.HELPS: ("✓", "helps", GOOD),
    TrialVerdict.NO_EFFECT: ("–", "no effect", STRONG),
    TrialVerdict.WORSE: ("✗", "worse", BAD),
    TrialVerdict.NOT_APPLICABLE: ("–", "not applicable", ""),
    TrialVerdict.NOT_TRIED: ("–", "not tried", ""),
}
_STARTS = {
    "fresh": "from fresh weights",
    "kept": "from its own weights",
    "as-is": "untrained",
}
_BARS, _ASCII_BARS = "▁▂▃▄▅▆▇█", "_.-=+*#@"
_WORST = 1e300


def opening(trial: Trial, page: Page) -> Iterator[RenderableType]:
    """Yield the answer, and what was trained on what."""
    yield page.text((trial.answer, STRONG))
    yield page.text()
    yield page.rows(list(_facts(trial, page)))


def _facts(trial: Trial, page: Page) -> Iterator[tuple[Text, Text]]:
    recipe, model = trial.recipe, trial.model
    name = f" ({model.path})" if model.path else ""
    parameters = count(model.parameters, "parameter")
    yield page.text("model"), page.text(f"{model.class_name}{name}, {parameters}")
    yield page.text("data"), page.text(f"{trial.data.source}: {_samples(trial)}. {recipe.split}")
    extra = f", weight decay {number(recipe.weight_decay)}" if recipe.weight_decay else ""
    extra += f", momentum {number(recipe.momentum)}" if recipe.momentum else ""
    told = "the default" if recipe.told_by == "default" else f"by {recipe.told_by}"
    yield (
        page.text("trained"),
        page.text(
            f"{recipe.loss}, {recipe.optimizer} at {number(recipe.lr)} ({told}){extra}, "
            f"{count(recipe.steps, 'step')} of {recipe.batch_size}, {count(recipe.seeds, 'seed')}; "
            "each arm judged at its best point"
        ),
    )
    if trial.as_is is not None:
        yield page.text("as it is"), page.text(f"{recipe.metric} {_shown(trial.as_is)}")
    if trial.saved:
        said = f"{trial.saved}, the copy treated with {trial.saved_remedy}"
        yield page.text("saved"), page.text(said)


def _samples(trial: Trial) -> str:
    recipe = trial.recipe
    return f"{recipe.train_samples:,} samples train, {recipe.judged_samples:,} judge"


def verdicts(trial: Trial, page: Page) -> Iterator[RenderableType]:
    """Yield what came of each remedy that was trained, the best first."""
    done = [item for item in trial.trials if item.effect is not None]
    if done:
        yield page.heading("REMEDIES, THE BEST FIRST")
    for item in done:
        mark, word, style = _WORDS[item.verdict]
        head = page.text((mark, style), " ", (item.remedy, STRONG), ": ", (word, style))
        yield page.rows([(head,)])
        yield page.rows(list(_told(item, trial, page)), indent=4)


def _told(item: RemedyTrial, trial: Trial, page: Page) -> Iterator[tuple[Text, Text]]:
    yield page.text("change"), page.text(item.change)
    if item.suggested_by:
        reasons = ", ".join(map(cause_name, item.suggested_by))
        yield page.text("against"), page.text(reasons)
    low = min(_curves(item), default=1.0)
    high = max(_curves(item), default=1.0)
    for word, arm in (("with", item.treated), ("without", item.control)):
        if arm is None:
            continue
        bars = "".join(_bar(value, low, high, page) for value in _mean_curve(arm))
        said = f"{trial.recipe.metric} {_shown(arm)}, {_STARTS.get(arm.start, arm.start)}"
        yield page.text(word), page.text(f"{bars} {said}".strip())
    yield page.text("effect"), page.text(_effect(item, trial.recipe.metric))


def _effect(item: RemedyTrial, metric: str) -> str:
    score = "exp(−NLL)" if metric == "NLL" else "1/(1 + MSE/variance)"
    told = f"{score} {_signed(item.effect)}"
    if item.low is None or item.high is None:
        return f"{told}; one seed shows no spread"
    seeds = len(item.treated.scores) if item.treated else 0
    return f"{told}: {_signed(item.low)} to {_signed(item.high)} over {seeds} seeds (90 %)"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}".replace("-", "−")


def _shown(arm: TrialArm) -> str:
    known = [loss for loss in arm.losses if loss is not None]
    loss = number(_mean(known)) if known and len(known) == len(arm.losses) else "NaN or infinite"
    return f"{loss} ({percent(_mean(arm.accuracies))} right)" if arm.accuracies else loss


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _mean_curve(arm: TrialArm) -> list[float]:
    """Mean over seeds of the held-out loss, point by point; one that is not finite is the worst."""
    return [
        _mean([_WORST if value is None else value for value in point])
        for point in zip(*arm.curves, strict=False)
    ]


def _curves(item: RemedyTrial) -> list[float]:
    arms = [arm for arm in (item.treated, item.control) if arm is not None]
    return [value for arm in arms for value in _mean_curve(arm) if value < _WORST / 1e3]


def _bar(value: float, low: float, high: float, page: Page) -> str:
    """One point of a curve, its height by the logarithm of the loss."""
    bars = _BARS if page.unicode else _ASCII_BARS
    if value > high or high <= low or low <= 0:
        return bars[-1] if value > low else bars[0]
    share = math.log(value / low) / math.log(high / low)
    return bars[round(share * (len(bars) - 1))]


def untried(trial: Trial, page: Page) -> Iterator[RenderableType]:
    """Yield the remedies that were not trained, with the reason."""
    left = [item for item in trial.trials if item.effect is None]
    if left:
        yield page.heading("NOT TRAINED")
        yield page.rows(
            [
                (
                    page.text((item.remedy, STRONG)),
                    page.text(_WORDS[item.verdict][1]),
                    page.text(item.reason),
                )
                for item in left
            ]
        )


def notes(trial: Trial, page: Page) -> Iterator[RenderableType]:
    """Yield the notes, and which treated models cannot be saved."""
    helping = [item for item in trial.trials if item.verdict is TrialVerdict.HELPS]
    told = [
        f"{item.remedy} cannot be saved: {item.unsaveable}."
        for item in helping
        if (item.unsaveable)
    ]
    if trial.notes or told:
        yield page.heading("NOTES")
        yield page.rows([(page.text("–"), page.text(note)) for note in (*trial.notes, *told)])
