"""Values inside the JSON columns of a job as SQL expressions, alike on SQLite and PostgreSQL.

Django's own JSON lookups compare across types (on PostgreSQL null is smaller than every
number), and the two databases disagree on booleans. Here a value of the wrong type is NULL.
"""

from __future__ import annotations

import re
from typing import Any

from django.db.models import BooleanField, FloatField, Func, TextField

KEY = re.compile(r"[A-Za-z0-9_.\-/]{1,200}")  # no quote: keys become parts of a JSON path


class _Inside(Func):
    """A value under one key of a JSON column; the key may hold dots."""

    template = ""

    def __init__(self, column: str, key: str):
        if not KEY.fullmatch(key):
            raise ValueError(f"no key of a JSON column: {key!r}")
        self.key = key
        super().__init__(column)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.source_expressions[0]!r}, {self.key!r})"

    # The key is part of what makes two expressions equal.
    @property
    def identity(self) -> tuple:
        return (*super().identity, self.key)

    def _sql(self, compiler: Any, connection: Any, *, template: str, argument: str) -> tuple:
        column, params = compiler.compile(self.source_expressions[0])
        times = template.count("%s")
        return template.format(column=column), [*params * template.count("{column}")] + (
            [argument] * times
        )

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple:
        return self._sql(
            compiler, connection, template=self.sqlite, argument='$."' + self.key + '"'
        )

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple:
        return self._sql(compiler, connection, template=self.postgresql, argument=self.key)


class Number(_Inside):
    """The number under the key (true is 1, false 0), or NULL."""

    output_field = FloatField()
    sqlite = (
        "(CASE WHEN json_type({column}, %s) IN ('integer', 'real', 'true', 'false')"
        " THEN CAST(json_extract({column}, %s) AS REAL) END)"
    )
    postgresql = (
        "(CASE jsonb_typeof({column} -> %s)"
        " WHEN 'number' THEN ({column} ->> %s)::double precision"
        " WHEN 'boolean' THEN ({column} ->> %s)::boolean::int::double precision END)"
    )


class Text(_Inside):
    """What stands under the key, as text; a list as JSON. NULL if nothing or null."""

    output_field = TextField()
    sqlite = (
        "(CASE json_type({column}, %s) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false'"
        " ELSE CAST(json_extract({column}, %s) AS TEXT) END)"
    )
    postgresql = "({column} ->> %s)"


class Tagged(Func):
    """Whether the JSON list of a column holds a word."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, column: str, word: str):
        self.word = word
        super().__init__(column)

    @property
    def identity(self) -> tuple:
        return (*super().identity, self.word)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple:
        column, params = compiler.compile(self.source_expressions[0])
        sql = f"EXISTS (SELECT 1 FROM json_each({column}) AS word WHERE word.value = %s)"  # noqa: S608
        return sql, [*params, self.word]

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple:
        column, params = compiler.compile(self.source_expressions[0])
        return f"jsonb_exists({column}, %s)", [*params, self.word]
