"""Runs on numpy arrays that no values are made of: one call says what all inputs are, and tells what all outputs are."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from ctypes import addressof, c_int64
from typing import Any

import numpy as np

from ._addresses import SMALL, address
from ._errors import InvalidArgumentError, raise_last
from ._frames import Frame, type_advice
from ._handles import STRING, VIEW_SIZE, dims_array, release
from ._info import Kind
from ._library import Text, lib
from ._log import logged
from ._results import array_of, from_handle
from ._strings import flat_text, from_strings
from ._types import DIRECT, MEMORY, dtype_of
from ._values import to_handle

_run = lib.pinion_session_run_views
_move = ctypes.memmove
_EMPTY = np.empty
# C_CONTIGUOUS and ALIGNED of numpy's flags.
_PLAIN = 0x101
_INVALID_SHAPE = 4
_WORD = ctypes.sizeof(c_int64)
#: element type -> numpy type
_TYPES = {code: dtype_of(code) for code in MEMORY}


def _extents(rank: int, start: int) -> tuple[int, ...]:
    return tuple((c_int64 * rank).from_address(start)[:]) if rank else ()


def run_views(session: int, inputs: Mapping[str, Any], frame: Frame, targets: Frame, options: Any) -> list[Any]:
    """The outputs of one run as Python's objects."""
    views = frame.views()
    results = targets.array()
    handles: list[int] = []
    memory: list[Any] = []
    try:
        members: list[Any] = []
        extents: list[int] = []
        for value, info in zip(inputs.values(), frame.infos):
            if type(value) is np.ndarray:
                code = DIRECT.get(value.dtype)
                if code is not None and value.flags.num & _PLAIN == _PLAIN:
                    members += (VIEW_SIZE, code, value.ndim, len(extents), address(value), 0, 0)
                    extents += value.shape
                    continue
                if value.dtype.kind in "OU":
                    text, offsets, kept = flat_text(value)
                    given = Text(text, offsets)
                    memory += (kept, given)
                    members += (VIEW_SIZE, STRING, value.ndim, len(extents), addressof(given), 0, 0)
                    extents += value.shape
                    continue
            if value is None and info.kind is not Kind.OPTIONAL:
                if not info.optional:
                    raise logged(InvalidArgumentError(f"missing input '{info.name}', which is None"))
                members += (VIEW_SIZE, 0, 0, 0, 0, 0, 0)
                continue
            handle = to_handle(value, info, memory)
            handles.append(handle)
            members += (VIEW_SIZE, 0, 0, 0, handle, 0, 0)
        dims = dims_array(extents)
        start = addressof(dims)
        members[3::7] = [start + _WORD * offset for offset in members[3::7]]
        frame.pack(views, 0, *members)
        found = targets.views.from_buffer_copy(targets.empty_views)
        status = _run(session, options, frame.count, frame.names, views, targets.count, targets.names, results, found)
        if status:
            raise_last(status, type_advice(inputs, frame.infos) if status == _INVALID_SHAPE else "")
        told = targets.unpack(found)
        outputs: list[Any] = []
        for index in range(targets.count):
            _, code, rank, extents_address, data, size, count = told[7 * index : 7 * index + 7]
            dtype = _TYPES.get(code)
            if code == STRING:
                outputs.append(from_strings(results[index], count, _extents(rank, extents_address)))  # type: ignore[arg-type]
            elif dtype is not None and size <= SMALL:
                # Little memory is copied sooner than an owner is made for it.
                array = _EMPTY(_extents(rank, extents_address), dtype)
                if size:
                    _move(address(array), data, size)
                outputs.append(array)
            elif dtype is not None:
                result, results[index] = results[index], None
                outputs.append(array_of(result, code, _extents(rank, extents_address), data))  # type: ignore[arg-type]
            else:
                result, results[index] = results[index], None
                outputs.append(from_handle(result, None, targets.infos[index]))  # type: ignore[arg-type]
        return outputs
    finally:
        for handle in handles:
            release(handle)
        for result in results:
            if result:
                release(result)
