"""Trials to render: one that found a remedy, one that found nothing, one with a hostile name."""

from dataclasses import replace

from actdiag.records import (
    DataInfo,
    ModelInfo,
    RemedyTrial,
    ToolInfo,
    Trial,
    TrialArm,
    TrialRecipe,
    TrialVerdict,
)


def arm(start, losses):
    return TrialArm(
        start=start,
        losses=losses,
        scores=tuple(0.0 if loss is None else 1 / (1 + loss) for loss in losses),
        accuracies=(0.5, 0.75),
        curve_steps=(0, 10, 20),
        curves=tuple((2.0, 1.0, loss) for loss in losses),
        curve_losses=((None, 1.5, 1.0), (None, 1.5, 1.0)),
    )


def helped():
    recipe = TrialRecipe(
        "cross-entropy", "NLL", "adam", 1e-3, 0.0, 0.0, 64, 300, 2, 300, 200, "Halves.", "default"
    )
    trials = (
        RemedyTrial(
            "gelu",
            "Use GELU in the hidden layers",
            TrialVerdict.HELPS,
            change="GELU in place of 4 modules",
            suggested_by=("vanishing-gradients", "ACT104"),
            effect=0.25,
            low=0.2,
            high=0.3,
            treated=arm("fresh", (0.4, 0.5)),
            control=arm("fresh", (2.0, None)),
        ),
        RemedyTrial(
            "residual",
            "Lead residual paths around the hidden layers",
            TrialVerdict.HELPS,
            change="residual paths around 4 layers",
            effect=0.15,
            treated=arm("fresh", (0.6, 0.7)),
            control=arm("fresh", (2.0, 2.2)),
            unsaveable="torch.nn has no residual block",
        ),
        RemedyTrial(
            "dropout",
            "Add dropout",
            TrialVerdict.NOT_APPLICABLE,
            reason="The model has dropout: 3.",
        ),
    )
    return Trial(
        ToolInfo(version="1.0"),
        ModelInfo("net.pt", "pickled-module", "Sequential", parameters=1234),
        DataInfo("data.npz", samples=500),
        recipe,
        trials,
        answer="Use GELU in the hidden layers and train again from fresh weights: NLL 2 → 0.45.",
        first="gelu",
        as_is=arm("as-is", (2.1, 2.2)),
        notes=("A note.",),
        seconds=1.5,
    )


def saved():
    return replace(helped(), saved="better.pt", saved_remedy="gelu")


def hostile():
    name = "::warning::x\x1b[31m[bold]b[/bold]\u202e"
    trials = tuple(replace(item, change=name, reason=name) for item in helped().trials)
    return replace(
        helped(),
        model=ModelInfo(name, "pickled-module", name),
        data=DataInfo(name),
        trials=trials,
        notes=(name,),
        answer=name,
    )


ALL = {"helped": helped, "saved": saved, "hostile": hostile}
