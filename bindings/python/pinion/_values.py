"""Values: from Python objects to pinion_value and back, without copies where layouts allow."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from ctypes import byref, c_char_p, c_int64, c_void_p
from functools import cache, partial
from itertools import accumulate
from typing import Any, Callable

import numpy as np

from ._addresses import address
from ._copying import NotCopied
from ._errors import InvalidArgumentError, UnsupportedError, check, raise_last
from ._info import Kind, ValueInfo
from ._library import TensorView, lib
from ._types import DIRECT, MEMORY, PACKED, UNPACKED, ElementType, dtype_of, pack, unpack

_release = lib.pinion_value_release
_describe = lib.pinion_tensor_describe
_wrap = lib.pinion_tensor_wrap
_VIEW_SIZE = ctypes.sizeof(TensorView)
# Members of an enumeration take as long to look up as a foreign call to prepare.
_TENSOR, _SEQUENCE, _MAP, _STRING = Kind.TENSOR, Kind.SEQUENCE, Kind.MAP, int(ElementType.STRING)

_dims_types: dict[int, Any] = {}


def dims_array(shape: tuple[int, ...]) -> Any:
    """A ctypes array of int64 with the dimensions."""
    rank = len(shape)
    kind = _dims_types.get(rank)
    if kind is None:
        kind = _dims_types[rank] = c_int64 * rank
    return kind(*shape)


class _Owner(NotCopied):
    """Keeps a value, and what it borrows, alive for the numpy array that was made of its memory."""

    __slots__ = ("handle", "memory", "__array_interface__")
    _instead = "copy the array"
    handle: int
    memory: Any
    __array_interface__: dict[str, Any]

    def __del__(self, release: Any = _release) -> None:
        release(self.handle)


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

    def __del__(self, release: Any = _release) -> None:
        if getattr(self, "_handle", None):
            release(self._handle)

    def __reduce__(self) -> tuple[Any, ...]:
        return _value_of, (type(self), _contents(self._handle))

    @property
    def kind(self) -> Kind:
        return Kind(lib.pinion_value_kind(self._handle))

    def _view(self) -> TensorView:
        view = TensorView(_VIEW_SIZE)
        check(_describe(self._handle, byref(view)))
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
        if copy or self._memory:
            raise BufferError("the memory of this value belongs to a Python object; export that")
        versioned = max_version is not None and tuple(max_version) >= (1, 0)
        managed = c_void_p()
        export = lib.pinion_tensor_to_dlpack_versioned if versioned else lib.pinion_tensor_to_dlpack
        check(export(self._handle, byref(managed)))
        return _capsule(managed.value, versioned)

    def __repr__(self) -> str:
        if self.kind is not Kind.TENSOR:
            return f"<pinion.Value {self.kind.name.lower()}>"
        return f"<pinion.Value {self.element_type.name.lower()}{list(self.shape)}>"


# --------------------------------------------------------------------------------------------------------------- in


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
            status = _wrap(address(value), code, len(shape), dims_array(shape), None, None, None, byref(out))
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
        return _from_dlpack(value)
    return _array(_as_array(value, info), memory)


def _holds_arrays(values: Any) -> bool:
    return any(isinstance(v, (np.ndarray, Value, dict)) or hasattr(v, "__dlpack__") for v in values)


def _as_array(value: Any, info: ValueInfo | None) -> np.ndarray:
    if isinstance(value, (np.ndarray, np.generic)):
        return np.asarray(value)
    dtype = dtype_of(info.element_type) if info is not None and info.kind is Kind.TENSOR else None
    try:
        return np.asarray(value, dtype=dtype)
    except (TypeError, ValueError, OverflowError) as error:
        name = f"'{info.name}' " if info is not None and info.name else ""
        raise InvalidArgumentError(f"the value for input {name}cannot become an array: {error}") from error


def _array(array: np.ndarray, memory: list[Any]) -> int:
    """The general way of an array: strings, packed elements, odd layouts and byte orders."""
    dtype = array.dtype
    out = c_void_p()
    dims = dims_array(array.shape)
    if dtype.kind in "OUST":
        return _strings(array, dims)
    if dtype in PACKED:
        packed_code, bits = PACKED[dtype]
        packed = pack(array, bits)
        memory.append(packed)
        check(_wrap(address(packed), packed_code, array.ndim, dims, None, None, None, byref(out)))
        return out.value  # type: ignore[return-value]
    if not dtype.isnative:
        array = array.astype(dtype.newbyteorder("="))
    code = DIRECT.get(array.dtype)
    if code is None:
        raise InvalidArgumentError(f"arrays of type {dtype} have no element type in Pinion; x.astype(...) makes one of another type")
    if not array.flags.c_contiguous:
        array = array.copy(order="C")
    memory.append(array)
    check(_wrap(address(array), code, array.ndim, dims, None, None, None, byref(out)))
    return out.value  # type: ignore[return-value]


def _strings(array: np.ndarray, dims: Any) -> int:
    items = array.reshape(-1).tolist()
    count = len(items)
    if count >= _MANY:
        try:
            text = "\0".join(items).encode("utf-8", "surrogateescape")
        except TypeError:
            text = b""
        if text.count(b"\0") == count - 1:
            # No string holds a zero, so that these tell where each ends.
            offsets = np.empty(count + 1, np.int64)
            offsets[0], offsets[count] = 0, len(text) - (count - 1)
            offsets[1:count] = np.flatnonzero(np.frombuffer(text, np.uint8) == 0) - np.arange(count - 1)
            return _text(text.replace(b"\0", b""), address(offsets), array.ndim, dims)
    return _text_of([_encoded(item) for item in items], array.ndim, dims)


# Strings from which on it pays to treat them all at once.
_MANY = 32


def _encoded(item: Any) -> bytes:
    if isinstance(item, str):
        return item.encode("utf-8", "surrogateescape")
    if isinstance(item, (bytes, bytearray)):
        return bytes(item)
    kind = type(item).__name__
    raise InvalidArgumentError(f"an array of objects is one of strings, this holds {kind}; .astype(np.float32) makes numbers, .astype(str) strings")


def _text_of(items: list[bytes], rank: int, dims: Any) -> int:
    offsets = (c_int64 * (len(items) + 1))(0, *accumulate(map(len, items)))
    return _text(b"".join(items), ctypes.addressof(offsets), rank, dims)


def _text(text: bytes, offsets: int, rank: int, dims: Any) -> int:
    out = c_void_p()
    check(lib.pinion_tensor_create_text(text, offsets, rank, dims, byref(out)))
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
                _release(element)
    except BaseException:
        _release(out)
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
            _release(value_handle)
    finally:
        _release(key_handle)
    return out.value  # type: ignore[return-value]


# ------------------------------------------------------------------------------------------------------------ DLPack

# A capsule stores the pointer to its name, so the names live as long as the module.
_NAME, _NAME_VERSIONED = b"dltensor", b"dltensor_versioned"
_USED, _USED_VERSIONED = b"used_dltensor", b"used_dltensor_versioned"

_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype, _capsule_pointer.argtypes = c_void_p, [ctypes.py_object, c_char_p]
_capsule_is = ctypes.pythonapi.PyCapsule_IsValid
_capsule_is.restype, _capsule_is.argtypes = ctypes.c_int, [ctypes.py_object, c_char_p]
_capsule_rename = ctypes.pythonapi.PyCapsule_SetName
_capsule_rename.restype, _capsule_rename.argtypes = ctypes.c_int, [ctypes.py_object, c_char_p]

_CapsuleDestructor = ctypes.PYFUNCTYPE(None, c_void_p)
_capsule_new = ctypes.pythonapi.PyCapsule_New
_capsule_new.restype, _capsule_new.argtypes = ctypes.py_object, [c_void_p, c_char_p, _CapsuleDestructor]
# The destructor gets a capsule whose reference count is 0 already, so its functions take a bare pointer.
_dead_is = ctypes.PYFUNCTYPE(ctypes.c_int, c_void_p, c_char_p)(("PyCapsule_IsValid", ctypes.pythonapi))
_dead_pointer = ctypes.PYFUNCTYPE(c_void_p, c_void_p, c_char_p)(("PyCapsule_GetPointer", ctypes.pythonapi))


def _from_dlpack(value: Any) -> int:
    device = value.__dlpack_device__()
    if int(device[0]) not in (1, 3):
        raise UnsupportedError(f"the DLPack tensor lies on device {tuple(map(int, device))}, not in the CPU's memory")
    try:
        capsule = value.__dlpack__(max_version=(1, 1))
    except TypeError:
        capsule = value.__dlpack__()
    out = c_void_p()
    if _capsule_is(capsule, _NAME_VERSIONED):
        check(lib.pinion_tensor_from_dlpack_versioned(_capsule_pointer(capsule, _NAME_VERSIONED), byref(out)))
        _capsule_rename(capsule, _USED_VERSIONED)
    elif _capsule_is(capsule, _NAME):
        check(lib.pinion_tensor_from_dlpack(_capsule_pointer(capsule, _NAME), byref(out)))
        _capsule_rename(capsule, _USED)
    else:
        raise InvalidArgumentError(f"{type(value).__name__}.__dlpack__() returned no DLPack capsule")
    return out.value  # type: ignore[return-value]


class _ManagedTensor(ctypes.Structure):
    """DLManagedTensor; only the deleter is read."""

    _fields_ = [
        ("tensor", ctypes.c_byte * 48),
        ("context", c_void_p),
        ("deleter", ctypes.PYFUNCTYPE(None, c_void_p)),
    ]


class _ManagedTensorVersioned(ctypes.Structure):
    """The head of DLManagedTensorVersioned; only the deleter is read."""

    _fields_ = [("version", ctypes.c_uint32 * 2), ("context", c_void_p), ("deleter", ctypes.PYFUNCTYPE(None, c_void_p))]


def _destroy(name: bytes, structure: Any) -> Any:
    def destroy(capsule: int) -> None:
        if _dead_is(capsule, name):
            pointer = _dead_pointer(capsule, name)
            structure.from_address(pointer).deleter(pointer)

    return _CapsuleDestructor(destroy)


_destroy_unversioned = _destroy(_NAME, _ManagedTensor)
_destroy_versioned = _destroy(_NAME_VERSIONED, _ManagedTensorVersioned)


def _capsule(pointer: int | None, versioned: bool) -> Any:
    if versioned:
        return _capsule_new(pointer, _NAME_VERSIONED, _destroy_versioned)
    return _capsule_new(pointer, _NAME, _destroy_unversioned)


# -------------------------------------------------------------------------------------------------------------- out


def from_handle(handle: int, borrowed: Any = None, info: ValueInfo | None = None) -> Any:
    """The Python object of a value, whose reference is taken over, also on failure. Arrays keep `borrowed` alive.

    `info` is what the model declares of it.
    """
    # A declared type that says nothing is a tensor's of no element type.
    kind = info.kind if info is not None and info.element_type else None
    if kind is not _TENSOR and (kind is _SEQUENCE or lib.pinion_value_kind(handle) != 1):
        return _from_container(handle, borrowed, info)
    view = TensorView(_VIEW_SIZE)
    status = _describe(handle, byref(view))
    if status:
        _release(handle)
        raise_last(status)
    rank = view.rank
    shape = tuple(view.dims[:rank]) if rank else ()
    memory = MEMORY.get(view.element_type)
    if memory is None:
        return _from_odd_tensor(handle, view, shape)
    typestr, dtype = memory
    if not view.byte_size:
        _release(handle)
        return np.empty(shape, typestr if dtype is None else dtype)
    owner = _Owner()
    owner.handle = handle
    owner.memory = borrowed
    owner.__array_interface__ = {"shape": shape, "typestr": typestr, "data": (view.data, bool(borrowed)), "version": 3}
    array = np.asarray(owner)
    return array if dtype is None else array.view(dtype)


def _from_odd_tensor(handle: int, view: TensorView, shape: tuple[int, ...]) -> Any:
    try:
        code, count = view.element_type, view.element_count
        if code == _STRING:
            return _from_strings(handle, count, shape)
        if code not in UNPACKED:
            name = ElementType(code).name.lower() if code in ElementType._value2member_map_ else str(code)
            raise UnsupportedError(f"a tensor of {name} needs the package ml_dtypes, or a newer one")
        if not view.byte_size:
            return np.empty(shape, UNPACKED[code][0])
        raw = np.frombuffer(ctypes.string_at(view.data, view.byte_size), np.uint8)
        return unpack(raw, count, code).reshape(shape)
    finally:
        _release(handle)


def _from_strings(handle: int, count: int, shape: tuple[int, ...]) -> np.ndarray:
    array = np.empty(count, dtype=object)
    array[:] = _decoded(handle, count)
    return array.reshape(shape)


def _text_and_offsets(handle: Any, count: int) -> tuple[bytes, int]:
    """All strings of a tensor with a zero behind each, and the address of where they begin, and end."""
    data, offsets = c_void_p(), c_void_p()
    check(lib.pinion_tensor_strings(handle, byref(data), byref(offsets)))
    start: int = offsets.value  # type: ignore[assignment]
    return ctypes.string_at(data, c_int64.from_address(start + 8 * count).value), start


def _split(text: bytes, offsets: int, count: int) -> list[bytes]:
    places = (c_int64 * (count + 1)).from_address(offsets)[:]
    return [text[start : end - 1] for start, end in zip(places, places[1:])]


def _decoded(handle: Any, count: int) -> list[str]:
    """The strings of a tensor."""
    text, offsets = _text_and_offsets(handle, count)
    items = text.decode("utf-8", "surrogateescape").split("\0")
    if len(items) == count + 1:
        items.pop()
        return items
    # Some string holds a zero itself.
    return [item.decode("utf-8", "surrogateescape") for item in _split(text, offsets, count)]


_LISTED = {
    int(ElementType.FLOAT32): ctypes.c_float,
    int(ElementType.FLOAT64): ctypes.c_double,
    int(ElementType.INT64): c_int64,
    int(ElementType.INT32): ctypes.c_int32,
}


def _listed(handle: int) -> list[Any]:
    """All elements of a tensor, whose reference is taken over."""
    view = TensorView(_VIEW_SIZE)
    status = _describe(handle, byref(view))
    kind = _LISTED.get(view.element_type)
    if not status and view.element_type != _STRING and (kind is None or not view.byte_size):
        return list(from_handle(handle).reshape(-1).tolist())
    try:
        check(status)
        if kind is None:
            return _decoded(handle, view.element_count)
        items: list[Any] = (kind * view.element_count).from_address(view.data)[:]
        return items
    finally:
        _release(handle)


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
        return bool(lib.pinion_value_kind(out) == _MAP)
    finally:
        _release(out)


def _from_container(handle: int, borrowed: Any, info: ValueInfo | None) -> Any:
    try:
        if info is not None and info.kind is _SEQUENCE and info.content is not None and info.content.kind is _MAP:
            return _from_maps(handle)
        kind = lib.pinion_value_kind(handle)
        out = c_void_p()
        if kind == _SEQUENCE:
            if _holds_maps(handle):
                return _from_maps(handle)
            elements = []
            for index in range(lib.pinion_sequence_count(handle)):
                check(lib.pinion_sequence_get(handle, index, byref(out)))
                elements.append(from_handle(out.value, borrowed))  # type: ignore[arg-type]
            return elements
        if kind == _MAP:
            check(lib.pinion_map_get_keys(handle, byref(out)))
            keys = _listed(out.value)  # type: ignore[arg-type]
            check(lib.pinion_map_get_values(handle, byref(out)))
            return dict(zip(keys, _listed(out.value)))  # type: ignore[arg-type]
        return None
    finally:
        _release(handle)


# ----------------------------------------------------------------------------------------------- copy and pickle


def _contents(handle: Any) -> tuple[Any, ...]:
    """All that a value holds as Python objects, exactly: kind, then element type, dimensions and bytes or strings, or elements."""
    kind = Kind(lib.pinion_value_kind(handle))
    out = c_void_p()
    if kind is Kind.TENSOR:
        view = TensorView(_VIEW_SIZE)
        check(_describe(handle, byref(view)))
        shape = tuple(view.dims[: view.rank]) if view.rank else ()
        if view.element_type != ElementType.STRING:
            return kind, int(view.element_type), shape, ctypes.string_at(view.data, view.byte_size) if view.byte_size else b""
        text, offsets = _text_and_offsets(handle, view.element_count)
        return kind, int(view.element_type), shape, _split(text, offsets, view.element_count)
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
        return _contents(handle)
    finally:
        _release(handle)


def _handle_of(contents: tuple[Any, ...]) -> int:
    """A new pinion_value of what `_contents` gave."""
    kind, *rest = contents
    out = c_void_p()
    if kind == Kind.TENSOR:
        code, shape, data = rest
        dims = dims_array(shape)
        if code == ElementType.STRING:
            return _text_of(data, len(shape), dims)
        check(lib.pinion_tensor_create(None, code, len(shape), dims, byref(out)))
        view = TensorView(_VIEW_SIZE)
        check(_describe(out, byref(view)))
        if view.byte_size != len(data):
            _release(out)
            raise InvalidArgumentError(f"{len(data)} bytes for a tensor of {view.byte_size}")
        ctypes.memmove(view.data, data, len(data))
    elif kind == Kind.SEQUENCE:
        check(lib.pinion_sequence_create(byref(out)))
        try:
            for element in rest[0]:
                handle = _handle_of(element)
                try:
                    check(lib.pinion_sequence_append(out, handle))
                finally:
                    _release(handle)
        except BaseException:
            _release(out)
            raise
    elif kind == Kind.MAP:
        keys = _handle_of(rest[0])
        try:
            values = _handle_of(rest[1])
            try:
                check(lib.pinion_map_create(keys, values, byref(out)))
            finally:
                _release(values)
        finally:
            _release(keys)
    else:
        check(lib.pinion_none_create(byref(out)))
    return out.value  # type: ignore[return-value]


def _value_of(cls: type[Value], contents: tuple[Any, ...]) -> Value:
    return cls._own(_handle_of(contents))
