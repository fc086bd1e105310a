"""Memory of large outputs that are gone, for those to come."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from ._addresses import empty
from ._copying import NotCopied

#: Bytes from which on an output's memory is kept: the system clears new pages one by one, which takes longer than most work on them.
LEAST = 64 << 10
#: Bytes of all outputs of a call up to which it is.
MOST = 16 << 20


class _Lease(NotCopied):
    """Gives a block back when the array that was made of it is gone, and all that share its memory."""

    __slots__ = ("block", "idle", "__array_interface__")
    _instead = "copy the array"
    block: np.ndarray
    idle: deque[np.ndarray]
    __array_interface__: dict[str, Any]

    def __del__(self) -> None:
        self.idle.append(self.block)


class Recycled:
    """Makes the arrays of one output, out of the memory of the last one that is gone."""

    __slots__ = ("_shape", "_dtype", "_size", "_idle")

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype, size: int) -> None:
        self._shape, self._dtype, self._size = shape, dtype, size
        # Who drops one array for each that is made needs one block. Adding to it and taking away are single operations.
        self._idle: deque[np.ndarray] = deque(maxlen=1)

    def __call__(self) -> np.ndarray:
        """An uninitialised array."""
        try:
            block = self._idle.pop()
        except IndexError:
            block = empty((self._size,), np.dtype(np.uint8), self._size)
        lease = _Lease()
        lease.block, lease.idle = block, self._idle
        lease.__array_interface__ = block.__array_interface__
        array: np.ndarray = np.asarray(lease).view(self._dtype).reshape(self._shape)
        return array

    def trim(self) -> int:
        """Gives the memory back; returns its bytes."""
        try:
            return self._idle.pop().nbytes
        except IndexError:
            return 0
