"""The controls of the job form, made from a method's parameter model, and how they are read.

The model says title, unit, bounds and words once; here they become HTML controls. Nothing
is validated here: what was typed goes to `submit`, and its faults come back beside the field.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from django.http import QueryDict
from pydantic.fields import FieldInfo

from engine.core.params import Params
from engine.core.params import live as live_names
from engine.core.params import read as read_text

FLAGS = {"on": True, "true": True, "false": False}  # a ticked box; an address
PREFIX = "p."  # of parameters among the form's names


@dataclass
class Control:
    """One parameter as a form shows it."""

    name: str
    sort: str  # "flag", "select", "checkboxes", "integer", "number", "list" or "text"
    title: str
    description: str
    unit: str
    range: str
    paper: str
    source: str
    advanced: bool
    live: bool
    least: Any
    most: Any
    options: list[tuple[str, Any]]  # (as text, as value)
    chosen: list[str] = field(default_factory=list)  # texts of the current value
    fault: str = ""

    @property
    def text(self) -> str:
        return self.chosen[0] if self.chosen else ""

    @property
    def on(self) -> bool:
        return self.text == "true"


def controls(
    model: type[Params], values: Mapping[str, Any], *, faults: Mapping[str, str] | None = None
) -> list[Control]:
    """Every parameter with its current value and fault, in the model's order."""
    made = []
    for name, info in model.model_fields.items():
        control = _control(name, info)
        control.chosen = _chosen(control, values.get(name))
        control.fault = (faults or {}).get(name, "")
        control.advanced = control.advanced and not control.fault  # never hide a fault
        made.append(control)
    return made


def read(model: type[Params], post: QueryDict) -> dict[str, Any]:
    """What the form holds, as the model is to validate it, names that it does not know included."""
    values: dict[str, Any] = {
        name: post[key]
        for key in post
        if key.startswith(PREFIX) and (name := key.removeprefix(PREFIX)) not in model.model_fields
    }
    for name, info in model.model_fields.items():
        control, key = _control(name, info), PREFIX + name
        if control.sort == "checkboxes":
            known = dict(control.options)
            values[name] = [known.get(text, text) for text in post.getlist(key)]
        elif control.sort == "flag":
            text = post.get(key, "false")
            values[name] = FLAGS.get(text, text)
        elif key in post:
            values[name] = _read_one(control, info, text=post[key])
    return values


def asked(model: type[Params], query: QueryDict) -> dict[str, Any]:
    """What an address sets, in the names of the form; it says nothing of the others."""
    return {name: value for name, value in read(model, query).items() if PREFIX + name in query}


def live(
    model: type[Params], values: Mapping[str, Any], *, faults: Mapping[str, str] | None = None
) -> list[Control]:
    """The controls of those that may change while the job runs."""
    return [control for control in controls(model, values, faults=faults) if control.live]


def read_live(model: type[Params], post: QueryDict) -> dict[str, Any]:
    """What a form of those controls holds, and whatever else was sent, to be refused by name."""
    known = live_names(model)
    found = read(model, post).items()
    return {name: value for name, value in found if name in known or PREFIX + name in post}


def _read_one(control: Control, info: FieldInfo, *, text: str) -> Any:
    """An option has the value that it stands for: a Literal of numbers takes no text."""
    text, known = text.strip(), dict(control.options)
    return known[text] if text in known else read_text(info.annotation, text)


def _control(name: str, info: FieldInfo) -> Control:
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    bounds = _bounds(info)
    sort, options = _sort(info.annotation)
    paper = extra.get("paper")
    return Control(
        name=name,
        sort=sort,
        title=info.title or name,
        description=info.description or "",
        unit=extra.get("unit") or "",
        range=_range(bounds),
        paper="" if paper is None else _text(paper),
        source=extra.get("source") or "",
        advanced=bool(extra.get("advanced")),
        live=bool(extra.get("live")),
        least=bounds.get("ge", bounds.get("gt")),
        most=bounds.get("le", bounds.get("lt")),
        options=_options(info.annotation, options),
    )


def _options(annotation: Any, values: tuple) -> list[tuple[str, Any]]:
    """Where nothing may be chosen, that is the first option, and its text is empty."""
    none = [("", None)] if values and (None in values or _optional(annotation)) else []
    return none + [(_text(value), value) for value in values if value is not None]


def _sort(annotation: Any) -> tuple[str, tuple]:
    """The sort of control for a type, with the options of a Literal."""
    kind = _without_none(annotation)
    origin = get_origin(kind)
    if origin is Literal:
        return "select", get_args(kind)
    if origin in (list, tuple, set, frozenset):
        inside = _without_none(get_args(kind)[0]) if get_args(kind) else str
        if get_origin(inside) is Literal:
            return "checkboxes", get_args(inside)
        return "list", ()
    if kind is bool:
        return "flag", ()
    return {int: "integer", float: "number"}.get(kind, "text"), ()


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, UnionType):
        rest = [part for part in get_args(annotation) if part is not NoneType]
        return rest[0] if len(rest) == 1 else str
    return annotation


def _optional(annotation: Any) -> bool:
    return NoneType in get_args(annotation)


def _bounds(info: FieldInfo) -> dict[str, Any]:
    found = {}
    for name in ("ge", "gt", "le", "lt"):
        for item in info.metadata:
            value = getattr(item, name, None)
            if value is not None:
                found[name] = value
    return found


SIGNS = (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))


def _range(bounds: Mapping[str, Any]) -> str:
    told = {name: f"{value:,}" if isinstance(value, int) else f"{value:g}"
            for name, value in bounds.items()}  # fmt: skip
    if "ge" in told and "le" in told:
        return f"{told['ge']} to {told['le']}"
    return ", ".join(f"{sign} {told[name]}" for name, sign in SIGNS if name in told)


def _chosen(control: Control, value: Any) -> list[str]:
    if control.sort == "checkboxes":
        return [_text(item) for item in value or ()]
    if value is None:
        return [""]
    return [_text(value)]


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
