"""The messages of the rules on how a model ends and what it is built of."""

from __future__ import annotations

from typing import Any

from actdiag.records import ModuleInfo, Role, Scan
from tests.rules.build import act, classifier, data_in, linear, scan, site, units, weight


def softmax(name: str, *inputs: str, **changes: Any) -> Any:
    return act(name, *inputs, function="softmax", verbatim=True, **changes)


SPREAD = {"0.25": -0.5, "0.5": 0.0, "0.75": 0.5}
VALUES: dict[str, Any] = {"kind": "values", "accuracy": None, "r2": 0.1, "scale": 1.0}

MESSAGES: dict[str, tuple[Scan, str]] = {
    "ACT102": (
        scan(
            data_in(),
            act("1", "input", per_unit=units(mean_abs=(0.01,) * 3 + (0.6,) * 7)),
            linear("2", "1"),
        ),
        (
            "3 of 10 units of '1' (ReLU) are dormant: their mean size is at most 2.5 % of the "
            "layer's, over 500 samples."
        ),
    ),
    "ACT110": (
        scan(linear("0", dtype="float16", max=40000.0), linear("1", "0", dtype="float16")),
        "'0' (Linear) reaches 40,000, where float16 ends at 65,504.",
    ),
    "ACT111": (
        scan(
            site("attention", Role.ATTENTION),
            linear("down", "attention", max=3200.0, quantiles=SPREAD),
            linear("head", "down"),
        ),
        ("'down' (Linear) reaches 3,200, 6,400 times the median size of its values (0.5)."),
    ),
    "ARC602": (
        scan(
            data_in(),
            *(act(f"{n}", f"{n - 1}" if n else "input", function="tanh") for n in range(3)),
            linear("3", "2"),
        ),
        "3 hidden layers use Tanh: '0', '1' and '2'. Each passes a part of the gradient only.",
    ),
    "ARC603": (
        scan(
            data_in(),
            site("attention", Role.ATTENTION, "input"),
            linear("up", "attention", units=40),
            act("relu", "up", units=40),
            linear("down", "relu"),
        ),
        (
            "1 feed-forward network of this Transformer uses ReLU, where GELU or a gated form is "
            "standard: 'relu'."
        ),
    ),
    "ARC604": (
        scan(
            act("out", function="tanh", is_final=True),
            output=classifier(kind="binary-logit", classes=2, accuracy=0.6, majority=0.5),
        ),
        (
            "The labels ask for yes or no, and the model ends in 'out' (Tanh): its values are no "
            "probabilities."
        ),
    ),
    "ARC605": (
        scan(
            linear("0"),
            act("1", "0"),
            softmax("2", "1", is_final=True),
            output=classifier(kind="probabilities", accuracy=0.4),
        ),
        "'2' (Softmax) is given what '1' (ReLU) left of the logits.",
    ),
    "ARC606": (
        scan(
            data_in(),
            modules=(ModuleInfo("0", "Linear", leaf=True, calls=1, parameters=100),),
            output=classifier(accuracy=0.7, mean_confidence=0.93, ece=0.23),
        ),
        (
            "Nothing regularises this model: it has no dropout and no norm, and the file tells of "
            "no weight decay."
        ),
    ),
    "DAT707": (
        scan(output=classifier(labels_foreign=43, label_min=1.0, label_max=10.0)),
        (
            "43 labels are no class of the output: labels run from 1 to 10, classes from 0 to 9. "
            "They look as if they were numbered from 1."
        ),
    ),
    "INI404": (
        scan(
            data_in(),
            linear("0", "input"),
            act(
                "1",
                "0",
                per_unit=units(
                    input_bound=(-30.0,) * 5 + (-12.5,) + (4.0,) * 4, input_bias=(-50.0,) * 10
                ),
            ),
            weights=(weight("0"),),
        ),
        (
            "The biases of '0' (Linear) keep 6 of 10 units of '1' (ReLU) at or below -12.5 for "
            "every input within the range seen: they cannot fire."
        ),
    ),
    "OUT207": (
        scan(linear("0"), softmax("1", "0"), softmax("2", "1")),
        (
            "'2' (Softmax) is applied to what '1' (Softmax) gave, which sums to 1 already: no "
            "class of 10 can get more than 23.2 %."
        ),
    ),
    "OUT208": (
        scan(linear("0"), softmax("1", "0", mean=8 / 500, is_final=True)),
        (
            "'1' (Softmax) is taken over the samples of a batch: each answer depends on the "
            "samples beside it (the mean of its values is 0.016)."
        ),
    ),
    "OUT209": (
        scan(linear("0"), softmax("1", "0", units=1, min=1.0, max=1.0, elements=500)),
        (
            "'1' (Softmax) is taken over a single class: all of its 500 values are 1, whatever the "
            "input."
        ),
    ),
    "OUT210": (
        scan(
            act("out", function="sigmoid", is_final=True),
            output=classifier(**VALUES, label_min=-3.0, label_max=12.0),
        ),
        ("The targets run from -3 to 12, and 'out' (Sigmoid) gives values between 0 and 1 only."),
    ),
}
