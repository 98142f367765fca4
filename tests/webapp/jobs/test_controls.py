"""Controls for every type that a parameter can have, there and back."""

from __future__ import annotations

from typing import Literal

import pytest
from django.http import QueryDict

from engine.core.params import Params, param
from webapp.jobs import controls


class Every(Params):
    whole: int = param(3, "Whole", "", ge=1, le=9, unit="s", paper=4)
    broken: float = param(0.5, "Broken", "", gt=0)
    maybe: int | None = param(None, "Maybe", "")
    flag: bool = param(True, "Flag", "")
    word: str = param("a", "Word", "")
    size: Literal[16, 32] = param(16, "Size", "")
    either: Literal["x", None] = param(None, "Either", "")
    some: list[Literal["p", "q"]] = param(["p"], "Some", "")
    numbers: list[float] = param([0.1, 2.0], "Numbers", "", paper=[0.5, 1])
    folded: int = param(0, "Folded", "", advanced=True)


def by_name(values=None, faults=None) -> dict[str, controls.Control]:
    found = controls.controls(Every, values or Every().model_dump(), faults=faults)
    return {control.name: control for control in found}


@pytest.mark.parametrize(
    ("name", "sort"),
    [
        ("whole", "integer"), ("broken", "number"), ("maybe", "integer"), ("flag", "flag"),
        ("word", "text"), ("size", "select"), ("either", "select"), ("some", "checkboxes"),
        ("numbers", "list"),
    ],
)  # fmt: skip
def test_each_type_has_its_sort(name, sort):
    assert by_name()[name].sort == sort


def test_bounds_units_and_the_papers_value_are_shown():
    whole, broken = by_name()["whole"], by_name()["broken"]
    assert (whole.range, whole.unit, whole.paper, whole.least) == ("1 to 9", "s", "4", 1)
    assert broken.range == "> 0"
    assert by_name()["numbers"].paper == "0.5, 1"


def test_defaults_go_there_and_back():
    post = QueryDict(mutable=True)
    for control in by_name().values():
        if control.sort == "flag":
            if control.on:
                post[f"p.{control.name}"] = "on"
        else:
            post.setlist(f"p.{control.name}", control.chosen or [""])
    post.setlist("p.some", ["p"])
    assert Every.model_validate(controls.read(Every, post)) == Every()


def test_an_option_that_is_no_text_keeps_its_type():
    assert controls.read(Every, QueryDict("p.size=32"))["size"] == 32


def test_nothing_is_left_out_silently():
    """An emptied number field is a fault, not the default."""
    with pytest.raises(ValueError, match="whole"):
        Every.model_validate(controls.read(Every, QueryDict("p.whole=")))


def test_a_fault_stands_at_its_parameter_and_unfolds_it():
    found = by_name(faults={"numbers": "value 2: expected a number", "folded": "less"})
    assert found["numbers"].fault == "value 2: expected a number"
    assert not found["folded"].advanced
