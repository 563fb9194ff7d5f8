"""For every rule a scan written by hand and the one message that a person reads."""

from __future__ import annotations

from actdiag.records import Coverage, Mistake, ModuleInfo, Scan
from tests.rules import (
    backwards,
    both_modes,
    collapsed,
    gating,
    golden_endings,
    golden_sequences,
    outliers,
    trained,
)
from tests.rules.build import FAILING, act, classifier, data_in, linear, scan, units, weight

MESSAGES: dict[str, tuple[Scan, str]] = {
    "ACT101": (
        scan(
            data_in(),
            linear("net.2", "input", per_unit=units(std=2.0)),
            act(
                "net.3",
                "net.2",
                per_unit=units(
                    positive=(0,) * 7 + (90,) * 3,
                    input_max=(-9.0,) * 5 + (-1.0,) * 5,
                    input_bound=(-2.0,) * 4 + (6.0,) * 6,
                ),
            ),
        ),
        (
            "7 of 10 units never fire on 500 samples: layer 'net.3' (ReLU) is mostly dead. If they "
            "fire at all, then for less than 0.6 % of samples (3/500, at 95 %). 4 of them cannot "
            "fire whatever the input within the range seen: the weights keep them at least 1.0 "
            "standard deviations below zero. 5 of them stay more than 3 standard deviations below "
            "zero."
        ),
    ),
    "ACT103": (
        scan(
            linear("0"),
            act("1", "0", function="tanh", per_unit=units(saturated_low=300, saturated_high=180)),
            linear("2", "1"),
        ),
        (
            "10 of 10 units of '1' (Tanh) sit at an end of the function for at least 90 % of the "
            "inputs, over 500 samples: hardly any gradient passes them."
        ),
    ),
    "ACT104": (
        scan(
            data_in(),
            *(
                act(
                    f"{place}",
                    f"{place - 1}" if place else "input",
                    function="sigmoid",
                    mean_slope=0.1,
                )
                for place in range(4)
            ),
            linear("4", "3", is_final=True),
        ),
        (
            "4 bounded activations from '0' (Sigmoid) to '3' (Sigmoid) let 0.0001 of a gradient "
            "through: their mean slopes run from 0.1 to 0.1."
        ),
    ),
    "ACT105": (
        scan(
            data_in(),
            act("1", "input", per_unit=units(std=(0.0,) * 4 + (1.0,) * 6)),
            linear("2", "1"),
        ),
        (
            "4 of 10 units of '1' (ReLU) give the same value on all of 500 samples; another value "
            "comes up in less than 0.6 % of samples, if at all."
        ),
    ),
    "ACT106": (
        scan(data_in(), act("1", "input", between_sample=2e-9), linear("2", "1")),
        (
            "'1' (ReLU) is the same for all of 500 samples (between-sample share of its "
            "variance 2e-09): other paths still carry the input."
        ),
    ),
    "ACT107": (
        scan(data_in(rms=2.0), linear("0", "input", rms=30.0), linear("1", "0", rms=9e4)),
        (
            "Values grow ×45,000 over 2 layers, from rms 2 at the input to 90,000 at '1' "
            "(Linear), with no norm in between."
        ),
    ),
    "ACT108": (
        scan(
            data_in(),
            *(linear(f"{n}", f"{n - 1}" if n else "input", rms=0.01**n / 20) for n in range(3)),
        ),
        (
            "The signal fades: each of the last 3 layers shrinks it at least 10-fold, down to rms "
            "5e-06 at '2' (Linear), from 1 at the input."
        ),
    ),
    "ACT109": (
        scan(data_in(), linear("0", "input", nonfinite=7, nan=6)),
        (
            "'0' (Linear) is the first to hold 6 NaN and 1 infinity among 5,000 values; what "
            "comes from the input is finite."
        ),
    ),
    "ACT113": (
        scan(
            data_in(),
            act("1", "input", per_unit=units(linear=(500,) * 9 + (300,))),
            linear("2", "1"),
        ),
        (
            "'1' (ReLU) bends nothing: 9 of 10 units get at least 99 % of their inputs where it is "
            "a straight line, over 500 samples."
        ),
    ),
    "ARC601": (
        scan(data_in(), linear("0", "input"), linear("2", "0")),
        (
            "'0' and '2' follow each other with nothing non-linear between them: both together "
            "can do no more than one layer."
        ),
    ),
    "ARC607": (
        scan(
            data_in(),
            modules=(ModuleInfo("aux.head", "Linear", leaf=True, calls=0, parameters=650),),
            coverage=Coverage(modules=2, modules_not_called=("aux.head", "dropout")),
        ),
        "1 module with 650 parameters was never called on this data: 'aux.head'.",
    ),
    "DAT701": (
        scan(
            data_in(
                per_unit=units(
                    4,
                    mean=(500.0, 20.0, 0.1, 0.2),
                    std=(350.0, 4.0, 0.02, 0.05),
                    min=(100.0, 5.0, 0.0, 0.0),
                    max=(2500.0, 40.0, 0.3, 0.5),
                )
            )
        ),
        (
            "The inputs are on very different scales: 2 features of 4 exceed 10 (feature 0: "
            "about 500) while 2 stay below 1 (feature 2: about 0.1)."
        ),
    ),
    "DAT702": (
        scan(
            data_in(per_unit=units(4, std=(1.0, 0.0, 1.0, 1.0), min=(0.1, 0.5, -0.3, 0.2))),
        ),
        (
            "1 of 4 input features has the same value in all 500 samples; another one comes up in "
            "less than 0.6 % of samples, if at all."
        ),
    ),
    "DAT703": (
        scan(data_in(nonfinite=12, nan=12)),
        "12 of 5,000 values of the input are NaN or infinite.",
    ),
    "DAT705": (
        scan(data_in(), output=classifier(label_classes=1, majority=1.0, accuracy=0.998)),
        (
            "The labels of 500 answers are of 1 class only, of 10 that the model tells apart: this "
            "part of the data does not stand for the whole, so idle units and an accuracy of "
            "99.8 % say little."
        ),
    ),
    "INI401": (
        scan(
            data_in(),
            linear("0", "input"),
            act("1", "0"),
            weights=(weight("0", (64, 128), he_ratio=64.0, xavier_ratio=78.4, std=8.0),),
        ),
        (
            "The initialisation of '0.weight' is 64 times too large: std 8, where He's scheme "
            "for ReLU wants 0.125 (fan in 128, fan out 64)."
        ),
    ),
    "INI402": (
        scan(
            data_in(),
            linear("0", "input"),
            act("1", "0"),
            weights=(weight("0", (64, 10), identical_rows=63, min=0.05, max=0.05),),
        ),
        (
            "'0.weight' holds 0.05 in all of its 640 places: its units are copies and training "
            "keeps them so."
        ),
    ),
    "INI403": (
        scan(weights=(weight("0", nonfinite=100), weight("2"))),
        "100 values in 1 of 2 weight tensors are NaN or infinite: '0.weight'.",
    ),
    "OUT201": (
        scan(
            data_in(),
            linear("0", "input", is_final=True),
            output=classifier(between_sample_std=0.0, scale=1.25, **FAILING),
        ),
        (
            "All 500 answers are the same although the inputs differ: between samples the "
            "output varies by 0, at a scale of 1.25."
        ),
    ),
    "OUT202": (
        scan(output=classifier(accuracy=0.7, mean_confidence=0.93, ece=0.23)),
        (
            "The model is 93.0 % sure on average and right on 70.0 % of 500 labelled answers "
            "(calibration error 0.23)."
        ),
    ),
    "OUT203": (
        scan(output=classifier(confident_wrong=0.07, worst=(Mistake(17, 3, 8, 0.9994),))),
        (
            "35 of 500 answers (7.0 %) are wrong with a confidence of at least 90 %. The "
            "worst: sample 17 is 3, answered 8 with 99.9 %."
        ),
    ),
    "OUT204": (
        scan(
            output=classifier(
                accuracy=0.6, mean_confidence=0.99, extreme=0.97, logit_min=-310.0, logit_max=1440.0
            )
        ),
        (
            "97.0 % of 500 answers have a probability of at least 99.9 %; the logits run from "
            "-310 to 1,440. Only 60.0 % of them are right."
        ),
    ),
    "OUT205": (
        scan(output=classifier(predicted_classes=2)),
        "The model answers with 2 classes only, over 500 samples whose labels use 10.",
    ),
    "OUT206": (
        scan(output=classifier(entropy_fraction=0.9985, accuracy=0.12)),
        (
            "The probabilities are uniform: over 500 answers their mean entropy is 99.9 % of what "
            "a blind guess among 10 classes has."
        ),
    ),
    "OUT212": (
        scan(output=classifier(accuracy=0.02, majority=0.12)),
        (
            "2.0 % of 500 answers are right; always answering the most frequent label would reach "
            "12.0 %. The model is 95.0 % sure on average and its answers follow its input, so the "
            "labels may not belong to these samples."
        ),
    ),
    **backwards.MESSAGES,
    **gating.MESSAGES,
    **golden_endings.MESSAGES,
    **golden_sequences.MESSAGES,
    **trained.MESSAGES,
    **both_modes.MESSAGES,
    **outliers.MESSAGES,
    **collapsed.MESSAGES,
}
