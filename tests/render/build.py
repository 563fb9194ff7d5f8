"""Reports written by hand, from a healthy one to a hostile one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from actdiag.records import (
    Cause,
    CauseVerdict,
    Confidence,
    Coverage,
    DataInfo,
    Diagnosis,
    Failure,
    Finding,
    ModelInfo,
    Outcome,
    OutputStats,
    Report,
    ReportVerdict,
    Role,
    Scan,
    Severity,
    Site,
    SiteStats,
    Skip,
    StepOutcome,
    Timings,
    ToolInfo,
    UnitStats,
)

TOOL = ToolInfo("actdiag", "0.1.0")
MODEL = ModelInfo(
    path="sample_models/dead_relu.pt",
    format="pickled-module",
    class_name="Sequential",
    sha256="9f" * 32,
    parameters=12_874,
    trainable_parameters=12_874,
    dtype="float32",
)
DATA = DataInfo(
    source="sample_models/digits.npz",
    samples=1797,
    batches=29,
    labels=1797,
    sample_shape=(64,),
)
SKIPPED = (
    Skip("GRD501", "gradients", "gradients were not asked for (--gradients)"),
    Skip("GRD502", "gradients", "gradients were not asked for (--gradients)"),
    Skip("OUT211", "train-data", "no training data were given (--train-data)"),
    Skip("ATT301", "attention", "the model has no attention"),
)


def site(name: str, function: str | None, role: Role, units: int | None, **stats: Any) -> Site:
    shape = (64, units) if units else (64,)
    measured: dict[str, Any] = {
        "elements": 1797 * (units or 1),
        "observations": 1797,
        "mean": 0.4213,
        "std": 0.8127,
        "min": -2.0,
        "max": 6.1,
        "zero_fraction": 0.0,
    }
    return Site(
        name=name,
        module=name.partition("/")[0],
        module_class="ReLU" if function == "relu" else "Linear",
        function=function,
        role=role,
        call=1,
        source="train.py:12",
        shape=shape,
        unit_axis=1 if units else None,
        units=units,
        dtype="float32",
        stats=SiteStats(**(measured | stats)),
        is_final=role is Role.OUTPUT,
    )


def finding(code: str, name: str, severity: Severity, where: str | None, **more: Any) -> Finding:
    fields: dict[str, Any] = {
        "confidence": Confidence.HIGH,
        "module": where,
        "source": "train.py:12",
        "message": "something was measured",
        "fingerprint": f"{code}:{where}",
    }
    return Finding(code=code, name=name, severity=severity, site=where, **(fields | more))


def scan(sites: tuple[Site, ...], **more: Any) -> Scan:
    seen = Coverage(sites=len(sites), modules=len(sites))
    fields: dict[str, Any] = {"tool": TOOL, "model": MODEL, "data": DATA, "coverage": seen}
    return Scan(sites=sites, **(fields | more))


def healthy() -> Report:
    sites = (
        site("0", None, Role.LINEAR, 48),
        site("1", "relu", Role.ACTIVATION, 48, zero_fraction=0.612, dead_units=1, mean=0.81),
        site("2", None, Role.OUTPUT, 10, mean=-1.27, std=4.04),
    )
    output = OutputStats(
        kind="logits",
        classes=10,
        predictions=1797,
        accuracy=0.9783,
        majority=0.1018,
        mean_confidence=0.9651,
        ece=0.0132,
        nll=0.0834,
    )
    model = replace(MODEL, path="sample_models/healthy_mlp.pt")
    return Report(
        scan=scan(sites, model=model, output=output),
        skipped=SKIPPED,
        verdict=ReportVerdict.HEALTHY,
        timings=Timings(0.1, 0.2, 0.4),
    )


def sick() -> Report:
    sites = (
        site("0", None, Role.LINEAR, 64, mean=-211.4, std=180.2),
        site("1", "relu", Role.ACTIVATION, 64, zero_fraction=0.9231, dead_units=41, mean=3.21),
        site("2", None, Role.LINEAR, 64, mean=-0.0331, std=0.0004),
        site("3", "relu", Role.ACTIVATION, 64, zero_fraction=0.9996, dead_units=62, mean=2e-5),
        site("4", "tanh", Role.ACTIVATION, 64, saturated_fraction=0.31),
        site("5", None, Role.OUTPUT, 10, mean=-0.91, std=3.1e-7),
    )
    dead = finding(
        "ACT101",
        "dead-relu",
        Severity.ERROR,
        "3",
        message="62 of 64 units (97 %) were never above 0 over 1,797 samples; with 95 % confidence "
        "they fire on less than 0.17 % of such samples. They sit 31 below zero on average.",
        remedy="Standardise the inputs, or use a Leaky ReLU and a lower learning rate.",
    )
    also = replace(dead, site="1", module="1", fingerprint="ACT101:1", source="train.py:11")
    also = replace(also, message="41 of 64 units (64 %) were never above 0 over 1,797 samples.")
    same = finding(
        "ACT106",
        "input-independent",
        Severity.ERROR,
        "5",
        message="The layer gives the same output for every sample.",
        follows_from=("ACT101:3",),
    )
    raw = finding(
        "DAT701",
        "input-scale",
        Severity.WARNING,
        None,
        confidence=Confidence.MEDIUM,
        message="The inputs reach from 0 to 255 with a mean of 77.9.",
        remedy="Standardise the inputs: subtract the mean, divide by the standard deviation.",
    )
    seen = Coverage(
        sites=6,
        modules=8,
        modules_not_called=("auxiliary.head", "auxiliary.relu"),
        functions_not_captured=("my_ops::swish",),
    )
    return Report(
        scan=scan(sites, coverage=seen, output=_sick_output()),
        findings=(raw, also, dead, same),
        diagnoses=(_same_answer(), _not_learning()),
        skipped=SKIPPED,
        verdict=ReportVerdict.FINDINGS,
    )


def _sick_output() -> OutputStats:
    return OutputStats(
        kind="logits", classes=10, accuracy=0.1018, majority=0.1018, mean_confidence=0.118, nll=2.31
    )


def _same_answer() -> Diagnosis:
    return Diagnosis(
        symptom="outputs-all-same",
        title="Model outputs all the same value",
        statement="the model answers class 3 whatever the input, because 97 % of the ReLUs in "
        "layer 3 are dead.",
        causes=(
            Cause("dead ReLUs", CauseVerdict.CONFIRMED, "62 of 64 units of layer 3 never fire."),
            Cause("bad initialisation", CauseVerdict.RULED_OUT, "He ratios from 0.8 to 1.9."),
            Cause("saturated activations", CauseVerdict.UNKNOWN, "No bounded function is used."),
        ),
        steps=(
            StepOutcome(
                "check-statistics",
                "check activation statistics (mean, std, % zeros)",
                Outcome.DONE,
                "Layer 3 is 99.96 % zeros, mean 2.0e-5.",
            ),
            StepOutcome(
                "try-leaky-relu",
                "try Leaky ReLU instead of ReLU",
                Outcome.HELPS,
                "On a copy the answers differ again: 7 of 10 classes are predicted.",
            ),
            StepOutcome(
                "reduce-learning-rate",
                "reduce the learning rate if activations are exploding",
                Outcome.NEEDS_INPUT,
                "The checkpoint holds no optimizer state.",
            ),
        ),
        where="3",
        source="train.py:12",
        advice="Standardise the inputs and train again; then put LeakyReLU in layer 3.",
        findings=("ACT101:1", "ACT101:3"),
    )


def _not_learning() -> Diagnosis:
    return Diagnosis(
        symptom="not-learning",
        title="Model isn't learning",
        statement="accuracy is 10.2 %, as much as always answering the most frequent class.",
        causes=(Cause("dead ReLUs", CauseVerdict.CONFIRMED, "as above."),),
    )


def broken_off() -> Report:
    failure = Failure(
        module="encoder.layers.2.linear1",
        source="model.py:88",
        exception="RuntimeError",
        message="mat1 and mat2 shapes cannot be multiplied (64x48 and 64x10)",
    )
    seen = Coverage(sites=1, modules=3, modules_not_called=("2",), failure=failure)
    sites = (site("0", None, Role.LINEAR, 48),)
    return Report(scan=scan(sites, coverage=seen), skipped=SKIPPED)


def synthetic() -> Report:
    data = DataInfo(source="standard normal", synthetic=True, samples=64, batches=1)
    return replace(healthy(), scan=replace(healthy().scan, data=data, output=None))


def long() -> Report:
    """A hundred layers, one of them sick, and ten findings of one rule."""
    sites = tuple(
        site(
            f"encoder.layers.{index}.feed_forward.activation",
            "gelu",
            Role.ACTIVATION,
            3072,
            zero_fraction=index / 200,
        )
        for index in range(100)
    )
    found = tuple(
        finding("ACT102", "dormant-units", Severity.INFO, sites[index].name)
        for index in range(40, 50)
    )
    return Report(scan=scan(sites), findings=found, verdict=ReportVerdict.HEALTHY)


HOSTILE = (
    "[bold red]evil[/bold red]\x1b[31m\x1b]0;owned\x07",
    "::error file=x::pwned\r\n\x9b2J",
    "<script>alert(1)</script>\u202egnp.exe\u2066",
    "层" * 60 + ":warning:" + "\ud800",
    "a" * 300,
)


def hostile() -> Report:
    sites = tuple(
        replace(site(name, name, Role.ACTIVATION, 8), source=f"{name}:1") for name in HOSTILE
    )
    found = tuple(
        finding(
            "ACT101",
            "dead-relu",
            Severity.ERROR,
            name,
            source=f"{name}:1",
            message=f"{name} is {float('nan')}",
            remedy=name,
            measured={name: float("nan"), "most": float("inf")},
        )
        for name in HOSTILE
    )
    evil = " ".join(HOSTILE[:3])
    seen = Coverage(5, 5, HOSTILE, HOSTILE, evil, Failure(evil, evil, evil, evil))
    return Report(
        scan=scan(
            tuple(replace(s, per_unit=_per_unit()) for s in sites),
            coverage=seen,
            model=replace(MODEL, path=evil, class_name=evil, notes=(evil,), training={evil: evil}),
            data=replace(DATA, source=evil, notes=(evil,)),
        ),
        findings=found,
        diagnoses=(
            Diagnosis(
                symptom=evil,
                title=evil,
                statement=evil,
                causes=(Cause(evil, CauseVerdict.UNKNOWN, evil),),
                steps=(StepOutcome(evil, evil, Outcome.DONE, evil),),
                where=evil,
                source=evil,
                advice=evil,
                findings=(found[0].fingerprint,),
            ),
        ),
        skipped=(Skip(evil, evil, evil),),
        verdict=ReportVerdict.FINDINGS,
    )


def _per_unit() -> UnitStats:
    nan = float("nan")
    return UnitStats((1,), (nan,), (nan,), (nan,), (nan,), (nan,), (0,), (0,), (1,))


ALL = {
    "healthy": healthy,
    "sick": sick,
    "broken_off": broken_off,
    "synthetic": synthetic,
    "long": long,
    "hostile": hostile,
}
