"""What is known of a call before it is made, and what is said of its arguments."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from ctypes import c_char_p, c_void_p
from typing import Any

import numpy as np

from ._handles import VIEW_MEMBERS, VIEW_SIZE
from ._info import Kind, ValueInfo
from ._library import TensorView
from ._text import c_text


class Frame:
    """What calls with the same input names share: their names for C, their declared types, the types of their arrays."""

    __slots__ = ("names", "infos", "count", "array", "views", "pack", "unpack", "empty_views")

    def __init__(self, names: Sequence[str], infos: list[ValueInfo]) -> None:
        self.count = len(names)
        self.names: Any = (c_char_p * self.count)(*(c_text(name) for name in names))
        self.infos = infos
        self.array = c_void_p * self.count
        #: The descriptions of as many tensors, how their members are written and read all at once, and what is written before a call.
        self.views = TensorView * self.count
        members = struct.Struct(VIEW_MEMBERS * self.count)
        self.pack, self.unpack = members.pack_into, members.unpack_from
        self.empty_views = members.pack(*(VIEW_SIZE, 0, 0, 0, 0, 0, 0) * self.count)


FRAMES_KEPT = 64
#: How many names a message has.
_QUOTED = 64


def type_advice(inputs: Mapping[str, Any], infos: list[ValueInfo]) -> str:
    """How arrays of another type than the declared one become right."""
    wrong = [
        f".astype(np.{info.dtype.name}) converts '{info.name}'"
        for value, info in zip(inputs.values(), infos)
        if isinstance(value, np.ndarray) and info.kind is Kind.TENSOR and info.dtype is not None and value.dtype != info.dtype
        if info.dtype.kind != "O" and value.dtype.kind in "biufc"
    ]
    return "; " + ", ".join(wrong) if wrong else ""


def quoted(names: Any) -> str:
    """Names for a message: the first of many."""
    names = list(names)
    more = f" and {len(names) - _QUOTED} more" if len(names) > _QUOTED else ""
    return ", ".join(f"'{name}'" for name in names[:_QUOTED]) + more
