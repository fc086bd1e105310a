"""Tensors of strings: texts and offsets in C, lists and arrays of objects in Python."""

from __future__ import annotations

import ctypes
from ctypes import byref, c_int64, c_void_p
from itertools import accumulate
from typing import Any

import numpy as np

from ._addresses import address, bytes_address
from ._errors import InvalidArgumentError, check
from ._library import lib
from ._text import c_text
from ._types import STRINGS


def strings(array: np.ndarray, dims: Any) -> int:
    """A new tensor of the strings in an array."""
    text, offsets, _kept = flat_text(array)
    return _text(text, offsets, array.ndim, dims)


def flat_text(array: np.ndarray) -> tuple[bytes, int, Any]:
    """The strings of an array one after the other, the address of where each begins, and what keeps that alive."""
    items = array.tolist() if array.ndim == 1 else array.reshape(-1).tolist()
    count = len(items)
    if count >= _MANY:
        try:
            text = "\0".join(items).encode("utf-8", "surrogateescape")
        except (TypeError, UnicodeEncodeError):
            text = b""
        if text.count(b"\0") == count - 1:
            # No string holds a zero, so that these tell where each ends.
            offsets = np.empty(count + 1, np.int64)
            offsets[0], offsets[count] = 0, len(text) - (count - 1)
            offsets[1:count] = np.flatnonzero(np.frombuffer(text, np.uint8) == 0) - np.arange(count - 1)
            return text.replace(b"\0", b""), address(offsets), offsets
    return _joined([encoded_one(item) for item in items])


# Strings from which on it pays to treat them all at once.
_MANY = 32


def encoded_one(item: Any) -> bytes:
    if isinstance(item, str):
        return c_text(item, nul=True)
    if isinstance(item, (bytes, bytearray)):
        return bytes(item)
    kind = type(item).__name__
    raise InvalidArgumentError(f"an array of objects is one of strings, this holds {kind}; .astype(np.float32) makes numbers, .astype(str) strings")


def encoded(items: list[Any]) -> list[bytes]:
    """The bytes of each string."""
    try:
        return [*map(str.encode, items)]
    except (UnicodeEncodeError, TypeError):
        return [encoded_one(item) for item in items]


def encoded_views(array: np.ndarray) -> tuple[np.ndarray, bytes]:
    """Where each string of an array begins and how many bytes it has, as pinion_string_view, and what they lie in."""
    items = array.tolist() if array.ndim == 1 else array.reshape(-1).tolist()
    count = len(items)
    views = np.empty((count, 2), np.int64)
    try:
        text = "\0".join(items).encode("utf-8", "surrogateescape")
        # Where no string holds a zero these tell where each ends.
        if _split(bytes_address(text), len(text), count, address(views)) == 0:
            return views, text
    except (TypeError, UnicodeEncodeError):
        pass
    parts = [encoded_one(item) for item in items]
    text = b"".join(parts)
    lengths = views[:, 1] = np.fromiter(map(len, parts), np.int64, count)
    views[:, 0] = np.cumsum(lengths) - lengths + bytes_address(text)
    return views, text


_split = lib.pinion_string_views_split


def text_of(items: list[bytes], rank: int, dims: Any) -> int:
    text, offsets, _kept = _joined(items)
    return _text(text, offsets, rank, dims)


def _joined(items: list[bytes]) -> tuple[bytes, int, Any]:
    offsets = (c_int64 * (len(items) + 1))(0, *accumulate(map(len, items)))
    return b"".join(items), ctypes.addressof(offsets), offsets


def _text(text: bytes, offsets: int, rank: int, dims: Any) -> int:
    out = c_void_p()
    check(lib.pinion_tensor_create_text(text, offsets, rank, dims, byref(out)))
    return out.value  # type: ignore[return-value]


def from_strings(handle: int, count: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.fromiter(decoded(handle, count), STRINGS, count).reshape(shape)


def decoded_views(views: np.ndarray, count: int) -> np.ndarray:
    """The strings that lie where pinion_string_view say, as an array of one dimension."""
    size = int(np.add.reduce(views[:, 1])) + count
    joined = np.empty(size, np.uint8)
    check(lib.pinion_string_views_join(address(views), count, address(joined), size))
    return split_views(str(joined, "utf-8", "surrogateescape"), views, count)  # type: ignore[call-overload]


def split_views(joined: str, views: np.ndarray, count: int) -> np.ndarray:
    """The strings of a text that has a zero behind each, of which the views have the lengths in bytes."""
    items = joined.split("\0")
    if len(items) == count + 1:
        items.pop()
    else:
        # Some string holds a zero itself.
        text, start, items = joined.encode("utf-8", "surrogateescape"), 0, []
        for length in views[:, 1].tolist():
            items.append(text[start : start + length].decode("utf-8", "surrogateescape"))
            start += length + 1
    return np.fromiter(items, STRINGS, count)


def text_and_offsets(handle: Any, count: int) -> tuple[bytes, int]:
    """All strings of a tensor with a zero behind each, and the address of where they begin, and end."""
    data, offsets = c_void_p(), c_void_p()
    check(lib.pinion_tensor_strings(handle, byref(data), byref(offsets)))
    start: int = offsets.value  # type: ignore[assignment]
    return ctypes.string_at(data, c_int64.from_address(start + 8 * count).value), start


def split_text(text: bytes, offsets: int, count: int) -> list[bytes]:
    places = (c_int64 * (count + 1)).from_address(offsets)[:]
    return [text[start : end - 1] for start, end in zip(places, places[1:])]


def decoded(handle: Any, count: int) -> list[str]:
    """The strings of a tensor."""
    text, offsets = text_and_offsets(handle, count)
    items = text.decode("utf-8", "surrogateescape").split("\0")
    if len(items) == count + 1:
        items.pop()
        return items
    # Some string holds a zero itself.
    return [item.decode("utf-8", "surrogateescape") for item in split_text(text, offsets, count)]
