"""Every option of every command, set by a file: walked over the commands, so none is forgotten."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path

import pytest

from actdiag.cli import app
from actdiag.cli._anchoring import CODE, TRUST, WRITES
from actdiag.cli._configured import ConfiguredCommand
from actdiag.cli._settings import settings_of, shared

COMMANDS = {
    info.name or info.callback.__name__: settings_of(info.callback)
    for info in app.registered_commands
    if info.cls is ConfiguredCommand
}
NUMBERS = {int: (3, 4), float: (2.5, 3.5)}
EVERY_KEY = sorted({(key, command) for command, own in COMMANDS.items() for key in own})
ONCE = dict(EVERY_KEY)


def two_values(one):
    """Two values that a setting may have, as a file has them."""
    if one.key == "model_args":
        return {"width": 3}, {"width": 4}
    if one.key in ("model", "loss", "transform", "data", "train_data"):
        return "pkg.mod:first", "pkg.mod:second"
    if one.kind is bool:
        return True, False
    if isinstance(one.kind, type) and issubclass(one.kind, Enum):
        first, second, *_ = [each.value for each in one.kind]
        return first, second
    if one.kind in NUMBERS:
        return NUMBERS[one.kind]
    return (["first"], ["second"]) if one.kind == list[str] else ("first", "second")


def table(name, values):
    return "\n".join([name and f"[{name}]", *(f"{key} = {toml(values[key])}" for key in values)])


def toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + "}"
    return json.dumps(value)


def on_the_command_line(values):
    words = []
    for key, value in values.items():
        flag = f"--{key.replace('_', '-')}"
        if key == "models":
            words += value
        elif isinstance(value, bool):
            words.append(flag if value else f"--no-{flag[2:]}")
        elif isinstance(value, list):
            words += [part for each in value for part in (flag, each)]
        else:
            words += [flag, json.dumps(value) if isinstance(value, dict) else str(value)]
    return words


@pytest.fixture
def shown(run):
    """What --show-config says of a command: its settings' values, and what all of them are from."""

    def show(command, *arguments):
        done = run(command, *arguments, "--format", "json", "--show-config")
        assert done.exit_code == 0, done.output
        found = json.loads(done.stdout)["settings"]
        found.pop("format")  # it is on the command line here
        values = {key: each["value"] for key, each in found.items()}
        if isinstance(values.get("model_args"), str):
            values["model_args"] = json.loads(values["model_args"])
        return values, {key: Path(each["source"]).name for key, each in found.items()}

    return show


def both(command, keys):
    one = COMMANDS[command]
    pairs = {key: two_values(one[key]) for key in keys if key not in (*TRUST, "format")}
    return {key: pair[0] for key, pair in pairs.items()}, {
        key: pair[1] for key, pair in pairs.items()
    }


def test_the_walk_finds_the_commands():
    assert {"scan", "check", "diff", "report", "try", "inspect"} <= set(COMMANDS)
    assert set(ONCE) >= {"data", "model", "fail_on", "report", "remedy", "models"}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_line_wins_over_a_file_that_wins_over_the_default(shown, tmp_path, command):
    first, second = both(command, COMMANDS[command])
    assert set(shown(command)[1].values()) == {"default"}

    (tmp_path / "named.toml").write_text(table(command, first))
    values, sources = shown(command, "--config", "named.toml")
    assert {key: values[key] for key in first} == first
    assert {key for key, source in sources.items() if source == "named.toml"} == set(first)

    said = on_the_command_line(second)
    values, sources = shown(command, "--config", "named.toml", *said)
    assert {key: values[key] for key in second} == second
    assert {key for key, source in sources.items() if source == "command line"} == set(second)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_key_at_the_top_is_for_all_and_one_of_the_command_wins(shown, tmp_path, command):
    first, second = both(command, shared(command, COMMANDS[command]))
    file = tmp_path / "named.toml"
    file.write_text(table("", first))
    values, _ = shown(command, "--config", "named.toml")
    assert {key: values[key] for key in first} == first

    file.write_text(f"{table('', first)}\n{table(command, second)}")
    values, _ = shown(command, "--config", "named.toml")
    assert {key: values[key] for key in second} == second


@pytest.mark.parametrize("command", COMMANDS)
def test_actdiag_toml_that_is_found_wins_over_pyproject_toml(shown, tmp_path, command):
    first, second = both(command, [key for key in COMMANDS[command] if key not in {*CODE, *WRITES}])
    (tmp_path / "pyproject.toml").write_text(table(f"tool.actdiag.{command}", second))
    values, sources = shown(command)
    assert {key: values[key] for key in second} == second
    assert {sources[key] for key in second} == {"pyproject.toml"}

    (tmp_path / "actdiag.toml").write_text(table(command, first))
    values, sources = shown(command)
    assert {key: values[key] for key in first} == first
    assert {sources[key] for key in first} == {"actdiag.toml"}


@pytest.mark.parametrize("key", ONCE)
def test_a_value_of_another_kind_names_the_file_and_the_key(run, tmp_path, key):
    file = tmp_path / "actdiag.toml"
    file.write_text(f"[{ONCE[key]}]\n{key} = 1979-05-27")  # a date, which no option takes
    done = run(ONCE[key], "--show-config")

    assert done.exit_code == 2
    assert done.stderr.startswith(f"actdiag: {file}: {ONCE[key]}.{key} = datetime.date(")
    assert "Input should be" in done.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("selct = []", "unknown setting 'selct'\n  Did you mean select?\n"),
        ("[check]\nfail-on = 'info'", "unknown setting 'check.fail-on'\n  Did you mean fail_on?\n"),
        ("[scna]\nseed = 1", "unknown setting 'scna'\n  Did you mean scan?\n"),
        ("[report]\nseed = 1", "unknown setting 'report.seed'\n  "),
        ("[tool.actdiag]\nseed = 1", "unknown setting 'tool'\n  In actdiag.toml the settings"),
        ("check = 1", "check = 1: Input should be a valid dictionary\n"),
        ("batch_size = 0", "batch_size = 0: Input should be greater than or equal to 1\n"),
        ("[try]\nseeds = 99", "try.seeds = 99: Input should be less than or equal to 10\n"),
        ("seed = '1'", "seed = '1': Input should be a valid integer\n"),
        ("steps = 'most'", "steps = 'most': Input should be 'none', 'cheap' or 'all'\n"),
        ("data = ''", "data = '': String should have at least 1 character"),
        (
            "[model_args]\nday = 1979-05-27",
            "model_args.day = datetime.date(1979, 5, 27): input was not a valid JSON value",
        ),
        (
            "format = 'json'",
            "'format' is set for one command, not for all\n  Put it under [tool.actdiag.scan]",
        ),
        (
            "save = 'x.pt'",
            "'save' is set for one command, not for all\n  Put it under [tool.actdiag.try]",
        ),
    ],
)
def test_mistakes_name_the_file_and_the_key(run, tmp_path, content, message):
    file = tmp_path / "actdiag.toml"
    file.write_text(content)
    done = run("check", "model.pt")

    assert done.exit_code == 2
    assert done.stderr.startswith(f"actdiag: {file}: {message}")


def test_help_needs_no_sound_file(run, tmp_path):
    (tmp_path / "actdiag.toml").write_text("selct = []")
    assert run("check", "--help").exit_code == 0


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (["model.pt"], {"data": "val.npz", "input_shape": None}),
        (["model.pt", "other.npz"], {"data": None, "input_shape": None}),
        (["model.pt", "--input-shape", "3"], {"data": None, "input_shape": "3"}),
    ],
)
def test_data_of_the_command_line_takes_the_place_of_the_files(shown, tmp_path, said, kept):
    (tmp_path / "actdiag.toml").write_text('data = "val.npz"')
    values, _ = shown("scan", *said)
    assert {key: values[key] for key in kept} == kept


def test_what_reaches_the_pipeline(run, pipeline, tmp_path):
    (tmp_path / "actdiag.toml").write_text(
        'seed = 7\nmax_samples = 9\nlabels = "y"\nselect = ["ACT"]\n[rules.ACT101]\nerror = 0.9\n'
        '[scan]\nsteps = "none"\n[model_args]\nwidth = 3'
    )
    run("scan", "model.pt", "--seed", "8", "--model-args", '{"width": 4}')
    asked = pipeline.asked

    assert (asked["seed"], asked["max_samples"], asked["labels"]) == (8, 9, "y")
    assert (asked["select"], asked["steps"]) == (("ACT",), "none")
    assert asked["factory_args"] == {"width": 4}
    assert asked["settings"] == {"ACT101": {"error": 0.9}}


def test_what_is_shown_as_text(run, tmp_path):
    (tmp_path / "actdiag.toml").write_text(
        'seed = 7\nignore = ["OUT", {rule = "ACT101", modules = "head.*", reason = "pruned"}]\n'
        "[rules.ACT102]\nerror = 0.9"
    )
    lines = run("report", "--show-config", "--select", "ACT").stdout.splitlines()

    assert lines[:4] == [
        "actdiag report",
        f"configuration: {tmp_path / 'actdiag.toml'}",
        "  select  ACT   command line",
        "  ignore  OUT   actdiag.toml",
    ]
    assert lines[4:] == [
        "  format  text  default",
        "  report  -     default",
        "  debug   no    default",
        "  rules.ACT102.error = 0.9",
        "  ignored: ACT101 in head.* (pruned)",
    ]


@pytest.mark.parametrize(
    ("arguments", "empty"),
    [
        (["scan", ""], "MODEL"),
        (["scan", "m.pt", ""], "DATA"),
        (["scan", "m.pt", "--labels", ""], "--labels"),
        (["check", "m.pt", ""], "MODELS"),
        (["check", "m.pt", "--baseline="], "--baseline"),
        (["check", "m.pt", "--config", ""], "--config"),
        (["diff", "a.json", ""], "B"),
        (["merge", "", "b.json"], "SCAN.json"),
        (["report", ""], "SCAN.json"),
        (["inspect", ""], "MODEL"),
        (["try", "m.pt", ""], "DATA"),
    ],
)
def test_an_empty_word_does_not_mean_the_working_directory(run, arguments, empty):
    done = run(*arguments)

    assert done.exit_code == 2
    assert done.stderr == (
        f"actdiag: {empty} is empty\n"
        "  Is the variable that it comes from set? Leave it out or give a value.\n"
    )
