"""Carries out trials: an arm with the remedy and a control without it, seed by seed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch

from actdiag.errors import ActdiagError, ModelFileError
from actdiag.records import RemedyTrial, TrialArm, TrialVerdict
from actdiag.remedies.base import Arm, NotApplicableError, Settings, Start, Subject
from actdiag.remedies.comparing import MOST_SEEDS, doubtful, effect_of, verdict_of
from actdiag.remedies.fresh import redraw
from actdiag.remedies.pool import split
from actdiag.remedies.training import Clock, OutOfTimeError, Trained, train
from actdiag.steps.bench import seeded
from actdiag.text import printable

if TYPE_CHECKING:
    from torch import nn

    from actdiag.feed import Batch
    from actdiag.remedies.base import Remedy
    from actdiag.remedies.objective import Objective

Progress = Callable[[int, int | None, str], None]


@dataclass
class Engine:
    """Trains copies of one model.

    Attributes:
        module: the model, never changed.
        data: every sample of the data.
        train: those of the training data, if that was given: it trains, and the data judges.
        seed: the first of the seeds.
        keep: keep the treated model of the first seed of every remedy, to be saved.
        treated: those, by the remedy's name.
    """

    module: nn.Module
    subject: Subject
    settings: Settings
    objective: Objective
    data: Batch
    train: Batch | None
    seed: int
    seeds: int
    clock: Clock
    progress: Progress
    keep: bool = False
    treated: dict[str, Arm] = field(default_factory=dict)
    _controls: dict[Start, list[Trained]] = field(default_factory=dict)

    def parts(self, start: Start, seed: int) -> tuple[Batch, Batch]:
        """The samples that train (or fit) an arm, and those that judge it."""
        if start is Start.AS_IS:
            return split(self.data, seed, 0.5)
        return split(self.data, seed) if self.train is None else (self.train, self.data)

    def arm(self, start: Start, seed: int) -> Arm:
        """A copy of the model, ready to be changed and trained."""
        module = copied(self.module)
        if start is Start.FRESH:
            redraw(module, seed)
        samples, _ = self.parts(start, seed)
        return Arm(module, self.settings, samples, seed, trained=start is not Start.AS_IS)

    def as_is(self) -> TrialArm:
        """The model untrained, judged on the samples that judge the trained ones."""
        found = []
        for seed in range(self.seed, self.seed + self.seeds):
            arm = self.arm(Start.KEPT, seed)
            arm.trained = False
            found.append(self._trained(arm, self.parts(Start.KEPT, seed)[1], "judging"))
        return _told(Start.AS_IS, found)

    def run_for_pace(self) -> None:
        """Train a copy for as many steps as the settings say, for their time alone."""
        arm = self.arm(Start.KEPT, self.seed)
        self._trained(arm, self.parts(Start.KEPT, self.seed)[1], "measuring the pace")

    def carry_out(self, remedy: Remedy) -> RemedyTrial:
        """Train with the remedy and without it, and compare.

        Raises:
            ActdiagError: even the control cannot be trained.
        """
        start, found = remedy.start(self.subject), list[Trained]()
        trial = RemedyTrial(
            remedy.name,
            remedy.title,
            TrialVerdict.NOT_TRIED,
            reason="The time budget was used up before it ended.",
            suggested_by=remedy.called_for_by(self.subject),
        )
        try:
            change = self._first_try(remedy, start)
            trial = self._compared(replace(trial, change=change), remedy, found, self.seeds)
            if doubtful(trial):
                trial = self._compared(trial, remedy, found, min(2 * self.seeds, MOST_SEEDS))
        except NotApplicableError as error:
            return replace(trial, verdict=TrialVerdict.NOT_APPLICABLE, reason=str(error))
        except OutOfTimeError:
            return trial
        return trial

    def _compared(
        self, trial: RemedyTrial, remedy: Remedy, found: list[Trained], seeds: int
    ) -> RemedyTrial:
        """The trial with as many seeds; ``found`` holds the treated arms that there are."""
        start, other = remedy.start(self.subject), remedy.control(self.subject)
        self._train_controls(other, seeds)
        self._train_treated(remedy, start, found, seeds)
        treated, control = _told(start, found), _told(other, self._controls[other][:seeds])
        effect, low, high = effect_of(treated.scores, control.scores)
        change, arm = trial.change, self.treated[remedy.name]
        if start is Start.AS_IS and "T = " not in change:
            change += f" (T = {arm.temperature:.3g})"
        return replace(
            trial,
            verdict=verdict_of(effect, low, high),
            change=change,
            reason="",
            effect=effect,
            low=low,
            high=high,
            treated=treated,
            control=control,
            unsaveable=arm.unsaveable,
        )

    def _first_try(self, remedy: Remedy, start: Start) -> str:
        """Apply it to a copy and run that once, so that what cannot be is found before training."""
        arm = self.arm(start, self.seed)
        with seeded(self.seed):
            change = remedy.apply(arm, self.subject)
            rows = arm.prepared(arm.samples.rows(torch.arange(min(8, arm.samples.samples))))
            arm.module.eval()
            try:
                with torch.no_grad():
                    arm(rows)
            except (NotApplicableError, ActdiagError):
                raise
            except Exception as error:
                said = printable(f"{type(error).__name__}: {error}")
                raise NotApplicableError(f"The changed copy does not run: {said}") from error
        return change

    def _train_controls(self, start: Start, seeds: int) -> None:
        found = self._controls.setdefault(start, [])
        for seed in range(self.seed + len(found), self.seed + seeds):
            arm, judged = self.arm(start, seed), self.parts(start, seed)[1]
            try:
                found.append(self._trained(arm, judged, f"control ({start})"))
            except (OutOfTimeError, ActdiagError):
                raise
            except Exception as error:
                said = printable(f"{type(error).__name__}: {error}")
                raise ModelFileError(
                    f"the model cannot be trained: {said}",
                    hint="Give the Python class of the model, with --model FILE.py:NAME.",
                ) from error

    def _train_treated(
        self, remedy: Remedy, start: Start, found: list[Trained], seeds: int
    ) -> None:
        for seed in range(self.seed + len(found), self.seed + seeds):
            arm, judged = self.arm(start, seed), self.parts(start, seed)[1]
            remedy.apply(arm, self.subject)
            try:
                found.append(self._trained(arm, judged, remedy.name))
            except (NotApplicableError, OutOfTimeError, ActdiagError):
                raise
            except Exception as error:
                said = printable(f"{type(error).__name__}: {error}")
                raise NotApplicableError(f"The changed copy cannot be trained: {said}") from error
            if seed == self.seed:
                arm.module = arm.module if self.keep else self.module  # lets go of the copy
                self.treated[remedy.name] = arm

    def _trained(self, arm: Arm, judged: Batch, phase: str) -> Trained:
        done = 0

        def tick() -> None:
            nonlocal done
            done += 1
            self.progress(done, arm.settings.steps, phase)

        with seeded(arm.seed):
            return train(arm, judged, self.objective, clock=self.clock, tick=tick)


def copied(module: nn.Module) -> nn.Module:
    """A deep copy, whose parameters can be trained.

    Raises:
        ModelFileError: the model cannot be copied.
    """
    try:
        return copy.deepcopy(module)
    except Exception as error:
        said = printable(f"{type(error).__name__}: {error}")
        raise ModelFileError(
            f"the model cannot be copied, and only a copy is ever trained: {said}",
            hint="Give a file of the model, or detach the tensors that it holds.",
        ) from error


def _told(start: Start, found: list[Trained]) -> TrialArm:
    accuracies = [item.judged.accuracy for item in found]
    return TrialArm(
        start=str(start),
        losses=tuple(item.judged.loss for item in found),
        scores=tuple(item.judged.score for item in found),
        accuracies=tuple(value for value in accuracies if value is not None),
        curve_steps=tuple(found[0].steps),
        curves=tuple(tuple(item.held_out) for item in found),
        curve_losses=tuple(tuple(item.training) for item in found),
    )
