"""What a rule may need, and what to tell a person when it is not there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from actdiag.records import Role, Scan
from actdiag.rules.graph import inputs_differ

if TYPE_CHECKING:
    from collections.abc import Callable

    from actdiag.rules.base import Limits, Rule

CLASSIFIER_KINDS = frozenset(
    {"logits", "probabilities", "log-probabilities", "binary-logit", "binary-probability"}
)
MARGIN = "margin"  # of a classifier too, but no score of it tells how sure it is


@dataclass(frozen=True, slots=True)
class Need:
    """A test on the Scan, and the reason given where it fails."""

    met: Callable[[Scan, Limits], bool]
    reason: Callable[[Scan, Limits], str]


def _ran(scan: Scan, limits: Limits) -> bool:
    return any(site.stats.elements for site in scan.sites)


def _why_not_run(scan: Scan, limits: Limits) -> str:
    if scan.coverage.failure is not None:
        return "needs a forward pass, and the model raised before anything was measured"
    return "needs a forward pass: give data, or --input-shape for synthetic input"


def _observations(scan: Scan) -> int:
    return max((site.stats.observations for site in scan.sites if site.per_unit), default=0)


def _has_labels(scan: Scan, limits: Limits) -> bool:
    output = scan.output
    return output is not None and (output.accuracy is not None or output.r2 is not None)


def _why_no_labels(scan: Scan, limits: Limits) -> str:
    if scan.data.labels and scan.output is not None:
        return "needs labels that the output can be compared with: those given are of another kind"
    return "needs labels: give y in the data, or --labels"


def _training_is_judged(scan: Scan) -> bool:
    train = scan.training_data
    return train is not None and (train.accuracy is not None or train.r2 is not None)


def _is_classifier(scan: Scan, limits: Limits) -> bool:
    return scan.output is not None and scan.output.kind in CLASSIFIER_KINDS


def _why_no_classifier(scan: Scan, limits: Limits) -> str:
    if scan.output is None:
        return "needs a classifier's output, and no output was measured"
    if scan.output.kind == MARGIN:
        return "needs confidences: how sure a score against labels −1 and 1 is, nothing tells"
    return f"needs a classifier: this output is judged to be {scan.output.kind}"


def _not_enough(scan: Scan, limits: Limits) -> str:
    return (
        f"needs at least {limits['min_samples']:g} observations of a unit, "
        f"this data gives {_observations(scan)}: feed more samples"
    )


def _why_no_gradients(scan: Scan, limits: Limits) -> str:
    if scan.gradients is None:
        return "needs a backward pass: --gradients, with labels or a --loss"
    return f"needs gradients, and there are none: {scan.gradients.note}"


def normalises_by_batch(scan: Scan) -> bool:
    """Whether a layer answers otherwise in training, by the statistics of its batch."""
    return any("BatchNorm" in module.class_name for module in scan.modules)


def _why_not_compared(scan: Scan, limits: Limits) -> str:
    if not _ran(scan, limits):
        return _why_not_run(scan, limits)
    if normalises_by_batch(scan):
        return "needs at least 16 samples of one shape, to run the model as in training"
    return "needs a layer with running statistics, such as BatchNorm, and this model has none"


NEEDS: dict[str, Need] = {
    "forward": Need(_ran, _why_not_run),
    "observations": Need(
        lambda scan, limits: _observations(scan) >= limits["min_samples"], _not_enough
    ),
    "samples": Need(
        lambda scan, _: scan.data.samples > 1,
        lambda scan, _: "needs at least two samples to compare: feed more samples",
    ),
    "input": Need(
        lambda scan, _: any(site.role is Role.INPUT and site.stats.elements for site in scan.sites),
        lambda scan, _: "needs the input's statistics, and no input tensor was measured",
    ),
    "tokens": Need(
        lambda scan, _: scan.data.padding is not None,
        lambda scan, _: "needs an input of token ids, and this model was given none",
    ),
    "weights": Need(
        lambda scan, _: bool(scan.weights),
        lambda scan, _: "needs weights: this model has none that could be read",
    ),
    "modules": Need(
        lambda scan, _: bool(scan.modules),
        lambda scan, _: "needs the model's modules: this format keeps none",
    ),
    "output": Need(
        lambda scan, _: scan.output is not None and scan.output.predictions > 0,
        lambda scan, _: "needs the model's output, and none was measured",
    ),
    "classifier": Need(_is_classifier, _why_no_classifier),
    "classes": Need(
        lambda scan, limits: (
            _is_classifier(scan, limits) or (scan.output is not None and scan.output.kind == MARGIN)
        ),
        _why_no_classifier,
    ),
    "given-labels": Need(
        lambda scan, _: scan.data.labels > 0 and scan.output is not None,
        lambda scan, _: "needs labels: give y in the data, or --labels",
    ),
    "gradients": Need(
        lambda scan, _: scan.gradients is not None and scan.gradients.samples > 0,
        _why_no_gradients,
    ),
    "training-data": Need(
        lambda scan, _: scan.training_data is not None,
        lambda scan, _: "needs the training data: --train-data FILE",
    ),
    "training-labels": Need(
        lambda scan, _: _training_is_judged(scan),
        lambda scan, _: "needs labels of the training data that the answers can be judged by",
    ),
    "real-data": Need(
        lambda scan, _: not scan.data.synthetic,
        lambda scan, _: "needs real data: the input was made up",
    ),
    "both-modes": Need(lambda scan, _: scan.train_eval is not None, _why_not_compared),
    "gated-product": Need(
        lambda scan, _: any(site.role is Role.GATED_PRODUCT for site in scan.sites),
        lambda scan, _: "needs a gated product, such as SwiGLU's, and this model has none",
    ),
    "optimizer": Need(
        lambda scan, _: any(weight.update is not None for weight in scan.weights),
        lambda scan, _: "needs the state of Adam or of SGD with momentum in the checkpoint",
    ),
    "labels": Need(_has_labels, _why_no_labels),
    "varied": Need(
        lambda scan, _: scan.data.samples <= 1 or inputs_differ(scan),
        lambda scan, _: f"needs samples that differ, and all {scan.data.samples:,} are the same",
    ),
}


# What is told by comparing samples; data rules look at the data themselves.
COMPARING = frozenset({"observations", "samples", "labels", "classifier", "classes", "both-modes"})


def _words(rule: Rule) -> tuple[str, ...]:
    compares = not COMPARING.isdisjoint(rule.needs) and not rule.code.startswith("DAT")
    return (*rule.needs, "varied") if compares else rule.needs


def missing(rule: Rule, scan: Scan, limits: Limits) -> tuple[str, str] | None:
    """The first of the rule's needs that the Scan does not meet, with the reason, or None."""
    for word in _words(rule):
        need = NEEDS[word]
        if not need.met(scan, limits):
            return word, need.reason(scan, limits)
    return None
