"""Runs that only take addresses: the types of inputs and outputs are settled once, for all calls with inputs of the same shapes."""

from __future__ import annotations

import ctypes
import math
import struct
from collections.abc import Mapping, Sequence
from ctypes import POINTER, byref, c_size_t, c_void_p
from typing import Any

import numpy as np

from ._addresses import SMALL, address, addresses, empty
from ._apart import check_apart, span
from ._copying import NotCopied
from ._errors import Error, InvalidArgumentError, NotFoundError, check, raise_last
from ._handles import STRING
from ._info import ValueInfo, read_info
from ._interrupts import run_options
from ._library import CallOptions, InputShape, lib
from ._limits import CancelToken, run_limits
from ._log import logged
from ._recycled import LEAST, MOST, Recycled
from ._results import row_maker
from ._text import c_text
from ._types import DIRECT, STRINGS

_run = lib.pinion_call_run
_ndarray = np.ndarray
_numpy_empty = np.empty
# C_CONTIGUOUS and ALIGNED of numpy's flags.
PLAIN = 0x101


def described(names: Sequence[str], types: Sequence[tuple[np.dtype, tuple[int, ...]]]) -> tuple[Any, list[Any]]:
    """What is said of inputs, for C, and what has to live as long. Raises KeyError for a numpy type that is not taken as it is."""
    shapes = (InputShape * len(names))()
    memory: list[Any] = []
    for shape, name, (dtype, extents) in zip(shapes, names, types):
        dims = (ctypes.c_int64 * len(extents))(*extents)
        memory.append(dims)
        code = DIRECT[dtype] if dtype is not STRINGS else STRING
        shape.name, shape.element_type, shape.rank = c_text(name), code, len(extents)
        shape.dims = ctypes.cast(dims, POINTER(ctypes.c_int64))
    return shapes, memory


class PreparedCall(NotCopied):
    """A pinion_call with the numpy types of what it takes and gives."""

    #: Whether it knows how the library gives strings, which it is not asked for otherwise.
    _takes_strings = False

    __slots__ = ("handle", "names", "types", "outputs", "_makers", "_put", "_slots", "_count", "_tables", "__weakref__")
    _instead = "prepare another one"

    def __init__(
        self,
        session: int,
        names: Sequence[str],
        types: Sequence[tuple[np.dtype, tuple[int, ...]]],
        output_names: Sequence[str] | None,
        makes_objects: bool = False,
    ) -> None:
        """Raises pinion.Error where the library cannot prepare such a call, KeyError for a numpy type that it does not take as it is.

        `makes_objects`: an output may be a list of dicts, which are made here; so are strings, by a TextCall.
        """
        self.handle: int | None = None
        shapes, _memory = described(names, types)
        count = lib.pinion_session_output_count(session) if output_names is None else len(output_names)
        chosen = None if output_names is None else (ctypes.c_char_p * count)(*(c_text(name) for name in output_names))
        out = c_void_p()
        options = CallOptions(ctypes.sizeof(CallOptions), makes_objects, makes_objects and self._takes_strings)
        check(lib.pinion_call_create_with_options(session, byref(options), len(names), shapes, count, chosen, byref(out)))
        self.handle = out.value
        self.names = tuple(names)
        #: Of each input.
        self.types = tuple(types)
        infos = [read_info(lib.pinion_call_output(self.handle, index)) for index in range(count)]
        #: Shape, type and bytes of each output.
        self.outputs = tuple((_extents(info), _native(info), _size(info)) for info in infos)
        keeps = sum(size for *_, size in self.outputs) <= MOST
        self._makers: list[tuple[Any, tuple[Any, ...]]] = [_maker(*output, keeps) for output in self.outputs]
        self._count = len(names)
        #: Of each output that is a list of dicts its place and what makes it of a table.
        self._tables = [
            (index, row_maker(keys, len(info.shape or ())))
            for index, info in enumerate(infos)
            if (keys := lib.pinion_call_output_keys(self.handle, index)) is not None
        ]
        self._settle()
        # One array of addresses for each run in progress; taking and giving back are single operations of a list.
        self._slots: list[Any] = [self._made_slots()]

    def _settle(self) -> None:
        """Lays out the addresses that runs give."""
        self._put = struct.Struct(f"{self._count + len(self.outputs)}N").pack_into

    def __del__(self, release: Any = lib.pinion_call_release) -> None:
        if getattr(self, "handle", None):
            release(self.handle)

    def _made_slots(self) -> Any:
        """Addresses of inputs and then of outputs; where these two parts lie."""
        slots = (c_size_t * max(self._count + len(self.outputs), 1))()
        start = ctypes.addressof(slots)
        return slots, start, start + self._count * ctypes.sizeof(c_size_t)

    def trim(self) -> int:
        """Gives back what is kept of outputs that are gone; returns its bytes."""
        return sum(make.trim() for make, _ in self._makers if type(make) is Recycled)

    def run(self, values: list[Any]) -> list[Any] | int | None:
        """Runs with these inputs. None, with nothing run, if they are not what the call was prepared for; a status where it failed."""
        for value, (dtype, shape) in zip(values, self.types):
            if type(value) is not _ndarray or value.shape != shape or value.flags.num & PLAIN != PLAIN:
                return None
            # Types out of a pickle are equal to others and none of them.
            if value.dtype is not dtype and value.dtype != dtype:
                return None
        outputs: list[Any] = [make(*arguments) for make, arguments in self._makers]
        try:
            taken = self._slots.pop()
        except IndexError:
            taken = self._made_slots()
        slots, given, results = taken
        self._put(slots, 0, *addresses(values + outputs))
        status = _run(self.handle, run_options(), given, results)
        self._slots.append(taken)
        if status:
            return int(status)
        for index, make in self._tables:
            outputs[index] = make(outputs[index].tolist())
        return outputs


def _maker(shape: tuple[int, ...], dtype: np.dtype, size: int, keeps: bool) -> tuple[Any, tuple[Any, ...]]:
    """What makes an output's array, and its arguments."""
    if size < SMALL:
        return _numpy_empty, (shape, dtype)
    if keeps and size >= LEAST and dtype is not STRINGS:
        return Recycled(shape, dtype, size), ()
    return empty, (shape, dtype, size)


def _native(info: ValueInfo) -> np.dtype:
    if info.dtype is None or (info.dtype not in DIRECT and info.dtype is not STRINGS):
        raise KeyError(info.element_type)
    return info.dtype


def _extents(info: ValueInfo) -> tuple[int, ...]:
    """All of them are known of an output of a prepared call."""
    return tuple(int(extent) for extent in info.shape or ())  # type: ignore[arg-type]


def _size(info: ValueInfo) -> int:
    return math.prod(_extents(info)) * _native(info).itemsize


class Binding(NotCopied):
    """A run from and into arrays that stay the same: write inputs into them, call run(), read outputs from them.

    Made by Session.bind(). One thread at a time may use it. The arrays must not be resized while it lives.
    """

    __slots__ = ("_call", "_memory", "_slots", "_given", "_results", "_outputs", "_handle")
    _instead = "bind the arrays of the copy"

    def __init__(self, call: PreparedCall, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], named: Mapping[str, np.ndarray]):
        self._call = call
        self._handle = call.handle
        self._memory = (*inputs, *outputs)
        self._slots, self._given, self._results = call._made_slots()
        self._slots[:] = [address(array) for array in self._memory] or [0]
        self._outputs = dict(named)

    @property
    def outputs(self) -> dict[str, np.ndarray]:
        """The arrays that runs write, by name."""
        return dict(self._outputs)

    def __repr__(self) -> str:
        inputs = ", ".join(f"{name}: {dtype}{list(shape)}" for name, (dtype, shape) in zip(self._call.names, self._call.types))
        outputs = ", ".join(f"{name}: {array.dtype}{list(array.shape)}" for name, array in self._outputs.items())
        return f"<pinion.Binding ({inputs}) -> ({outputs})>"

    def run(self, *, timeout: float | None = None, cancel: CancelToken | None = None) -> None:
        """Runs the model once, with limits as of Session.run()."""
        options: Any = run_options()
        if timeout is not None or cancel is not None:
            options = byref(run_limits(timeout, cancel, None, None))
        status = _run(self._handle, options, self._given, self._results)
        if status:
            raise_last(status)


def plain(array: Any, name: str, is_written: bool) -> np.ndarray:
    """The array, if addresses suffice to read or write it."""
    if not isinstance(array, _ndarray) or array.dtype not in DIRECT or array.flags.num & PLAIN != PLAIN:
        raise logged(InvalidArgumentError(f"the array for '{name}' is not a C-contiguous, aligned numpy array of a type that Pinion takes as it is"))
    if is_written and not array.flags.writeable:
        raise logged(InvalidArgumentError(f"the array for '{name}' is not writable"))
    return array


def bound(session: int, inputs: Mapping[str, np.ndarray], outputs: Mapping[str, np.ndarray] | None, output_names: Sequence[str] | None) -> Binding:
    """See Session.bind()."""
    if outputs is not None and not isinstance(outputs, Mapping):
        raise logged(InvalidArgumentError(f"outputs is a {type(outputs).__name__}, expected arrays by the outputs' names"))
    given = [plain(array, name, False) for name, array in inputs.items()]
    if outputs is not None and output_names is None:
        known = [read_info(lib.pinion_session_output(session, i)).name for i in range(lib.pinion_session_output_count(session))]
        unknown = [name for name in outputs if name not in known]
        if unknown:
            raise logged(NotFoundError(f"no output is named '{unknown[0]}'; the outputs are " + ", ".join(f"'{name}'" for name in known)))
        # All outputs in the model's own order are the way without a detour.
        output_names = None if set(known) == set(outputs) else list(outputs)
    try:
        call = PreparedCall(session, list(inputs), [(array.dtype, array.shape) for array in given], output_names)
    except Error as error:
        logged(error)
        raise
    results: list[np.ndarray] = []
    named: dict[str, np.ndarray] = {}
    for index, (shape, dtype, size) in enumerate(call.outputs):
        name = read_info(lib.pinion_call_output(call.handle, index)).name
        array = outputs.get(name) if outputs is not None else None
        if array is None:
            array = empty(shape, dtype, size)
        else:
            array = plain(array, name, True)
            if array.dtype != dtype or array.shape != shape:
                raise logged(InvalidArgumentError(f"the array for '{name}' is {array.dtype}{list(array.shape)}, the output is {dtype}{list(shape)}"))
        results.append(array)
        named[name] = array
    if outputs is not None:
        written = [span(array, f"output '{name}'") for name, array in named.items()]
        check_apart(written, [span(array, f"input '{name}'") for name, array in zip(inputs, given)])
    return Binding(call, given, results, named)
