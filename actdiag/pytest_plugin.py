"""The pytest plugin: ``--actdiag-report`` writes what ``assert_healthy`` found in the whole run.

It is loaded into every run of pytest where actdiag is installed, so without that option it imports
nothing and does nothing. Under pytest-xdist the workers hand their reports to the controller.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from actdiag.cli._targets import Target
    from actdiag.records import Report

_SUFFIXES = {
    ".csv": "csv",
    ".html": "html",
    ".json": "json",
    ".md": "markdown",
    ".sarif": "sarif",
    ".txt": "text",
    ".xml": "junit",
}
_NAME = "actdiag-reports"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option."""
    group = parser.getgroup("actdiag", "the health of PyTorch models")
    group.addoption(
        "--actdiag-report",
        metavar="PATH",
        action="append",
        default=[],
        help="write the report of all models that assert_healthy scanned; repeatable. The format "
        f"is told by the suffix ({', '.join(_SUFFIXES)}), or FORMAT=PATH.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Collect reports where they were asked for."""
    wanted = config.getoption("--actdiag-report")
    if not wanted:
        return
    from actdiag.errors import UsageError

    worker = hasattr(config, "workerinput")
    try:
        targets = [] if worker else _targets(wanted)
    except UsageError as error:
        message = f"{error.message}. {error.hint}"
        raise pytest.UsageError(message.replace("--report", "--actdiag-report")) from None
    collector = Worker(config) if worker else Collector(targets)
    config.pluginmanager.register(collector, _NAME)


def _targets(wanted: list[str]) -> list[Target]:
    from actdiag.cli._targets import targets

    return targets([_with_format(one) for one in wanted])


def _with_format(wanted: str) -> str:
    from actdiag.errors import UsageError
    from actdiag.render import FOLDER_FORMATS, names

    if wanted.partition("=")[0] in (*names(), *FOLDER_FORMATS):
        return wanted
    suffix = os.path.splitext(wanted)[1].lower()  # noqa: PTH122 - it is no path yet
    if suffix not in _SUFFIXES:
        hint = f"Known: {', '.join(_SUFFIXES)}; or give FORMAT=PATH."
        raise UsageError(f"--actdiag-report {wanted}: the suffix tells no format", hint=hint)
    return f"{_SUFFIXES[suffix]}={wanted}"


class Listener:
    """Keeps every report of this process, with the test that it comes from."""

    def __init__(self) -> None:
        from actdiag import testing

        self.reports: list[Report] = []
        self.listeners = testing.listeners
        self.listeners.append(self.listen)

    def listen(self, report: Report) -> None:
        """Keep a report; a model without a file is called after the running test."""
        from dataclasses import replace

        model = report.scan.model
        test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
        if model.path is None and test:
            scan = replace(report.scan, model=replace(model, path=test))
            report = replace(report, scan=scan)
        self.reports.append(report)

    def pytest_unconfigure(self) -> None:
        """Listen no longer."""
        self.listeners.remove(self.listen)


class Collector(Listener):
    """Writes the reports when all tests have run."""

    def __init__(self, targets: list[Target]) -> None:
        super().__init__()
        self.targets = targets

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take the reports of a worker that is done."""
        from actdiag.records import Report

        told = getattr(node, "workeroutput", {}).get(_NAME, [])
        self.reports += [Report.from_json(document) for document in told]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write, and say so."""
        if not self.reports:
            terminalreporter.write_line("actdiag: no model was checked, so no report was written")
            return
        in_order = sorted(self.reports, key=lambda report: report.scan.model.path or "")
        for target in self.targets:
            target.write(*in_order)
            count = f"{len(in_order)} model{'s'[: len(in_order) > 1]}"
            terminalreporter.write_line(f"actdiag: {target.path}: the report of {count}")


class Worker(Listener):
    """A process of pytest-xdist: its reports are written by the controller."""

    def __init__(self, config: pytest.Config) -> None:
        super().__init__()
        self.config = config

    def pytest_sessionfinish(self) -> None:
        """Hand the reports over, as plain values."""
        output: dict[str, Any] = vars(self.config)["workeroutput"]
        output[_NAME] = [report.to_json() for report in self.reports]
