from __future__ import annotations

import pytest

from actdiag.config import Configuration, Settings, find, load
from actdiag.errors import UsageError
from actdiag.records import Ignored


def test_without_a_file_everything_has_its_default(tmp_path):
    assert find(start=tmp_path) == Configuration()
    assert load(start=tmp_path) == Settings()


def test_the_nearest_file_upwards_counts(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "actdiag.toml").write_text("seed = 1")
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.other]\nseed = 2")

    assert find(start=inner).table == {"seed": 1}
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.actdiag]\nseed = 3")
    assert find(start=inner).table == {"seed": 3}
    (tmp_path / "a" / "actdiag.toml").write_text("seed = 4")
    assert find(start=inner) == Configuration(tmp_path / "a" / "actdiag.toml", table={"seed": 4})


def test_a_file_may_be_named(tmp_path):
    file = tmp_path / "other.toml"
    file.write_text('ignore = ["ACT"]\n[rules.ACT101]\nerror = 0.6\nmin_samples = 9')

    assert find(file).named
    settings = load(file)
    assert settings.ignore == ["ACT"]
    assert settings.rules == {"ACT101": {"error": 0.6, "min_samples": 9.0}}


def test_findings_may_be_ignored_in_some_modules_for_a_reason(tmp_path):
    file = tmp_path / "pyproject.toml"
    file.write_text(
        '[[tool.actdiag.ignore]]\nrule = "ACT101"\nmodules = "head.*"\nreason = "pruned"\n'
        '[[tool.actdiag.ignore]]\nrule = "dead-relu"\nreason = "known"\n'
    )
    known = Ignored("ACT101", "head.*", "pruned"), Ignored("dead-relu", "*", "known")

    assert load(file).ignored() == known
    assert load(file).ignored(["OUT"]) == ("OUT", *known)


def test_rules_and_findings_may_be_ignored_in_one_list(tmp_path):
    file = tmp_path / "actdiag.toml"
    file.write_text('ignore = ["ATT", {rule = "ACT", reason = "x"}]')
    known = Ignored("ACT", "*", "x")

    assert load(file).ignored() == ("ATT", known)
    assert load(file).ignored(["OUT"]) == ("OUT", known)


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        ('select = "ACT"', "select = 'ACT': Input should be a valid list", ""),
        ("[rules.ACT101]\nerror = true", "rules.ACT101.error = True: Input should be a valid", ""),
        ("ignore = [1]", "ignore.0 = 1: Input should be a valid", ""),
        ('[[ignore]]\nrule = "ACT101"', "ignore.0.reason is missing or empty", "For example: rule"),
        ('[[ignore]]\nreason = "x"', "ignore.0.rule is missing or empty", "For example: rule"),
        (
            '[[ignore]]\nrule = "ACT101"\nreason = " "',
            "ignore.0.reason is missing or empty",
            "For example: rule",
        ),
        (
            '[[ignore]]\nrule = "ACT101"\nreasn = "x"\nreason = "x"',
            "unknown setting 'ignore.0.reasn'",
            "Did you mean reason?",
        ),
        ("seed = ", "is not valid TOML: Invalid value (at ", "Correct that line."),
        ("\xff", "is not valid TOML: ", "Correct that line."),
    ],
)
def test_mistakes_name_the_file_and_the_setting(tmp_path, content, message, hint):
    file = tmp_path / "actdiag.toml"
    file.write_text(content, encoding="latin-1")
    with pytest.raises(UsageError) as raised:
        load(start=tmp_path)

    assert str(file) in raised.value.message
    assert message in raised.value.message
    assert hint in raised.value.hint


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match=r"cannot read the configuration .*no\.toml: No such file"):
        load(tmp_path / "no.toml")
