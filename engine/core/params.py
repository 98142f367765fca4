"""Parameters of a method: said once in its card, read by the form, API, door and docs."""

from __future__ import annotations

import re
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from engine.core.errors import UserError
from engine.core.wording import worded

Model = TypeVar("Model", bound=BaseModel)

# How people write numbers; pydantic would read 1_0 and, as a whole number, 5.0 too.
SPELLED = {
    int: re.compile(r"[+-]?[0-9]+"),
    float: re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"),
}


class Params(BaseModel):
    """Base of every parameter model: frozen, and a name that it does not know is refused.

    Types are exact, since values come as JSON: true is no number, nor is the text "5". What
    people type is read by `from_text` first. A list of values is a `list`: JSON has no other.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)


def param(
    default: Any,
    title: str,
    description: str,
    *,
    unit: str | None = None,
    paper: Any = None,
    source: str = "ours",
    live: bool = False,
    advanced: bool = False,
    **bounds: Any,
) -> Any:
    """One parameter: its default, its words, its bounds (`ge`, `le`, `gt`, `lt`, …).

    `paper` is the paper's own value where it states one, `source` says where the default
    comes from, `live` parameters may change while the job runs, `advanced` ones are folded.
    """
    extra = {
        "unit": unit,
        "paper": paper,
        "source": source,
        "live": live,
        "advanced": advanced,
    }
    return Field(
        default,
        title=title,
        description=description,
        json_schema_extra={key: value for key, value in extra.items() if value is not None},
        validate_default=True,
        **bounds,
    )


def parse(model: type[Model], values: Any) -> Model:
    """Validated parameters, or the first fault as a `UserError` that names the parameter."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        where, expected = faults(error)[0]
        raise UserError(where, expected) from None


def faults(error: ValidationError) -> list[tuple[str, str]]:
    """Every fault of a validation as (parameter, what was expected and what came)."""
    lines = []
    for item in error.errors(include_url=False):
        name, *places = item["loc"] or ("parameters",)
        inside = [f"value {place + 1}" if isinstance(place, int) else place for place in places]
        if item["type"] == "extra_forbidden":
            lines.append((str(name), "this method has no such parameter"))
        else:
            lines.append((str(name), ": ".join([*inside, worded(item)])))
    return lines


def differences(params: Params, before: Params) -> dict[str, Any]:
    """The parameters that are not what they were before."""
    return {name: value for name, value in params if getattr(before, name) != value}


def from_text(model: type[Params], settings: dict[str, str]) -> dict[str, Any]:
    """Values of `--set NAME=VALUE`: a list is written with commas.

    Where None is allowed, an empty text means it.
    """
    values: dict[str, Any] = {}
    for name, text in settings.items():
        field = model.model_fields.get(name)
        values[name] = text if field is None else read(field.annotation, text)
    return values


def read(annotation: Any, text: str) -> Any:
    """The value of that type which a text means; the text where it means none: `parse` refuses."""
    kinds = _alternatives(annotation)
    if text == "" and NoneType in kinds:
        return None
    for kind in kinds:
        if get_origin(kind) is list:
            (inside,) = get_args(kind)
            return [read(inside, part.strip()) for part in text.split(",") if part.strip()]
        for choice in get_args(kind) if get_origin(kind) is Literal else ():
            if str(choice) == text.strip():
                return choice
    spelled = [SPELLED[kind] for kind in kinds if kind in SPELLED]
    if spelled and not any(pattern.fullmatch(text.strip()) for pattern in spelled):
        return text
    try:
        return TypeAdapter(annotation).validate_python(text)
    except ValidationError:
        return text


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    """What a parameter may be: `int | None` is an int or nothing."""
    if get_origin(annotation) in (Union, UnionType):
        return get_args(annotation)
    return (annotation,)


def live(model: type[Params]) -> set[str]:
    """The parameters that may change while the job runs."""
    found = set()
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and extra.get("live"):
            found.add(name)
    return found


def changed(params: Params, values: dict[str, Any]) -> Params:
    """`params` with live ones changed; refuses others, and values out of bounds."""
    model = type(params)
    for name in values:
        if name not in model.model_fields:
            raise UserError(name, "this method has no such parameter")
        if name not in live(model):
            raise UserError(name, "cannot change while the job runs")
    return parse(model, {**params.model_dump(mode="json"), **values})


def overlaid(params: Params, stored: dict[str, Any]) -> Params:
    """`params` with the live ones as a checkpoint stored them."""
    return changed(params, {name: stored[name] for name in live(type(params)) if name in stored})
