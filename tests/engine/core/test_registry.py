"""Methods and their cards."""

from __future__ import annotations

import json

import pytest

from engine.core import registry
from engine.core.errors import UserError
from engine.core.method import resolve


def test_folders_of_the_variable_are_added():
    fake = registry.method("fake")
    assert fake.package == "fake"
    assert fake.folder.name == "fake"


def test_an_unknown_method_is_answered_with_the_known_ones():
    with pytest.raises(UserError, match=r"no method is called 'nope'; there are: .*fake"):
        registry.method("nope")


@pytest.mark.parametrize("slug", list(registry.methods()))
def test_every_card_describes_itself_as_json(slug):
    card = json.loads(json.dumps(registry.method(slug).describe(), allow_nan=False))
    assert card["slug"] == slug
    assert card["defaults"].keys() == card["params"]["properties"].keys()
    for about in card["params"]["properties"].values():
        assert about["title"]
        assert about["description"]


@pytest.mark.parametrize("slug", list(registry.methods()))
def test_what_a_card_names_is_there(slug):
    method = registry.method(slug)
    assert callable(resolve(method.entry))
    if method.whatif is not None:
        answers = resolve(method.whatif)
        for question in method.questions:
            assert callable(getattr(answers, question.name))


def test_a_metric_is_found_by_its_key_before_its_family():
    fake = registry.method("fake")
    assert fake.metric("value").title == "Value"
    assert fake.metric("value.7").title == "Value of another walker"
    assert fake.metric("baseline.flat.value").title == "Value of a baseline"
    assert fake.metric("loss") is None
