"""Numpy arrays, scipy csr matrices, dicts and lists out of a pickle, and nothing else.

Nothing is unpickled: no class is imported and no constructor called. The pickle's operations
are read one by one (`pickletools.genops` only decodes them) into plain values, and the few
globals that arrays are written with stand for records of ours, whose content is proven
consistent before numpy sees it. Every other global is refused by its name. There is no
recursion, and the number of operations and the bytes are bounded.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pickletools import genops
from typing import Any

import numpy as np

from engine.core.errors import UserError
from engine.data.archive import Member

MAX_BYTES = 256 << 20
MAX_STEPS = 10_000_000  # 2 million edges of a dict of lists take 5 million; each is ~100 bytes
PROTOCOLS = (2, 3, 4)


class Name(Enum):
    """What a global may be; Python 2 and 3, old and new numpy and scipy call them differently."""

    ARRAY = "numpy.ndarray"
    NEW_ARRAY = "numpy._reconstruct"
    TYPE = "numpy.dtype"
    MATRIX = "scipy.sparse.csr_matrix"
    DICT = "collections.defaultdict"
    LIST = "list"
    BYTES = "_codecs.encode"
    NO_BYTES = "bytes"


GLOBALS = {
    "numpy ndarray": Name.ARRAY,
    "numpy dtype": Name.TYPE,
    "numpy.core.multiarray _reconstruct": Name.NEW_ARRAY,
    "numpy._core.multiarray _reconstruct": Name.NEW_ARRAY,
    "scipy.sparse.csr csr_matrix": Name.MATRIX,
    "scipy.sparse._csr csr_matrix": Name.MATRIX,
    "collections defaultdict": Name.DICT,
    "__builtin__ list": Name.LIST,
    "builtins list": Name.LIST,
    # How Python 3 writes bytes for Python 2: text in latin-1, or a call where there are none.
    "_codecs encode": Name.BYTES,
    "__builtin__ bytes": Name.NO_BYTES,
}
_CODE = re.compile(r"b1|[iu][1248]|f[248]")
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_VALUES = {"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINSTRING", "SHORT_BINSTRING"}
_VALUES |= {"BINUNICODE", "SHORT_BINUNICODE", "BINBYTES", "SHORT_BINBYTES"}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_MARK = object()


class Malformed(Exception):
    """An operation on what it does not fit."""


@dataclass
class _Type:
    code: str  # as "i4"
    order: str = "="


@dataclass
class _Array:
    values: np.ndarray | None = None


@dataclass
class _Matrix:
    state: dict[Any, Any] | None = None


@dataclass
class _Machine:
    where: str
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)
    built: int = 0  # bytes of all arrays: many may be made of the same bytes

    def step(self, name: str, argument: Any) -> None:
        if name in _VALUES:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _TUPLES:
            self.stack.append(tuple(self.pop(_TUPLES[name])))
        elif name in ("BINPUT", "LONG_BINPUT"):
            self.memo[argument] = self.top()
        elif name in ("BINGET", "LONG_BINGET"):
            if argument not in self.memo:
                raise Malformed(f"takes up value {argument}, which was not kept")
            self.stack.append(self.memo[argument])
        elif name in _STEPS:
            _STEPS[name](self, argument)
        elif name not in ("FRAME", "STOP"):
            raise Malformed(f"operation {name}, which no array, dict or list is written with")

    def top(self) -> Any:
        return self.stack[-1] if self.stack and self.stack[-1] is not _MARK else self.pop(1)

    def pop(self, count: int) -> list[Any]:
        """The last `count` values, in the order of their coming."""
        taken = self.stack[-count:]
        if len(taken) < count or any(value is _MARK for value in taken):
            raise Malformed("takes a value where there is none")
        del self.stack[-count:]
        return taken

    def pop_marked(self) -> list[Any]:
        """All values since the last mark, in linear time of their number."""
        taken: list[Any] = []
        while self.stack:
            value = self.stack.pop()
            if value is _MARK:
                return taken[::-1]
            taken.append(value)
        raise Malformed("closes a list that was not opened")


def read_pickle(member: Member) -> Any:
    """Arrays as numpy arrays, csr matrices as dicts of their attributes, the rest as it is."""
    machine = _Machine(member.name)
    try:
        _run(machine, member.read(MAX_BYTES))
        (result,) = machine.pop(1)
        if machine.stack:
            raise Malformed("ends with values left over")
        return _plain(result)
    except (Malformed, ValueError, OverflowError) as fault:  # ValueError: out of `genops`
        raise UserError(
            member.name,
            f"a damaged pickle, or not one of arrays, csr matrices, dicts and lists: {fault}",
        ) from fault


def _run(machine: _Machine, content: bytes) -> None:
    for count, (operation, argument, _) in enumerate(genops(io.BytesIO(content))):
        if count == 0 and (operation.name != "PROTO" or argument not in PROTOCOLS):
            raise Malformed("expected a pickle of protocol 2, 3 or 4")
        if count > MAX_STEPS:
            raise UserError(machine.where, f"over {MAX_STEPS:,} operations, the most of a pickle")
        if count:
            machine.step(operation.name, argument)


def _plain(value: Any) -> Any:
    if isinstance(value, _Array):
        return _values(value)
    if isinstance(value, _Matrix):
        if value.state is None:
            raise Malformed("a matrix without content")
        return {key: _plain(part) for key, part in value.state.items()}
    if isinstance(value, Name | _Type):
        raise Malformed("a type where a value is expected")
    return value


def _values(array: _Array) -> np.ndarray:
    if array.values is None:
        raise Malformed("an array without content")
    return array.values


def _find(machine: _Machine, name: Any) -> None:
    if name not in GLOBALS:
        raise UserError(
            machine.where,
            f"a pickle that names {str(name)[:80].replace(' ', '.')!a}, which is never opened; "
            "expected numpy arrays, scipy csr matrices, dicts and lists only",
        )
    machine.stack.append(GLOBALS[name])


def _find_on_stack(machine: _Machine, _: None) -> None:
    module, name = machine.pop(2)
    if not isinstance(module, str) or not isinstance(name, str):
        raise Malformed("a global without a name")
    _find(machine, f"{module} {name}")


def _call(machine: _Machine, _: None) -> None:
    """A global applied to arguments: exactly as numpy, scipy and Python write their own."""
    what, given = machine.pop(2)
    match what, given:
        case (Name.NEW_ARRAY, (Name.ARRAY, (0,), "b" | b"b")):
            machine.stack.append(_Array())
        case (Name.MATRIX, ()):
            machine.stack.append(_Matrix())
        case (Name.DICT, () | (Name.LIST,)):
            machine.stack.append({})
        case (Name.BYTES, (str() as text, "latin1")):
            machine.stack.append(_bytes(text))
        case (Name.NO_BYTES, ()):
            machine.stack.append(b"")
        case (Name.TYPE, (str() as code, int(), int())) if _CODE.fullmatch(code):
            machine.stack.append(_Type(code))
        case (Name.TYPE, (str() as code, *_)):
            raise Malformed(f"an array of type {code[:20]!a}; expected numbers")
        case _:
            raise Malformed("a call that no array, matrix or dict is written with")


def _build(machine: _Machine, _: None) -> None:
    (state,) = machine.pop(1)
    match machine.top(), state:
        case (_Type() as kind, (int(), "<" | ">" | "|" | "=" as order, None, None, None, *_)):
            kind.order = order
        case (_Array() as array, (1, tuple() as shape, _Type() as kind, bool() as fortran, body)):
            array.values = _array(shape, kind, _bytes(body), fortran=fortran)
            machine.built += array.values.nbytes
            if machine.built > MAX_BYTES:
                raise UserError(machine.where, f"arrays of over {MAX_BYTES:,} bytes, the most")
        case (_Matrix() as matrix, dict()):
            matrix.state = state
        case _:
            raise Malformed("content that no array or matrix is written with")


def _bytes(body: Any) -> bytes:
    """Python 2 has its bytes read as text, one letter each."""
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode("latin-1")
    raise Malformed("an array whose content is no bytes")


def _array(shape: tuple[Any, ...], kind: _Type, body: bytes, *, fortran: bool) -> np.ndarray:
    if not all(type(side) is int and 0 <= side < 2**48 for side in shape) or len(shape) > 2:
        raise Malformed("an array of another shape than a row or a table")
    dtype = np.dtype(kind.order + kind.code)
    claimed = math.prod(shape) * dtype.itemsize
    if claimed != len(body):
        raise Malformed(f"an array that claims {claimed:,} bytes, where {len(body):,} are there")
    values = np.frombuffer(body, dtype=dtype).reshape(shape, order="F" if fortran else "C")
    return values.astype(dtype.newbyteorder("="), order="C")


def _append(machine: _Machine, values: list[Any]) -> None:
    target = machine.top()
    if type(target) is not list:
        raise Malformed("an entry of a list outside of one")
    target.extend(values)


def _set(machine: _Machine, values: list[Any]) -> None:
    target = machine.top()
    if type(target) is not dict or len(values) % 2:
        raise Malformed("an entry of a dict outside of one")
    for key, value in zip(values[::2], values[1::2], strict=True):
        if type(key) not in (int, str):
            raise Malformed("a key of a dict that is neither a number nor text")
        if key in target:
            raise Malformed(f"key {str(key)[:40]!a} of a dict is there twice")
        target[key] = value


_STEPS: dict[str, Callable[[_Machine, Any], Any]] = {
    "MARK": lambda machine, _: machine.stack.append(_MARK),
    "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
    "EMPTY_DICT": lambda machine, _: machine.stack.append({}),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.pop_marked())),
    "APPEND": lambda machine, _: _append(machine, machine.pop(1)),
    "APPENDS": lambda machine, _: _append(machine, machine.pop_marked()),
    "SETITEM": lambda machine, _: _set(machine, machine.pop(2)),
    "SETITEMS": lambda machine, _: _set(machine, machine.pop_marked()),
    "MEMOIZE": lambda machine, _: machine.memo.setdefault(len(machine.memo), machine.top()),
    "GLOBAL": _find,
    "STACK_GLOBAL": _find_on_stack,
    "REDUCE": _call,
    "NEWOBJ": _call,
    "BUILD": _build,
}
