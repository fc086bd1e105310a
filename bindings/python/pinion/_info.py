"""Declared names and types of inputs and outputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Union

import numpy as np

from ._library import lib, text
from ._types import ElementType, dtype_of


class Kind(IntEnum):
    """What a value, or the declared type of an input or output, is."""

    NONE = 0
    TENSOR = 1
    SEQUENCE = 2
    MAP = 3
    OPTIONAL = 4


#: A dimension: its size, the name of its symbol, or None where nothing is known.
Dimension = Union[int, str, None]


@dataclass(frozen=True, repr=False)
class ValueInfo:
    """The declared name and type of an input or output."""

    name: str
    kind: Kind
    #: The type of a tensor's elements or of a map's keys.
    element_type: ElementType
    #: The same as a numpy type: object for strings, None where numpy (or ml_dtypes) has none.
    dtype: np.dtype | None = field(compare=False)
    #: A tensor's dimensions; None where not even their number is known.
    shape: tuple[Dimension, ...] | None
    #: What a sequence or optional holds, or a map's values.
    content: ValueInfo | None
    #: True if a run may leave the input out.
    optional: bool
    #: The type as text, e.g. "float32[batch,3,224,224]".
    type: str
    #: Where the value lies in nested arguments or results of a PyTorch model, "batch.tokens.0"; runs take it in place of the name.
    path: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.type}"

    def __repr__(self) -> str:
        return f"<pinion.ValueInfo {self}>"


_KINDS = {int(kind): kind for kind in Kind}
_ELEMENT_TYPES = {int(element): element for element in ElementType}


def read_info(pointer: int | None) -> ValueInfo:
    """Copies a pinion_value_info."""
    rank = lib.pinion_value_info_rank(pointer)
    kind = _KINDS[lib.pinion_value_info_kind(pointer)]
    shape: tuple[Dimension, ...] | None = None
    content = None
    if kind is not Kind.TENSOR:
        content = lib.pinion_value_info_content(pointer)
    elif rank >= 0:
        dims = [lib.pinion_value_info_dim(pointer, axis) for axis in range(rank)]
        shape = tuple(
            [dim if dim >= 0 else text(lib.pinion_value_info_dim_name(pointer, axis)) or None for axis, dim in enumerate(dims)]
        )
    code = lib.pinion_value_info_element_type(pointer)
    # Not through the constructor, which sets the members of a frozen class one by one: a session may have thousands of inputs.
    info = ValueInfo.__new__(ValueInfo)
    info.__dict__.update(
        name=text(lib.pinion_value_info_name(pointer)),
        kind=kind,
        element_type=_ELEMENT_TYPES.get(code, ElementType.UNDEFINED),
        dtype=dtype_of(code),
        shape=shape,
        content=read_info(content) if content else None,
        optional=bool(lib.pinion_value_info_is_optional(pointer)),
        type=text(lib.pinion_value_info_text(pointer)),
        path=text(lib.pinion_value_info_path(pointer)),
    )
    return info
