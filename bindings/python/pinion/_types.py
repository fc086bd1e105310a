"""Element types and their numpy types; the packing of elements smaller than a byte."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

try:
    import ml_dtypes
except ImportError:  # bfloat16 and the 8-, 6-, 4- and 2-bit types are then not available
    ml_dtypes = None  # type: ignore[assignment]


class ElementType(IntEnum):
    """The type of a tensor's elements; the values are those of ONNX's TensorProto.DataType."""

    UNDEFINED = 0
    FLOAT32 = 1
    UINT8 = 2
    INT8 = 3
    UINT16 = 4
    INT16 = 5
    INT32 = 6
    INT64 = 7
    STRING = 8
    BOOL = 9
    FLOAT16 = 10
    FLOAT64 = 11
    UINT32 = 12
    UINT64 = 13
    COMPLEX64 = 14
    COMPLEX128 = 15
    BFLOAT16 = 16
    FLOAT8E4M3FN = 17
    FLOAT8E4M3FNUZ = 18
    FLOAT8E5M2 = 19
    FLOAT8E5M2FNUZ = 20
    UINT4 = 21
    INT4 = 22
    FLOAT4E2M1 = 23
    FLOAT8E8M0 = 24
    UINT2 = 25
    INT2 = 26


_NUMPY = {
    ElementType.FLOAT32: "float32",
    ElementType.UINT8: "uint8",
    ElementType.INT8: "int8",
    ElementType.UINT16: "uint16",
    ElementType.INT16: "int16",
    ElementType.INT32: "int32",
    ElementType.INT64: "int64",
    ElementType.BOOL: "bool",
    ElementType.FLOAT16: "float16",
    ElementType.FLOAT64: "float64",
    ElementType.UINT32: "uint32",
    ElementType.UINT64: "uint64",
    ElementType.COMPLEX64: "complex64",
    ElementType.COMPLEX128: "complex128",
}

# Element type: name in ml_dtypes, bits of an element in Pinion (in numpy it has at least a byte).
_ML_DTYPES = {
    ElementType.BFLOAT16: ("bfloat16", 16),
    ElementType.FLOAT8E4M3FN: ("float8_e4m3fn", 8),
    ElementType.FLOAT8E4M3FNUZ: ("float8_e4m3fnuz", 8),
    ElementType.FLOAT8E5M2: ("float8_e5m2", 8),
    ElementType.FLOAT8E5M2FNUZ: ("float8_e5m2fnuz", 8),
    ElementType.FLOAT8E8M0: ("float8_e8m0fnu", 8),
    ElementType.UINT4: ("uint4", 4),
    ElementType.INT4: ("int4", 4),
    ElementType.FLOAT4E2M1: ("float4_e2m1fn", 4),
    ElementType.UINT2: ("uint2", 2),
    ElementType.INT2: ("int2", 2),
}

_SIGNED = (ElementType.INT4, ElementType.INT2)

#: numpy type -> element type, for types whose elements fill whole bytes in both
DIRECT: dict[np.dtype, int] = {np.dtype(name): int(code) for code, name in _NUMPY.items()}
#: The numpy type of strings.
STRINGS = np.dtype(object)
#: element type -> (typestr of the memory, numpy type if it differs from that)
MEMORY: dict[int, tuple[str, np.dtype | None]] = {int(code): (np.dtype(name).str, None) for code, name in _NUMPY.items()}
#: numpy type -> (element type, bits), for types that Pinion packs
PACKED: dict[np.dtype, tuple[int, int]] = {}
#: element type -> (numpy type, bits)
UNPACKED: dict[int, tuple[np.dtype, int]] = {}

for _code, (_name, _bits) in _ML_DTYPES.items():
    if not hasattr(ml_dtypes, _name):
        continue
    _dtype = np.dtype(getattr(ml_dtypes, _name))
    if _bits >= 8:
        DIRECT[_dtype] = int(_code)
        MEMORY[int(_code)] = ("<u2" if _bits == 16 else "|u1", _dtype)
    else:
        PACKED[_dtype] = (int(_code), _bits)
        UNPACKED[int(_code)] = (_dtype, _bits)


def dtype_of(code: int) -> np.dtype | None:
    """The numpy type of an element type: object for strings, None where numpy (or ml_dtypes) has none."""
    if code == ElementType.STRING:
        return STRINGS
    if code in MEMORY:
        typestr, other = MEMORY[code]
        return np.dtype(typestr) if other is None else other
    return UNPACKED[code][0] if code in UNPACKED else None


def pack(array: np.ndarray, bits: int) -> np.ndarray:
    """The bytes of elements of 2, 4 or 6 bits, of which numpy keeps one a byte; the first in the lowest bits."""
    raw: np.ndarray = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    if bits == 6:
        spread = (raw[:, None] >> np.arange(6, dtype=np.uint8)) & 1
        return np.packbits(spread.reshape(-1), bitorder="little")
    per = 8 // bits
    raw = raw & ((1 << bits) - 1)
    raw = np.concatenate([raw, np.zeros(-len(raw) % per, np.uint8)]).reshape(-1, per)
    packed: np.ndarray = np.bitwise_or.reduce(raw << (np.arange(per, dtype=np.uint8) * bits), axis=1).astype(np.uint8)
    return packed


def unpack(packed: np.ndarray, count: int, code: int) -> np.ndarray:
    """The first `count` elements of bytes as pack() makes them, one a byte, with the numpy type of `code`."""
    dtype, bits = UNPACKED[code]
    raw: np.ndarray
    if bits == 6:
        spread = np.unpackbits(packed, count=count * 6, bitorder="little").reshape(-1, 6)
        raw = np.bitwise_or.reduce(spread << np.arange(6, dtype=np.uint8), axis=1).astype(np.uint8)
    else:
        per = 8 // bits
        raw = (packed[:, None] >> (np.arange(per, dtype=np.uint8) * bits)) & ((1 << bits) - 1)
        raw = raw.reshape(-1)[:count].astype(np.uint8)
    if code in _SIGNED:
        sign = 1 << (bits - 1)
        raw = ((raw.astype(np.int16) ^ sign) - sign).astype(np.int8).view(np.uint8)
    return raw.view(dtype)
