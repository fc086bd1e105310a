"""Where the elements of numpy arrays lie."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from typing import Callable

import numpy as np

_word = ctypes.c_size_t.from_address
# The address is the first member behind the head that all Python objects have (`PyArrayObject_fields` in numpy's ndarraytypes.h).
# Modules compiled against numpy read it there without asking numpy, so it stays; array.ctypes.data takes ten times as long.
_BEHIND_HEAD = object.__basicsize__


def _by_layout(array: np.ndarray) -> int:
    return _word(id(array) + _BEHIND_HEAD).value


def _by_asking(array: np.ndarray) -> int:
    return array.ctypes.data


def _all_by_layout(arrays: Iterable[np.ndarray]) -> list[int]:
    return [_word(id(array) + _BEHIND_HEAD).value for array in arrays]


def _all_by_asking(arrays: Iterable[np.ndarray]) -> list[int]:
    return [array.ctypes.data for array in arrays]


def _chosen() -> Callable[[np.ndarray], int]:
    base = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    probes = (base, base[1:, ::2], np.empty(0), np.array(1.5), np.zeros(3, "S5"), base.T)
    if np.ndarray.__basicsize__ < _BEHIND_HEAD + 8 or any(_by_layout(probe) != _by_asking(probe) for probe in probes):
        return _by_asking
    return _by_layout


#: The address of an array's first element.
address: Callable[[np.ndarray], int] = _chosen()
#: Those of several, at once.
addresses: Callable[[Iterable[np.ndarray]], list[int]] = _all_by_layout if address is _by_layout else _all_by_asking

# A bytes object ends with its bytes and a zero (`PyBytesObject` in CPython's bytesobject.h).
_BYTES_HEAD = bytes.__basicsize__ - 1


def _bytes_by_layout(text: bytes) -> int:
    return id(text) + _BYTES_HEAD


def _bytes_by_asking(text: bytes) -> int:
    return ctypes.cast(ctypes.c_char_p(text), ctypes.c_void_p).value or 0


#: The address of the first of an object's bytes.
bytes_address: Callable[[bytes], int] = (
    _bytes_by_layout
    if all(_bytes_by_layout(probe) == _bytes_by_asking(probe) for probe in (b"", b"a", b"\0\xff" * 9, bytes(1000)))
    else _bytes_by_asking
)


def _all_bytes_by_layout(texts: Iterable[bytes]) -> list[int]:
    return [id(text) + _BYTES_HEAD for text in texts]


def _all_bytes_by_asking(texts: Iterable[bytes]) -> list[int]:
    return [_bytes_by_asking(text) for text in texts]


#: Those of several objects.
bytes_addresses: Callable[[Iterable[bytes]], list[int]] = _all_bytes_by_layout if bytes_address is _bytes_by_layout else _all_bytes_by_asking

_ALIGNMENT = 64
#: Bytes below which an array is made as numpy makes it.
SMALL = 4096


def empty(shape: tuple[int, ...], dtype: np.dtype, size: int) -> np.ndarray:
    """An uninitialised array of `size` bytes; where kernels notice it, it begins a cache line."""
    if size < SMALL:
        return np.empty(shape, dtype)
    block = np.empty(size + _ALIGNMENT, np.uint8)
    start = -address(block) % _ALIGNMENT
    array: np.ndarray = block[start : start + size].view(dtype).reshape(shape)
    return array
