"""Parameters of a method: said once in its card, read by the form, API, door and docs."""

from __future__ import annotations

from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.core.errors import UserError


class Params(BaseModel):
    """Base of every parameter model: frozen, and a name that it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


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


def parse(model: type[Params], values: dict[str, Any]) -> Params:
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
        name = ".".join(str(part) for part in item["loc"]) or "parameters"
        if item["type"] == "extra_forbidden":
            lines.append((name, "this method has no such parameter"))
        else:
            lines.append((name, f"{item['msg']}, got {item['input']!r:.80}"))
    return lines


def differences(params: Params, before: Params) -> dict[str, Any]:
    """The parameters that are not what they were before."""
    return {name: value for name, value in params if getattr(before, name) != value}


def from_text(model: type[Params], settings: dict[str, str]) -> dict[str, Any]:
    """Values of `--set NAME=VALUE`: a list is written with commas; pydantic reads the rest.

    Where None is allowed, an empty text means it.
    """
    values: dict[str, Any] = {}
    for name, text in settings.items():
        field = model.model_fields.get(name)
        kinds = _alternatives(field.annotation) if field is not None else ()
        if text == "" and type(None) in kinds:
            values[name] = None
        elif any(get_origin(kind) in (list, tuple, set) for kind in kinds):
            values[name] = [part.strip() for part in text.split(",") if part.strip()]
        else:
            values[name] = text
    return values


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
