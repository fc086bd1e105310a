"""All that a value holds as plain objects, for copies and pickles."""

from __future__ import annotations

import ctypes
from ctypes import byref, c_void_p
from typing import Any

from ._errors import InvalidArgumentError, check
from ._handles import VIEW_SIZE, describe, dims_array, release
from ._info import Kind
from ._library import TensorView, lib
from ._strings import split_text, text_and_offsets, text_of
from ._types import ElementType


def contents(handle: Any) -> tuple[Any, ...]:
    """All that a value holds as Python objects, exactly: kind, then element type, dimensions and bytes or strings, or elements."""
    kind = Kind(lib.pinion_value_kind(handle))
    out = c_void_p()
    if kind is Kind.TENSOR:
        view = TensorView(VIEW_SIZE)
        check(describe(handle, byref(view)))
        shape = tuple(view.dims[: view.rank]) if view.rank else ()
        if view.element_type != ElementType.STRING:
            return kind, int(view.element_type), shape, ctypes.string_at(view.data, view.byte_size) if view.byte_size else b""
        text, offsets = text_and_offsets(handle, view.element_count)
        return kind, int(view.element_type), shape, split_text(text, offsets, view.element_count)
    if kind is Kind.SEQUENCE:
        elements = []
        for index in range(lib.pinion_sequence_count(handle)):
            check(lib.pinion_sequence_get(handle, index, byref(out)))
            elements.append(_contents_of_own(out.value))
        return kind, elements
    if kind is Kind.MAP:
        check(lib.pinion_map_get_keys(handle, byref(out)))
        keys = _contents_of_own(out.value)
        check(lib.pinion_map_get_values(handle, byref(out)))
        return kind, keys, _contents_of_own(out.value)
    return (kind,)


def _contents_of_own(handle: Any) -> tuple[Any, ...]:
    try:
        return contents(handle)
    finally:
        release(handle)


def handle_of(contents: tuple[Any, ...]) -> int:
    """A new pinion_value of what `contents` gave."""
    kind, *rest = contents
    out = c_void_p()
    if kind == Kind.TENSOR:
        code, shape, data = rest
        dims = dims_array(shape)
        if code == ElementType.STRING:
            return text_of(data, len(shape), dims)
        check(lib.pinion_tensor_create(None, code, len(shape), dims, byref(out)))
        view = TensorView(VIEW_SIZE)
        check(describe(out, byref(view)))
        if view.byte_size != len(data):
            release(out)
            raise InvalidArgumentError(f"{len(data)} bytes for a tensor of {view.byte_size}")
        ctypes.memmove(view.data, data, len(data))
    elif kind == Kind.SEQUENCE:
        check(lib.pinion_sequence_create(byref(out)))
        try:
            for element in rest[0]:
                handle = handle_of(element)
                try:
                    check(lib.pinion_sequence_append(out, handle))
                finally:
                    release(handle)
        except BaseException:
            release(out)
            raise
    elif kind == Kind.MAP:
        keys = handle_of(rest[0])
        try:
            values = handle_of(rest[1])
            try:
                check(lib.pinion_map_create(keys, values, byref(out)))
            finally:
                release(values)
        finally:
            release(keys)
    else:
        check(lib.pinion_none_create(byref(out)))
    return out.value  # type: ignore[return-value]
