"""Whether memory is apart, which what a run writes must be from anything else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ctypes import byref, c_void_p

import numpy as np

from ._errors import InvalidArgumentError, check
from ._handles import VIEW_SIZE, describe, release
from ._info import Kind
from ._library import TensorView, lib
from ._types import ElementType

# An address, bytes from there on, and what they are for.
Span = tuple[int, int, str]


def span(array: np.ndarray, what: str) -> Span:
    """The memory of a C-contiguous array."""
    return array.ctypes.data, array.nbytes, what


def spans(handle: int, what: str) -> Iterator[Span]:
    """The memory of each tensor in a pinion_value that has elements of numbers."""
    kind = Kind(lib.pinion_value_kind(handle))
    if kind is Kind.TENSOR:
        view = TensorView(VIEW_SIZE)
        check(describe(handle, byref(view)))
        if view.data and view.element_type != ElementType.STRING:
            yield view.data, view.byte_size, what
    elif kind is Kind.SEQUENCE:
        for index in range(lib.pinion_sequence_count(handle)):
            yield from _inside(what, lib.pinion_sequence_get, handle, index)
    elif kind is Kind.MAP:
        yield from _inside(what, lib.pinion_map_get_keys, handle)
        yield from _inside(what, lib.pinion_map_get_values, handle)


def _inside(what: str, get, *arguments: int) -> Iterator[Span]:  # type: ignore[no-untyped-def]
    part = c_void_p()
    check(get(*arguments, byref(part)))
    try:
        yield from spans(part.value or 0, what)
    finally:
        release(part)


def check_apart(written: Iterable[Span], read: Iterable[Span]) -> None:
    """Raises InvalidArgumentError where memory that is written overlaps other memory."""
    ranges = [part for part in written if part[1]]
    count = len(ranges)
    ranges += [part for part in read if part[1]]
    for place, (start, size, name) in enumerate(ranges[:count]):
        for other_start, other_size, other in ranges[place + 1 :]:
            if start < other_start + other_size and other_start < start + size:
                raise InvalidArgumentError(f"the array for {name} shares memory with that for {other}; a run would overwrite what it reads")
