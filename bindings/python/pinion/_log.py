"""The library's log, as records of the logger `pinion`."""

from __future__ import annotations

import ctypes
import logging
import threading
from ctypes import CFUNCTYPE, byref, c_char_p, c_int32, c_size_t, c_void_p

from ._errors import Error, check
from ._library import lib

logger = logging.getLogger("pinion")
logger.addHandler(logging.NullHandler())

# By pinion_log_level. Errors are raised as well, and whoever catches one need not read of it.
_LEVELS = {1: logging.DEBUG, 2: logging.WARNING, 3: logging.INFO, 4: logging.DEBUG}

_Log = CFUNCTYPE(None, c_int32, c_char_p, c_void_p)


class _RuntimeOptions(ctypes.Structure):
    """The first fields of pinion_runtime_options; the others keep their defaults."""

    _fields_ = [("struct_size", c_size_t), ("threads", c_int32), ("log_level", c_int32), ("log", _Log), ("log_context", c_void_p)]


def _write(level: int, message: bytes, _context: int | None) -> None:
    logger.log(_LEVELS.get(level, logging.DEBUG), "%s", message.decode(errors="replace"))


#: Called by the library for as long as it has a runtime, that is for good.
_written = _Log(_write)

_runtimes: dict[int, c_void_p] = {}
_lock = threading.Lock()


def runtime() -> c_void_p:
    """What models and sessions share, with a log of what the logger takes now: the level counts when a model is loaded or made."""
    level = next((level for level in (4, 3) if logger.isEnabledFor(_LEVELS[level])), 2)
    with _lock:
        if level not in _runtimes:
            out = c_void_p()
            check(lib.pinion_runtime_create(byref(_RuntimeOptions(ctypes.sizeof(_RuntimeOptions), 0, level, _written, None)), byref(out)))
            _runtimes[level] = out
        return _runtimes[level]


def logged(error: Error) -> Error:
    """The error, which the log is told of as of those that the library finds itself."""
    logger.log(_LEVELS[1], "running: %s", error)
    return error
