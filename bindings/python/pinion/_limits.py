"""Limits of runs."""

from __future__ import annotations

import ctypes
import operator
from ctypes import byref, c_void_p
from typing import Any

from ._copying import NotCopied
from ._errors import InvalidArgumentError, check
from ._interrupts import question
from ._library import RunOptions, lib


class CancelToken(NotCopied):
    """A flag that any thread may set to stop the runs that were given it."""

    _instead = "threads share the object itself, and another process needs a token of its own"

    def __init__(self) -> None:
        self._handle: int | None = None
        out = c_void_p()
        check(lib.pinion_cancel_token_create(byref(out)))
        self._handle = out.value

    def __del__(self, release: Any = lib.pinion_cancel_token_release) -> None:
        if getattr(self, "_handle", None):
            release(self._handle)

    def __repr__(self) -> str:
        return f"<pinion.CancelToken, {'set' if self.is_set else 'not set'}>"

    def cancel(self) -> None:
        """Sets the token: its runs end with CancelledError."""
        lib.pinion_cancel_token_set(self._handle)

    def reset(self) -> None:
        lib.pinion_cancel_token_reset(self._handle)

    @property
    def is_set(self) -> bool:
        return bool(lib.pinion_cancel_token_is_set(self._handle))


def limit(value: int | None, name: str) -> int:
    """A limit for C, where 0 means none."""
    if value is None:
        return 0
    if not 0 < int(value) < 2**63:
        raise InvalidArgumentError(f"{name} is {value}, not a positive number")
    return int(value)


def token(cancel: CancelToken | None) -> int | None:
    """A token for C, where null means none."""
    if cancel is None:
        return None
    if not isinstance(cancel, CancelToken):
        raise InvalidArgumentError(f"cancel is {cancel!r}, not a CancelToken")
    return cancel._handle


def int64(value: Any, name: str) -> int:
    """A number for C: ctypes takes as many bits as there is room for of one that has more."""
    try:
        number = operator.index(value)
    except TypeError:
        raise InvalidArgumentError(f"{name} is {value!r}, not an integer") from None
    if not -(2**63) <= number < 2**63:
        raise InvalidArgumentError(f"{name} is {value}, which has no place in 64 bits")
    return number


def timeout_ns(timeout: float | None) -> int:
    """Seconds as C's nanoseconds, where 0 means no limit."""
    if timeout is None:
        return 0
    try:
        is_valid = timeout >= 0
    except TypeError:
        is_valid = False
    if not is_valid:
        raise InvalidArgumentError(f"timeout is {timeout!r}, not a number of seconds")
    return max(int(min(timeout, 2.0**33) * 1e9), 1)


def run_limits(
    timeout: float | None, cancel: CancelToken | None, byte_budget: int | None, step_budget: int | None
) -> RunOptions:
    nanoseconds = timeout_ns(timeout)
    return RunOptions(
        ctypes.sizeof(RunOptions),
        nanoseconds,
        token(cancel),
        limit(byte_budget, "byte_budget"),
        limit(step_budget, "step_budget"),
        question(),
        None,
    )
