import pytest
from scipy import stats

from actdiag.records import RemedyTrial, TrialArm, TrialVerdict
from actdiag.remedies.comparing import doubtful, effect_of, ranked, verdict_of


@pytest.mark.parametrize("seeds", [2, 3, 6, 10])
def test_the_interval_is_students(seeds):
    treated = [0.5 + 0.01 * place**2 for place in range(seeds)]
    control = [0.3 + 0.02 * place for place in range(seeds)]
    found = effect_of(treated, control)
    differences = [a - b for a, b in zip(treated, control, strict=True)]
    low, high = stats.t.interval(
        0.9, seeds - 1, loc=sum(differences) / seeds, scale=stats.sem(differences)
    )
    assert found == pytest.approx((sum(differences) / seeds, low, high), rel=1e-3)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ((0.2, 0.1, 0.3), "helps"),
        ((0.2, -0.1, 0.5), "no-effect"),
        ((0.005, 0.004, 0.006), "no-effect"),
        ((-0.2, -0.3, -0.1), "worse"),
        ((0.2, None, None), "helps"),
        ((0.02, None, None), "no-effect"),
    ],
)
def test_verdicts(found, verdict):
    assert verdict_of(*found) == verdict


def trial(name, differences, suggested=(), without=0.2):
    control = TrialArm("kept", scores=(without,) * len(differences))
    treated = TrialArm("kept", scores=tuple(without + value for value in differences))
    effect, low, high = effect_of(treated.scores, control.scores)
    return RemedyTrial(
        name,
        name,
        verdict_of(effect, low, high),
        suggested_by=suggested,
        effect=effect,
        low=low,
        high=high,
        treated=treated,
        control=control,
    )


def test_the_best_goes_first_and_what_was_not_trained_last():
    left_out = RemedyTrial("left", "left", TrialVerdict.NOT_APPLICABLE)
    big, small = trial("big", [0.4, 0.41, 0.42]), trial("small", [0.1, 0.11, 0.12])
    worse, none = trial("worse", [-0.3, -0.31, -0.32]), trial("none", [0.0, 0.0, 0.0])
    order = [item.remedy for item in ranked([worse, left_out, none, small, big])]
    assert order == ["big", "small", "none", "worse", "left"]


def test_where_it_leads_ranks_what_helps_and_not_how_bad_the_control_was():
    from_the_dead = trial("reset-dead-units", [0.30, 0.31, 0.32], ("ACT101",), without=0.1)
    anew = trial("standardize", [0.10, 0.11, 0.12], ("unnormalised-input",), without=0.7)
    assert ranked([from_the_dead, anew])[0] is anew


def test_what_is_called_for_goes_before_a_little_more_of_something_else():
    called = trial("standardize", [0.05, 0.06, 0.05], ("DAT701",), without=0.7)
    cheap = trial("temperature", [0.02, 0.03, 0.03], without=0.85)
    assert ranked([cheap, called])[0] is called
    much = trial("gelu", [0.2, 0.21, 0.22], without=0.7)
    assert ranked([called, much])[0] is much


def test_among_equals_what_the_diagnosis_calls_for_goes_first():
    lucky = trial("lucky", [0.4, 0.5, 0.45])
    meant = trial("meant", [0.42, 0.45, 0.46], ("dead-relus",))
    weak = trial("weak", [0.1, 0.2, 0.15], ("dead-relus",))
    assert [item.remedy for item in ranked([lucky, weak, meant])] == ["meant", "lucky", "weak"]


def test_an_unclear_effect_worth_having_is_doubtful():
    assert doubtful(trial("wide", [0.0, 0.1, 0.3]))
    assert not doubtful(trial("clear", [0.1, 0.11, 0.12]))
    assert not doubtful(trial("nothing", [-0.01, 0.0, 0.01]))
