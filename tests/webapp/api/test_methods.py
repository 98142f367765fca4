import pytest

from engine.core.registry import methods

pytestmark = pytest.mark.django_db


def test_every_method_is_listed(caller, viewer):
    listed = caller(viewer).get("/methods").json()
    assert [row["slug"] for row in listed] == list(methods())


def test_one_is_its_card(caller, viewer):
    shown = caller(viewer).get("/methods/fake").json()
    assert shown["defaults"] == methods()["fake"].defaults()
    assert shown["params"]["properties"]["scale"]["exclusiveMinimum"] == 0


def test_an_unknown_one_is_not_found(caller, viewer):
    assert caller(viewer).get("/methods/none").status_code == 404
