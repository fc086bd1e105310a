"""Limits of runs."""

from __future__ import annotations

import ctypes
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


def timeout_ns(timeout: float | None) -> int:
    """Seconds as C's nanoseconds, where 0 means no limit."""
    if timeout is None:
        return 0
    if not timeout >= 0:
        raise InvalidArgumentError(f"timeout is {timeout}, not a number of seconds")
    return max(int(min(timeout, 2.0**33) * 1e9), 1)


def run_limits(
    timeout: float | None, cancel: CancelToken | None, byte_budget: int | None, step_budget: int | None
) -> RunOptions:
    nanoseconds = timeout_ns(timeout)
    return RunOptions(
        ctypes.sizeof(RunOptions),
        nanoseconds,
        None if cancel is None else cancel._handle,
        limit(byte_budget, "byte_budget"),
        limit(step_budget, "step_budget"),
        question(),
        None,
    )
