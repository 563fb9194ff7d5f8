"""The table in ``README.md``, written from the manifest so that the two can't disagree."""

from __future__ import annotations

from typing import Any

BEGIN, END = "<!-- table: written by build.py -->\n", "<!-- end of table -->\n"
HEADINGS = {
    True: "| model | what is wrong | how it came about | held-out accuracy (chance) "
    "| healthy twin | what actdiag says |",
    False: "| model | what it is | held-out accuracy (chance) |",
}


def score(entry: dict[str, Any]) -> str:
    """Accuracy beside chance, or R²."""
    if entry["held_out_accuracy"] is None:
        return f"R² {entry['held_out_r2']:.2f}"
    return f"{entry['held_out_accuracy']:.3f} ({entry['chance_accuracy']:.2f})"


def answer(entry: dict[str, Any]) -> str:
    """Findings and diagnoses that must come out."""
    codes = ", ".join(entry["expected_codes"])
    causes = [
        f"{symptom}: {cause}" if cause else symptom
        for symptom, cause in entry["expected_symptoms"].items()
    ]
    return "; ".join([codes, *causes])


def row(entry: dict[str, Any]) -> str:
    """One line of the table."""
    cells = [f"`{entry['name']}`", entry["about"]]
    if entry["sick"]:
        cells += [entry["mistake"], score(entry), f"`{entry['twin']}`", answer(entry)]
    else:
        cells.append(score(entry))
    return "| " + " | ".join(cells) + " |"


def command(entry: dict[str, Any]) -> str:
    """How to scan the model, from the root of the repository."""
    words = ["actdiag scan", entry["file"], entry["data"]]
    if entry["model"]:
        words.append(f"--model {entry['model']}")
    if entry["train_data"]:
        words.append(f"--train-data {entry['train_data']}")
    return " ".join(words)


def table(entries: list[dict[str, Any]], *, sick: bool) -> str:
    """The sick or the healthy models as a Markdown table."""
    heading = HEADINGS[sick]
    rule = "|---" * (heading.count("|") - 1) + "|"
    return "\n".join([heading, rule, *(row(entry) for entry in entries if entry["sick"] is sick)])


def with_table(text: str, entries: list[dict[str, Any]]) -> str:
    """``text`` with what stands between the two marks replaced."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    commands = "\n".join(command(entry) for entry in entries)
    parts = [
        "### Sick",
        table(entries, sick=True),
        "### Healthy",
        table(entries, sick=False),
        "### How to scan each",
        f"```sh\n{commands}\n```",
    ]
    return before + BEGIN + "\n" + "\n\n".join(parts) + "\n\n" + END + after
