"""What every conversion of values asks of C."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import c_int64
from typing import Any

from ._info import Kind
from ._library import TensorView, lib
from ._types import ElementType

release = lib.pinion_value_release
describe = lib.pinion_tensor_describe
wrap = lib.pinion_tensor_wrap
VIEW_SIZE = ctypes.sizeof(TensorView)
# Of a TensorView: two pointers more than numbers of four bytes.
VIEW_MEMBERS = "NiiPPNq"
# Members of an enumeration take as long to look up as a foreign call to prepare.
TENSOR, SEQUENCE, MAP, STRING = Kind.TENSOR, Kind.SEQUENCE, Kind.MAP, int(ElementType.STRING)
_dims_types: dict[int, Any] = {}


def dims_array(shape: Sequence[int]) -> Any:
    """A ctypes array of int64 with the dimensions."""
    rank = len(shape)
    kind = _dims_types.get(rank)
    if kind is None:
        kind = _dims_types[rank] = c_int64 * rank
    return kind(*shape)
