"""The card of vanished gradients, on the tower of sigmoids and its healthy twin."""

from actdiag import scan
from tests.end_to_end.samples import MANIFEST


def told(name, **options):
    entry = MANIFEST[name]
    report = scan(entry["file"], entry["data"], factory=entry["model"], **options)
    return {diagnosis.symptom: diagnosis for diagnosis in report.diagnoses}


def test_a_tower_of_sigmoids_is_diagnosed_with_its_numbers():
    card = told("sigmoid_stack", gradients=True)["gradients-vanish"]
    assert card.title == "Gradients vanish"
    assert card.statement.startswith("The gradient vanishes on its way back: rms ")
    assert card.measured["first_rms"] < 1e-3 * card.measured["last_rms"]
    verdicts = {cause.name: cause.verdict for cause in card.causes}
    assert verdicts["vanishing-gradients"] == "confirmed"
    assert {step.id for step in card.steps} >= {"check-statistics", "check-initialisation"}
    assert "ReLU or GELU" in card.advice


def test_without_gradients_the_card_is_not_drawn():
    assert "gradients-vanish" not in told("sigmoid_stack")


def test_a_healthy_network_keeps_its_gradient():
    assert told("digits_mlp", gradients=True) == {}
