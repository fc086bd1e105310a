"""Values: from Python objects to pinion_value and back, without copies where layouts allow."""

from __future__ import annotations

import reprlib
from ctypes import byref, c_void_p
from typing import Any

import numpy as np

from ._addresses import address
from ._contents import contents, handle_of
from ._dlpack import capsule, from_dlpack
from ._errors import InvalidArgumentError, check, raise_last
from ._handles import VIEW_SIZE, describe, dims_array, release, wrap
from ._info import Kind, ValueInfo
from ._library import TensorView, lib
from ._results import from_handle
from ._strings import strings
from ._types import DIRECT, PACKED, ElementType, dtype_of, pack


class Value:
    """A tensor, sequence, map or nothing inside Pinion, not converted to Python.

    Inputs that many runs share, and outputs that become inputs or go to another library (`__dlpack__`), need no numpy array.
    A copy, or what comes out of a pickle, is a new value with the same contents.
    """

    __slots__ = ("_handle", "_memory", "__weakref__")

    def __init__(self, value: Any, dtype: Any = None) -> None:
        """Makes a value of anything that Session.run() takes; `dtype` decides the type of lists and scalars."""
        self._memory: list[Any] = []
        self._handle: int | None = None
        if dtype is not None and not isinstance(value, np.ndarray):
            value = np.asarray(value, dtype=dtype)
        self._handle = to_handle(value, None, self._memory)

    @classmethod
    def _own(cls, handle: int) -> Value:
        value = cls.__new__(cls)
        value._handle = handle
        value._memory = []
        return value

    def __del__(self, release: Any = release) -> None:
        if getattr(self, "_handle", None):
            release(self._handle)

    def __reduce__(self) -> tuple[Any, ...]:
        return _value_of, (type(self), contents(self._handle))

    @property
    def kind(self) -> Kind:
        return Kind(lib.pinion_value_kind(self._handle))

    def _view(self) -> TensorView:
        view = TensorView(VIEW_SIZE)
        check(describe(self._handle, byref(view)))
        return view

    @property
    def shape(self) -> tuple[int, ...]:
        """The dimensions of a tensor."""
        view = self._view()
        return tuple(view.dims[: view.rank]) if view.rank else ()

    @property
    def element_type(self) -> ElementType:
        """The type of a tensor's elements."""
        return ElementType(self._view().element_type)

    @property
    def dtype(self) -> np.dtype | None:
        """The numpy type of a tensor's elements; None where numpy has none."""
        return dtype_of(self._view().element_type)

    def numpy(self) -> Any:
        """The value as Session.run() returns it; a tensor's array shares its memory, read-only if that was borrowed."""
        return from_handle(lib.pinion_value_retain(self._handle), self._memory)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)

    def __dlpack__(
        self, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: bool | None = None
    ) -> Any:
        if dl_device is not None and tuple(dl_device) != (1, 0):
            raise BufferError("Pinion's values lie in the CPU's memory")
        if copy:
            return _value_of(type(self), contents(self._handle)).__dlpack__(max_version=max_version)
        if self._memory:
            raise BufferError("the memory of this value belongs to a Python object; export that, or a copy with copy=True")
        versioned = max_version is not None and tuple(max_version) >= (1, 0)
        managed = c_void_p()
        export = lib.pinion_tensor_to_dlpack_versioned if versioned else lib.pinion_tensor_to_dlpack
        check(export(self._handle, byref(managed)))
        return capsule(managed.value, versioned)

    def __repr__(self) -> str:
        if self.kind is not Kind.TENSOR:
            return f"<pinion.Value {self.kind.name.lower()}>"
        return f"<pinion.Value {self.element_type.name.lower()}{list(self.shape)}>"


def to_handle(value: Any, info: ValueInfo | None, memory: list[Any]) -> int:
    """A new pinion_value of a Python object.

    What it borrows is appended to `memory`, which has to live as long as the value. `info` is what the model declares; it
    decides the types of lists and scalars.
    """
    if type(value) is np.ndarray:
        code = DIRECT.get(value.dtype)
        if code is not None and value.flags.c_contiguous:
            out = c_void_p()
            shape = value.shape
            status = wrap(address(value), code, len(shape), dims_array(shape), None, None, None, byref(out))
            if status:
                raise_last(status)
            memory.append(value)
            return out.value  # type: ignore[return-value]
        return _array(value, memory)
    if isinstance(value, Value):
        memory.append(value)
        return int(lib.pinion_value_retain(value._handle))
    while info is not None and info.kind is Kind.OPTIONAL and value is not None:
        info = info.content
    kind = Kind.TENSOR if info is None else info.kind
    if value is None:
        out = c_void_p()
        check(lib.pinion_none_create(byref(out)))
        return out.value  # type: ignore[return-value]
    if isinstance(value, dict):
        return _map(value, info, memory)
    if isinstance(value, (list, tuple)) and (kind is Kind.SEQUENCE or (info is None and _holds_arrays(value))):
        return _sequence(value, info.content if info is not None else None, memory)
    if hasattr(value, "__dlpack__") and not isinstance(value, (np.ndarray, np.generic)):
        return from_dlpack(value)
    return _array(_as_array(value, info), memory)


def _holds_arrays(values: Any) -> bool:
    return any(isinstance(v, (np.ndarray, Value, dict)) or hasattr(v, "__dlpack__") for v in values)


def _as_array(value: Any, info: ValueInfo | None) -> np.ndarray:
    if isinstance(value, (np.ndarray, np.generic)):
        return np.asarray(value)
    dtype = dtype_of(info.element_type) if info is not None and info.kind is Kind.TENSOR else None
    name = f"'{info.name}' " if info is not None and info.name else ""
    try:
        if dtype is None:
            return np.asarray(value)
        with np.errstate(over="ignore"):
            array = np.asarray(value, dtype=dtype)
        is_kept = array.dtype.kind in "OUST" or _is_kept(np.asarray(value), array)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidArgumentError(f"the value for input {name}cannot become an array: {error}") from error
    if not is_kept:
        raise InvalidArgumentError(f"the value for input {name}has elements that {dtype} cannot hold: {reprlib.repr(value)}")
    return array


def _is_kept(numbers: np.ndarray, array: np.ndarray) -> bool:
    """Whether the numbers of a list are those of the array that is made of it: none is cut down, wraps or becomes infinite; floats are rounded."""
    if numbers.dtype.kind in "USTMm":
        return False
    if array.dtype.kind in "iub":
        return bool(np.array_equal(numbers, array))
    if array.dtype.kind == "c" or numbers.dtype.kind not in "iuf":
        return numbers.dtype.kind != "O" or None not in numbers
    return not bool(np.any(np.isinf(array.astype(np.float64)) & np.isfinite(numbers)))


def _array(array: np.ndarray, memory: list[Any]) -> int:
    """The general way of an array: strings, packed elements, odd layouts and byte orders."""
    dtype = array.dtype
    out = c_void_p()
    dims = dims_array(array.shape)
    if dtype.kind in "OUST":
        return strings(array, dims)
    if dtype in PACKED:
        packed_code, bits = PACKED[dtype]
        packed = pack(array, bits)
        memory.append(packed)
        check(wrap(address(packed), packed_code, array.ndim, dims, None, None, None, byref(out)))
        return out.value  # type: ignore[return-value]
    if not dtype.isnative:
        array = array.astype(dtype.newbyteorder("="))
    code = DIRECT.get(array.dtype)
    if code is None:
        raise InvalidArgumentError(f"arrays of type {dtype} have no element type in Pinion; x.astype(...) makes one of another type")
    if not array.flags.c_contiguous:
        array = array.copy(order="C")
    memory.append(array)
    check(wrap(address(array), code, array.ndim, dims, None, None, None, byref(out)))
    return out.value  # type: ignore[return-value]


def _sequence(values: Any, content: ValueInfo | None, memory: list[Any]) -> int:
    out = c_void_p()
    check(lib.pinion_sequence_create(byref(out)))
    try:
        for value in values:
            element = to_handle(value, content, memory)
            try:
                check(lib.pinion_sequence_append(out, element))
            finally:
                release(element)
    except BaseException:
        release(out)
        raise
    return out.value  # type: ignore[return-value]


def _map(value: dict[Any, Any], info: ValueInfo | None, memory: list[Any]) -> int:
    declared = info if info is not None and info.kind is Kind.MAP else None
    key_type = dtype_of(declared.element_type) if declared else None
    if key_type is None:
        key_type = np.dtype(object) if any(isinstance(key, str) for key in value) else np.dtype(np.int64)
    keys = np.empty(len(value), dtype=key_type)
    keys[:] = list(value)
    content = declared.content if declared else None
    out = c_void_p()
    key_handle = to_handle(keys, None, memory)
    try:
        value_handle = to_handle(_as_array(list(value.values()), content), None, memory)
        try:
            check(lib.pinion_map_create(key_handle, value_handle, byref(out)))
        finally:
            release(value_handle)
    finally:
        release(key_handle)
    return out.value  # type: ignore[return-value]


def _value_of(cls: type[Value], contents: tuple[Any, ...]) -> Value:
    return cls._own(handle_of(contents))
