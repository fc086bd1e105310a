"""Prepared calls whose outputs have shapes, or types, that only a run tells."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from ctypes import byref, c_char, c_int64, c_void_p
from typing import Any

import numpy as np

from ._addresses import address, addresses
from ._calls import PLAIN, PreparedCall, described
from ._errors import check
from ._handles import STRING, VIEW_MEMBERS, VIEW_SIZE, release
from ._info import ValueInfo
from ._interrupts import run_options
from ._library import lib
from ._results import PLAIN_TYPES, array_of, from_handle
from ._strings import from_strings

_run = lib.pinion_call_run_values
_move = ctypes.memmove
_ndarray = np.ndarray
_empty = np.empty
_WORD = ctypes.sizeof(c_void_p)
# Up to so many bytes are copied sooner than an owner is made for them.
_COPIED = 1 << 14
_extents_types: dict[int, Any] = {}


def _extents(rank: int, start: int) -> tuple[int, ...]:
    if not rank:
        return ()
    kind = _extents_types.get(rank)
    if kind is None:
        kind = _extents_types[rank] = c_int64 * rank
    return tuple(kind.from_address(start))


class ValueCall(PreparedCall):
    """A prepared call that takes addresses and is given values.

    What C reads and writes lies in one block: the addresses of inputs, the handles of outputs, and the descriptions of these.
    """

    __slots__ = ("_infos", "_before", "_read", "_bytes", "_offset")

    def __init__(self, session: int, names: Sequence[str], types: Sequence[tuple[np.dtype, tuple[int, ...]]], infos: Sequence[ValueInfo]) -> None:
        """`infos` are those of the session's outputs. Raises as PreparedCall does."""
        self.handle: int | None = None
        shapes, _memory = described(names, types)
        out = c_void_p()
        check(lib.pinion_call_create_for_values(session, len(names), shapes, len(infos), None, byref(out)))
        self.handle = out.value
        self.names = tuple(names)
        self.types = tuple(types)
        self.outputs = ()
        self._makers = []
        self._infos = infos
        self._count = len(names)
        many = len(infos)
        #: What lies behind the addresses before a run.
        self._before = (*(0,) * many, *(VIEW_SIZE, 0, 0, 0, 0, 0, 0) * many)
        members = f"{many}N{VIEW_MEMBERS * many}"
        self._put = struct.Struct(f"{self._count}N{members}").pack_into
        self._offset = self._count * _WORD
        self._read = struct.Struct(members).unpack_from
        self._bytes = self._offset + many * (_WORD + VIEW_SIZE)
        self._slots: list[Any] = [self._made_slots()]

    def _made_slots(self) -> Any:
        """The block; where its three parts lie."""
        block = (c_char * max(self._bytes, 1))()
        start = ctypes.addressof(block)
        outputs = start + self._offset
        return block, start, outputs, outputs + len(self._infos) * _WORD

    def run(self, values: list[Any]) -> list[Any] | int | None:
        for value, (dtype, shape) in zip(values, self.types):
            if type(value) is not _ndarray or value.shape != shape or value.flags.num & PLAIN != PLAIN:
                return None
            if value.dtype is not dtype and value.dtype != dtype:
                return None
        try:
            taken = self._slots.pop()
        except IndexError:
            taken = self._made_slots()
        block, given, results, views = taken
        self._put(block, 0, *addresses(values), *self._before)
        status = _run(self.handle, run_options(), given, results, views)
        if status:
            self._slots.append(taken)
            return int(status)
        found = self._read(block, self._offset)
        self._slots.append(taken)
        many = len(self._infos)
        outputs: list[Any] = []
        handles = list(found[:many])
        place = many
        try:
            for index in range(many):
                _, code, rank, extents, data, size, count = found[place : place + 7]
                place += 7
                plain = PLAIN_TYPES.get(code)
                if plain is None:
                    if code == STRING:
                        outputs.append(from_strings(handles[index], count, _extents(rank, extents)))
                    else:
                        handle, handles[index] = handles[index], 0
                        outputs.append(from_handle(handle, None, self._infos[index]))
                elif size <= _COPIED:
                    array = _empty(_extents(rank, extents), plain)
                    if size:
                        _move(address(array), data, size)
                    outputs.append(array)
                else:
                    handle, handles[index] = handles[index], 0
                    outputs.append(array_of(handle, code, _extents(rank, extents), data))
        finally:
            for handle in handles:
                if handle:
                    release(handle)
        return outputs
