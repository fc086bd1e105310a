"""What a session keeps of a .pt2 model's buffers."""

from __future__ import annotations

from collections.abc import Mapping
from ctypes import byref, c_void_p
from typing import Any

import numpy as np

from ._errors import NotFoundError, check
from ._frames import quoted
from ._library import lib, text
from ._results import from_handle
from ._values import to_handle


class Copies(dict[str, np.ndarray]):
    """Copies of buffers by name. To set one here would change nothing of the session."""

    def __setitem__(self, name: str, value: Any) -> None:
        raise TypeError(f"buffers are read as copies; session.set_buffers({{{name!r}: …}}) sets one")

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


class BufferKeeping:
    """The part of a session that is about buffers."""

    _handle: int | None

    @property
    def buffers(self) -> dict[str, np.ndarray]:
        """Copies of what the session keeps of a .pt2 model's buffers, by name; empty unless loaded with mutations="state".

        `set_buffers()` and `reset_buffers()` change them.
        """
        result: dict[str, np.ndarray] = {}
        for index in range(lib.pinion_session_buffer_count(self._handle)):
            out = c_void_p()
            check(lib.pinion_session_buffer_get(self._handle, index, byref(out)))
            assert out.value is not None
            result[text(lib.pinion_session_buffer_name(self._handle, index))] = from_handle(out.value)
        return Copies(result)

    def set_buffers(self, contents: Mapping[str, Any]) -> None:
        """Sets buffers that the session keeps to copies of arrays of the same types and shapes, by name."""
        names = [text(lib.pinion_session_buffer_name(self._handle, i)) for i in range(lib.pinion_session_buffer_count(self._handle))]
        unknown = [name for name in contents if name not in names]
        if unknown:
            raise NotFoundError(f"the session keeps no buffer named {quoted(unknown)}; it keeps {quoted(names) or 'none'}")
        for name, value in contents.items():
            memory: list[Any] = []
            handle = to_handle(value, None, memory)
            try:
                check(lib.pinion_session_buffer_set(self._handle, names.index(name), handle))
            finally:
                lib.pinion_value_release(handle)

    def reset_buffers(self) -> None:
        """Sets the buffers that the session keeps to the contents in the model's file."""
        check(lib.pinion_session_buffers_reset(self._handle))
