"""What was measured on what, as pairs of a word and a line, whatever the format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import ReportVerdict, Severity
from actdiag.render._story import INTERRUPTED, headline, waiting, worst_severity
from actdiag.render._words import count, number, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.records import DataInfo, ModelInfo, OutputStats, Report

MARKS = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.INFO: "i"}
SYNTHETIC = (
    "No data was given: random numbers went in. What depends on data is a hint at most; "
    "give your data for a diagnosis."
)


def mark(report: Report) -> str:
    """Return the verdict as one character: ``✓``, ``✗``, ``!``, ``i`` or, not checked, ``?``.

    Where samples were too few for the rules, nothing found is worth knowing and no health.
    """
    if report.verdict is ReportVerdict.NOT_CHECKED:
        return "?"
    if waiting(report):
        return MARKS[Severity.INFO]
    if report.verdict is ReportVerdict.HEALTHY and not report.diagnoses:
        return "✓"
    severity = worst_severity(report) or Severity.INFO
    if report.diagnoses and severity is Severity.INFO:
        severity = Severity.WARNING  # a diagnosed problem is no mere note
    return MARKS[severity]


def facts(report: Report) -> Iterator[tuple[str, str]]:
    """Yield the model, the data, the output, what the file says of the training, and notes.

    First of all that the scan was interrupted, if it was.
    """
    scan = report.scan
    if scan.coverage.interrupted:
        yield "interrupted", INTERRUPTED
    yield "model", _model(scan.model)
    yield "data", _data(scan.data)
    if scan.output:
        yield "output", _output(scan.output)
    if scan.model.training:
        said = (f"{key} {_setting(value)}" for key, value in scan.model.training.items())
        yield "trained", ", ".join(said)
    notes = (*scan.model.notes, *scan.data.notes, *(scan.output.notes if scan.output else ()))
    said_above = headline(report)[1]
    for note in notes:
        if note not in said_above:
            yield "note", note


def _model(model: ModelInfo) -> str:
    kind = f"{model.class_name} ({model.format})" if model.class_name else model.format
    parts = [*([model.path] if model.path else []), kind, count(model.parameters, "parameter")]
    if model.trainable_parameters != model.parameters:
        parts.append(f"{model.trainable_parameters:,} trainable")
    return ", ".join([*parts, *([model.dtype] if model.dtype else [])])


def _data(data: DataInfo) -> str:
    if not data.samples:
        return data.source if data.source == "none" else f"{data.source}: no sample got through"
    amount = f"{count(data.samples, 'sample')} in {data.batches:,} batch"
    amount += "" if data.batches == 1 else "es"
    if data.sample_shape is not None:
        amount += f", each {'×'.join(map(str, data.sample_shape)) or 'a single number'}"
    labels = {0: "no labels", data.samples: "all labelled"}
    return f"{data.source}: {amount}, {labels.get(data.labels, f'{data.labels:,} labelled')}"


def _output(output: OutputStats) -> str:
    parts = [f"{output.kind}{' (assumed)' if output.assumed else ''}"]
    if output.classes is not None:
        parts.append(f"{output.classes:,} classes")
    if output.accuracy is not None:
        majority = f" (majority {percent(output.majority, decimals=1)})" if output.majority else ""
        parts.append(f"accuracy {percent(output.accuracy, decimals=1)}{majority}")
    if output.mean_confidence is not None:
        parts.append(f"mean confidence {percent(output.mean_confidence, decimals=1)}")
    parts += [
        f"{name} {number(value)}"
        for name, value in (("ECE", output.ece), ("NLL", output.nll), ("R²", output.r2))
        if value is not None
    ]
    return ", ".join(parts)


def _setting(value: object) -> str:
    return number(value) if isinstance(value, float) else str(value)
