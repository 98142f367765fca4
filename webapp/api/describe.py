"""The OpenAPI read for people: sections of operations, as the page of the API lists them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]
SHOWN_ANSWERS = ("200", "201", "204")


@dataclass(frozen=True)
class Field:
    name: str
    place: str  # path, query, header, or body
    kind: str
    required: bool
    default: str
    description: str
    is_file: bool = False


@dataclass(frozen=True)
class Operation:
    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Field]
    body: list[Field]
    example: str  # JSON; empty where the body is a form, or there is none
    is_form: bool
    raw: str  # the media type of a body that is the bytes of a file, or empty
    answer: str  # what a good one holds: the names of its fields


@dataclass(frozen=True)
class Section:
    title: str
    operations: list[Operation]


def sections(openapi: Schema) -> list[Section]:
    found: dict[str, list[Operation]] = {}
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            tag = operation.get("tags", ["other"])[0]
            found.setdefault(tag, []).append(_operation(openapi, path, method, operation))
    return [Section(title, operations) for title, operations in found.items()]


def _operation(openapi: Schema, path: str, method: str, operation: Schema) -> Operation:
    content = operation.get("requestBody", {}).get("content", {})
    media: str = next(iter(content), "")
    body = _resolve(openapi, content.get(media, {}).get("schema", {}))
    raw = media if body.get("format") == "binary" else ""
    is_json = media == "application/json"
    return Operation(
        id=f"{method}-{path.strip('/').replace('/', '-').replace('{', '').replace('}', '')}",
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        parameters=[
            _field(openapi, each["name"], each.get("schema", {}), **_about(each))
            for each in operation.get("parameters", [])
        ],
        body=_body_fields(openapi, body),
        example=json.dumps(_example(openapi, body), indent=2) if is_json and body else "",
        is_form=bool(media) and not (is_json or raw),
        raw=raw,
        answer=_answer(openapi, operation),
    )


def _about(parameter: Schema) -> dict[str, Any]:
    return {
        "place": parameter["in"],
        "required": parameter.get("required", False),
        "description": parameter.get("description", ""),
    }


def _body_fields(openapi: Schema, body: Schema) -> list[Field]:
    required = body.get("required", [])
    return [
        _field(openapi, name, shape, place="body", required=name in required)
        for name, shape in body.get("properties", {}).items()
    ]


def _field(
    openapi: Schema,
    name: str,
    schema: Schema,
    *,
    place: str,
    required: bool,
    description: str = "",
) -> Field:
    shape = _resolve(openapi, schema)
    default = schema.get("default")
    return Field(
        name=name,
        place=place,
        kind=_kind(openapi, shape),
        required=required,
        default="" if default is None else json.dumps(default).strip('"'),
        description=description or schema.get("description", ""),
        is_file=shape.get("format") == "binary",
    )


def _resolve(openapi: Schema, schema: Schema) -> Schema:
    """The schema that a reference names; of "this or null" the first."""
    while "$ref" in schema or "anyOf" in schema or "allOf" in schema:
        if "$ref" in schema:
            schema = openapi["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        else:
            schema = (schema.get("anyOf") or schema["allOf"])[0]
    return schema


def _kind(openapi: Schema, schema: Schema) -> str:
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_kind(openapi, _resolve(openapi, schema.get('items', {})))}"
    bounds = [
        f"{word} {schema[key]}"
        for key, word in (("minimum", "at least"), ("maximum", "at most"))
        if key in schema
    ]
    return ", ".join([schema.get("format") or kind or "", *bounds])


EMPTY = {"string": "", "integer": 0, "number": 0.0, "boolean": False, "array": [], "object": {}}


def _example(openapi: Schema, body: Schema) -> dict[str, Any]:
    """What must be given, and an empty value of its type."""
    required = body.get("required", []) or list(body.get("properties", {}))[:1]
    return {
        name: shape.get("default", EMPTY.get(_resolve(openapi, shape).get("type", "")))
        for name, shape in body.get("properties", {}).items()
        if name in required
    }


def _answer(openapi: Schema, operation: Schema) -> str:
    for status in SHOWN_ANSWERS:
        content = operation["responses"].get(status, {}).get("content", {})
        for shape in content.values():
            schema = _resolve(openapi, shape["schema"])
            many = schema.get("type") == "array"
            one = _resolve(openapi, schema["items"]) if many else schema
            names = ", ".join(one.get("properties", {}))
            return f"{status}: {'a list of ' if many else ''}{{{names}}}"
    return ""
