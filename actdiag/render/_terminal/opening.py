"""What the report opens with: the verdict, what was measured on what, and whether it broke off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import ReportVerdict, Severity
from actdiag.render._story import headline, worst_severity
from actdiag.render._terminal.page import BAD, GOOD, MARKS, STRONG, STYLES, Page
from actdiag.render._words import count, number, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType
    from rich.text import Text

    from actdiag.records import DataInfo, Failure, ModelInfo, OutputStats, Report


def opening(report: Report, page: Page) -> Iterator[RenderableType]:
    """Yield the verdict, a failure if there was one, and the facts."""
    yield _verdict(report, page)
    scan = report.scan
    if scan.coverage.failure:
        yield from _failure(scan.coverage.failure, page)
    if scan.data.synthetic:
        yield page.text()
        yield page.rows([(page.text(("SYNTHETIC INPUT", "bold reverse")), page.text(_SYNTHETIC))])
    yield page.text()
    yield page.rows(list(_facts(report, page)))


_SYNTHETIC = (
    "No data was given: random numbers went in. What depends on data is a hint at most; "
    "give your data for a diagnosis."
)


def _verdict(report: Report, page: Page) -> RenderableType:
    if report.verdict is ReportVerdict.NOT_CHECKED:
        mark, style = "?", BAD
    elif report.verdict is ReportVerdict.HEALTHY and not report.diagnoses:
        mark, style = "✓", GOOD
    else:
        severity = worst_severity(report) or Severity.INFO
        if report.diagnoses and severity is Severity.INFO:
            severity = Severity.WARNING  # a diagnosed problem is no mere note
        mark, style = MARKS[severity], STYLES[severity]
    verdict, told = headline(report)
    row = page.text((mark, style)), page.text((verdict, style), f": {told}")
    return page.rows([row], indent=0)


def _failure(failure: Failure, page: Page) -> Iterator[RenderableType]:
    yield page.heading("THE FORWARD PASS FAILED")
    place = failure.module or "the model itself"
    rows = [
        (page.text("in"), page.text((place, STRONG))),
        (page.text("raised"), page.text((failure.exception, STRONG), f": {failure.message}")),
    ]
    if failure.source:
        rows.insert(1, (page.text("at"), page.text(failure.source)))
    yield page.rows(rows)
    yield page.text("  Everything below is what was seen up to there.")


def _facts(report: Report, page: Page) -> Iterator[tuple[Text, Text]]:
    scan = report.scan
    yield page.text("model"), page.text(_model(scan.model))
    yield page.text("data"), page.text(_data(scan.data))
    if scan.output:
        yield page.text("output"), page.text(_output(scan.output))
    if scan.model.training:
        said = (f"{key} {_setting(value)}" for key, value in scan.model.training.items())
        yield page.text("trained"), page.text(", ".join(said))
    notes = (*scan.model.notes, *scan.data.notes, *(scan.output.notes if scan.output else ()))
    said_above = headline(report)[1]
    for note in notes:
        if note not in said_above:
            yield page.text("note"), page.text(note)


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
