"""Tensors from other libraries and for them, without a copy."""

from __future__ import annotations

import ctypes
from ctypes import byref, c_char_p, c_void_p
from typing import Any

from ._errors import InvalidArgumentError, UnsupportedError, check
from ._library import lib

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


def from_dlpack(value: Any) -> int:
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


def capsule(pointer: int | None, versioned: bool) -> Any:
    if versioned:
        return _capsule_new(pointer, _NAME_VERSIONED, _destroy_versioned)
    return _capsule_new(pointer, _NAME, _destroy_unversioned)
