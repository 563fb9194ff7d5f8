"""Are the alarms to be believed? ``python benchmarks/calibration.py [--quick] [--half HALF]``.

Trains a few hundred small models, about half of them with a mistake, measures on held-out data
which of them work, scans each twice (with labels and training data, and with inputs alone) and
counts what the rules say. One half of the models is for choosing thresholds, the other for the
numbers in docs/calibration.md. Models and scans are kept in .cache/calibration, so that a second
run only judges.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # so that the file runs as a script, from anywhere

from benchmarks.family import tally  # noqa: E402
from benchmarks.family.case import HALVES, REPORTING  # noqa: E402
from benchmarks.family.drawing import family  # noqa: E402
from benchmarks.family.store import Entry, entry  # noqa: E402
from benchmarks.family.training import FAILED, WORKED  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

QUICK = 16
SUMMARY = 14  # lines of a half's tables up to what the targets are about
BEGIN = "<!-- tables: python benchmarks/calibration.py --write docs/calibration.md -->"
END = "<!-- end of tables -->"
RULE_HEADS = (
    *("code", "rule", "failed: error", "warning", "info", "worked: error", "warning", "info"),
    *("precision", "recall"),
)
MISTAKE_HEADS = (
    *("mistake", "models", "failed", "in between", "worked", "of these impaired"),
    *("failed with alarm", "mechanism named", "worked with alarm", "of these impaired"),
)


def main() -> None:
    """Read the options, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"only {QUICK} models of each half")
    parser.add_argument("--half", choices=(*HALVES, "both"), default="both")
    parser.add_argument("--list", action="store_true", help="every false alarm and every miss")
    parser.add_argument("--write", type=Path, help="also put the tables into this document")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    entries = run(QUICK if chosen.quick else None, chosen.half)
    document: list[str] = []
    for half in HALVES if chosen.half == "both" else (chosen.half,):
        of_half = [one for one in entries if one.case.half == half]
        for labels in (True, False):
            judged = [tally.judged(one, labels=labels) for one in of_half]
            lines = told(judged, half, labels=labels)
            print("\n".join(lines))
            if chosen.list:
                print("\n".join(exceptions(judged)))
            document += lines if half == REPORTING else lines[:SUMMARY]
    if chosen.write:
        written(chosen.write, document)


def written(path: Path, lines: Sequence[str]) -> None:
    """Put the tables between the two marks of the document; the rest of it stays."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"{path} lacks the lines {BEGIN} and {END}")
    middle = "\n".join(lines)
    path.write_text(f"{before}{BEGIN}\n{middle}\n\n{END}{after}", encoding="utf-8")


def run(most: int | None, half: str) -> list[Entry]:
    """Train and scan what is not kept yet, telling how far it is on stderr."""
    cases = [case for case in family(most) if half in (case.half, "both")]
    started, entries = time.monotonic(), []
    for number, case in enumerate(cases, 1):
        entries.append(entry(case))
        one = entries[-1]
        came = f"{one.held.outcome} {one.held.skill:.2f}"
        spent = time.monotonic() - started
        line = f"{number}/{len(cases)} {spent:4.0f} s  {case.label}: {came}"
        print(line, file=sys.stderr, flush=True)
    return entries


def told(models: Sequence[tally.Judged], half: str, *, labels: bool) -> list[str]:
    """The tables of one half, in Markdown."""
    counts = {name: sum(one.outcome == name for one in models) for name in (WORKED, FAILED)}
    scanned = "with labels, gradients and training data" if labels else "with inputs alone"
    middling = len(models) - sum(counts.values())
    harmed = sum(one.impaired for one in models)
    total = f"{len(models)} models: {counts[WORKED]} worked ({harmed} of them impaired)"
    return [
        f"\n## The {half} half, scanned {scanned}\n",
        f"{total}, {counts[FAILED]} failed, {middling} in between.\n",
        *table(("of the models that", "got one", "target"), tally.summary(models)),
        "",
        *table(RULE_HEADS, tally.by_rule(models)),
        "",
        *table(MISTAKE_HEADS, tally.by_mistake(models)),
    ]


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table, padded so that it reads well in a terminal too."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = [heads, ["-" * width for width in widths], *rows]
    return [
        "| "
        + " | ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    ]


def exceptions(models: Sequence[tally.Judged]) -> list[str]:
    """Every model that worked and got an alarm, that failed and got none, or none that names it."""
    lines = []
    for one in models:
        loud = one.at(*tally.LOUD)
        if one.outcome == WORKED and loud:
            what = "ALARM, IMPAIRED" if one.impaired else "ALARM"
            lines.append(f"\n{what} {one.case.label} (skill {one.skill:.2f}) {one.case.key}")
        elif one.outcome == FAILED and not one.named:
            what = "NOT NAMED" if loud else "MISSED"
            lines.append(f"\n{what} {one.case.label} (skill {one.skill:.2f}) {one.case.key}")
        else:
            continue
        shown = one.findings if one.outcome == FAILED else loud
        lines += [f"  {x.severity.value:7} {x.code} {x.message[:150]}" for x in shown]
    return lines


if __name__ == "__main__":
    main()
