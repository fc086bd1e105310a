"""Python objects of values."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterable, Sequence
from ctypes import byref, c_int64, c_void_p
from functools import cache, partial
from typing import Any, Callable

import numpy as np

from ._addresses import SMALL, address
from ._copying import NotCopied
from ._errors import UnsupportedError, check, raise_last
from ._handles import MAP, SEQUENCE, STRING, TENSOR, VIEW_MEMBERS, VIEW_SIZE, describe, release
from ._info import ValueInfo
from ._library import TensorView, lib
from ._strings import decoded, from_strings
from ._types import MEMORY, UNPACKED, ElementType, dtype_of, unpack

_get = lib.pinion_sequence_get
_describe_elements = lib.pinion_sequence_describe
_move = ctypes.memmove
#: element type -> numpy type, of those that numpy arrays can be made of as they lie
PLAIN_TYPES = {code: dtype_of(code) for code in MEMORY}


class Owner(NotCopied):
    """Keeps a value, and what it borrows, alive for the numpy array that was made of its memory."""

    __slots__ = ("handle", "memory", "__array_interface__")
    _instead = "copy the array"
    handle: int
    memory: Any
    __array_interface__: dict[str, Any]

    def __del__(self, release: Any = release) -> None:
        release(self.handle)


def from_handle(handle: int, borrowed: Any = None, info: ValueInfo | None = None) -> Any:
    """The Python object of a value, whose reference is taken over, also on failure. Arrays keep `borrowed` alive.

    `info` is what the model declares of it.
    """
    # A declared type that says nothing is a tensor's of no element type.
    kind = info.kind if info is not None and info.element_type else None
    if kind is not TENSOR and (kind is SEQUENCE or lib.pinion_value_kind(handle) != 1):
        return _from_container(handle, borrowed, info)
    view = TensorView(VIEW_SIZE)
    status = describe(handle, byref(view))
    if status:
        release(handle)
        raise_last(status)
    rank = view.rank
    shape = tuple(view.dims[:rank]) if rank else ()
    memory = MEMORY.get(view.element_type)
    if memory is None:
        return _from_odd_tensor(handle, view, shape)
    typestr, dtype = memory
    if not view.byte_size:
        release(handle)
        return np.empty(shape, typestr if dtype is None else dtype)
    return array_of(handle, view.element_type, shape, view.data, borrowed)


def array_of(handle: int, code: int, shape: tuple[int, ...], data: int, borrowed: Any = None) -> np.ndarray:
    """The array of a tensor's elements as they lie, of a type in `PLAIN_TYPES`; the value's reference is taken over."""
    typestr, dtype = MEMORY[code]
    owner = Owner()
    owner.handle = handle
    owner.memory = borrowed
    owner.__array_interface__ = {"shape": shape, "typestr": typestr, "data": (data, bool(borrowed)), "version": 3}
    array = np.asarray(owner)
    return array if dtype is None else array.view(dtype)


def _from_odd_tensor(handle: int, view: TensorView, shape: tuple[int, ...]) -> Any:
    try:
        code, count = view.element_type, view.element_count
        if code == STRING:
            return from_strings(handle, count, shape)
        if code not in UNPACKED:
            name = ElementType(code).name.lower() if code in ElementType._value2member_map_ else str(code)
            raise UnsupportedError(f"a tensor of {name} needs the package ml_dtypes, or a newer one")
        if not view.byte_size:
            return np.empty(shape, UNPACKED[code][0])
        raw = np.frombuffer(ctypes.string_at(view.data, view.byte_size), np.uint8)
        return unpack(raw, count, code).reshape(shape)
    finally:
        release(handle)


_LISTED = {
    int(ElementType.FLOAT32): ctypes.c_float,
    int(ElementType.FLOAT64): ctypes.c_double,
    int(ElementType.INT64): c_int64,
    int(ElementType.INT32): ctypes.c_int32,
}


def _listed(handle: int) -> list[Any]:
    """All elements of a tensor, whose reference is taken over."""
    view = TensorView(VIEW_SIZE)
    status = describe(handle, byref(view))
    kind = _LISTED.get(view.element_type)
    if not status and view.element_type != STRING and (kind is None or not view.byte_size):
        return list(from_handle(handle).reshape(-1).tolist())
    try:
        check(status)
        if kind is None:
            return decoded(handle, view.element_count)
        items: list[Any] = (kind * view.element_count).from_address(view.data)[:]
        return items
    finally:
        release(handle)


def _from_maps(handle: int) -> list[dict[Any, Any]]:
    """The maps of a sequence of maps."""
    parts = c_void_p(), c_void_p(), c_void_p()
    check(lib.pinion_sequence_get_maps(handle, byref(parts[0]), byref(parts[1]), byref(parts[2])))
    keys, values = _listed(parts[0].value), _listed(parts[1].value)  # type: ignore[arg-type]
    if parts[2].value is not None:
        offsets = _listed(parts[2].value)
        return [dict(zip(keys[start:end], values[start:end])) for start, end in zip(offsets, offsets[1:])]
    if not keys:
        return [{} for _ in range(lib.pinion_sequence_count(handle))]
    rows = zip(*[iter(values)] * len(keys))
    return _dictionaries(len(keys))(keys, rows) if len(keys) <= _MOST_NAMED else [dict(zip(keys, row)) for row in rows]


# More keys than these have the dictionaries of a function of their own.
_MOST_NAMED = 32


@cache
def _dictionaries(count: int) -> Callable[[Sequence[Any], Iterable[Any]], list[dict[Any, Any]]]:
    """The function that makes a dictionary of each row, from `count` keys: one whose display has them all takes half the time of zip()."""
    keys, items = ("".join(f"{name}{index}," for index in range(count)) for name in "kv")
    pairs = ",".join(f"k{index}:v{index}" for index in range(count))
    scope: dict[str, Any] = {}
    exec(f"def dictionaries(keys, rows):\n {keys} = keys\n return [{{{pairs}}} for {items} in rows]", scope)
    made: Callable[[Sequence[Any], Iterable[Any]], list[dict[Any, Any]]] = scope["dictionaries"]
    return made


def row_maker(keys: int, rank: int) -> Callable[[list[Any]], list[dict[Any, Any]]]:
    """What makes dicts of a table's rows, or of its only one.

    Args:
        keys: a tensor's handle, which stays the caller's.
        rank: of the table.
    """
    names = from_handle(lib.pinion_value_retain(keys)).tolist()
    many: Callable[[Any], list[dict[Any, Any]]]
    if not names:
        many = lambda rows: [{} for _ in rows]
    elif len(names) <= _MOST_NAMED:
        many = partial(_dictionaries(len(names)), names)
    else:
        many = lambda rows: [dict(zip(names, row)) for row in rows]
    return many if rank == 2 else lambda row: many([row])


def _holds_maps(sequence: int) -> bool:
    if lib.pinion_sequence_count(sequence) == 0:
        return False
    out = c_void_p()
    check(lib.pinion_sequence_get(sequence, 0, byref(out)))
    try:
        return bool(lib.pinion_value_kind(out) == MAP)
    finally:
        release(out)


@cache
def _views(count: int) -> tuple[Any, bytes, Callable[..., tuple[Any, ...]]]:
    """The type of the descriptions of so many tensors, what is written there beforehand, and what reads all members at once."""
    members = struct.Struct(VIEW_MEMBERS * count)
    return TensorView * count, members.pack(*(VIEW_SIZE, 0, 0, 0, 0, 0, 0) * count), members.unpack_from


# Elements of a sequence are described so many at a time.
_AT_ONCE = 64


def _from_tensors(handle: int, borrowed: Any) -> list[Any]:
    """The elements of a sequence of tensors; little memory that nothing else has is copied sooner than an owner is made for it."""
    elements: list[Any] = []
    out = c_void_p()
    many = lib.pinion_sequence_count(handle)
    for first in range(0, many, _AT_ONCE):
        count = min(many - first, _AT_ONCE)
        kind, before, read = _views(count)
        views = kind.from_buffer_copy(before)
        check(_describe_elements(handle, first, count, views))
        told = read(views)
        for index in range(count):
            _, code, rank, extents, data, size, _ = told[7 * index : 7 * index + 7]
            dtype = PLAIN_TYPES.get(code)
            if borrowed is not None or dtype is None or size > SMALL:
                check(_get(handle, first + index, byref(out)))
                elements.append(from_handle(out.value, borrowed))  # type: ignore[arg-type]
                continue
            array = np.empty((c_int64 * rank).from_address(extents)[:] if rank else (), dtype)
            if size:
                _move(address(array), data, size)
            elements.append(array)
    return elements


def _from_container(handle: int, borrowed: Any, info: ValueInfo | None) -> Any:
    try:
        if info is not None and info.kind is SEQUENCE and info.content is not None and info.content.kind is MAP:
            return _from_maps(handle)
        if info is not None and info.kind is SEQUENCE and info.content is not None and info.content.kind is TENSOR:
            return _from_tensors(handle, borrowed)
        kind = lib.pinion_value_kind(handle)
        out = c_void_p()
        if kind == SEQUENCE:
            return _from_maps(handle) if _holds_maps(handle) else _from_tensors(handle, borrowed)
        if kind == MAP:
            check(lib.pinion_map_get_keys(handle, byref(out)))
            keys = _listed(out.value)  # type: ignore[arg-type]
            check(lib.pinion_map_get_values(handle, byref(out)))
            return dict(zip(keys, _listed(out.value)))  # type: ignore[arg-type]
        return None
    finally:
        release(handle)
