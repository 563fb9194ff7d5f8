from __future__ import annotations

import subprocess
import sys

import pytest

from actdiag import functions, rules, topics
from actdiag.diagnosis import CARDS
from actdiag.errors import UsageError
from actdiag.topics import symptoms


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("act101", "ACT101"),
        ("Dead ReLU", "ACT101"),
        ("leaky_relu", "leaky_relu"),
        ("The model is not learning!", "not-learning"),
        ("model isnt learning", "not-learning"),
        ("All outputs are the same", "outputs-all-same"),
        ("understanding Transformer FFN", "understanding a Transformer FFN"),
        ("TEMPERATURE", "temperature in generation"),
    ],
)
def test_spelling_does_not_matter(words, name):
    assert topics.look_up(words).name == name


def test_every_rule_function_and_card_has_a_page():
    names = {topic.name for topic in topics.topics()}
    assert names >= set(rules.registry())
    assert names >= {row.name for row in functions.ALL}
    assert names >= {card.symptom for card in CARDS}


def test_every_page_is_found_by_its_own_name():
    assert [topic.name for topic in topics.topics() if topics.find(topic.name) is not topic] == []


def test_every_cause_of_a_card_has_its_sentence():
    causes = {cause.name for card in CARDS for cause in card.causes}
    assert set(symptoms.CAUSES) == causes


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("swigloo", "Did you mean SwiGLU?"),
        ("temprature", "Did you mean temperature?"),
        ("xyzzy", "actdiag explain lists the topics; functions are named as in torch.nn."),
    ],
)
def test_an_unknown_word_gets_the_nearest(word, hint):
    with pytest.raises(UsageError, match=f"^nothing is known about '{word}'\n") as caught:
        topics.look_up(word)
    assert caught.value.hint == hint


def test_the_pages_are_made_without_torch():
    code = (
        "import sys; from actdiag import topics; topics.topics(); "
        "print([name for name in ('torch', 'pandas', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
