"""Signals while a run is in progress: Python runs their handlers only in its main thread, and only between its own instructions.

So runs of the main thread let the library ask about every 20 ms whether to stop. The question enters the interpreter, which then runs the
handlers of signals that came; if one raises, as Python's own for Ctrl-C does, the run is cancelled and raises the same.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Generator
from ctypes import c_int32, c_void_p
from typing import Any

from ._errors import causes
from ._library import RunOptions

_Question = ctypes.CFUNCTYPE(c_int32, c_void_p)


class _Interruption:
    """What a handler raised during a run."""

    raised: BaseException | None = None


def _answers() -> Generator[int, Any, None]:
    # A function's first instruction would run handlers before any `try` of its own is entered. A generator goes on inside it.
    answer = 0
    while True:
        try:
            while True:
                yield answer
                answer = 0
        except GeneratorExit:
            return
        except BaseException as error:
            _Interruption.raised = error
            answer = 1


class _Asking:
    """The question as C takes it, and the options of a run without limits that carry it."""

    def __init__(self) -> None:
        self.answers = _answers()
        next(self.answers)
        self.question = _Question(self.answers.send)
        self.pointer = ctypes.cast(self.question, c_void_p).value
        self.options = RunOptions(ctypes.sizeof(RunOptions), 0, None, 0, 0, self.pointer, None)
        self.options_address = ctypes.addressof(self.options)


_get_ident = threading.get_ident
_main = threading.main_thread().ident
_asking = _Asking()


def _after_fork() -> None:
    global _main
    _main = _get_ident()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def run_options() -> int | None:
    """The address of the options of a run without limits."""
    # A handler that itself runs a model does so inside the question, which then cannot be put a second time.
    if _get_ident() != _main or _asking.answers.gi_running:  # type: ignore[attr-defined]
        return None
    return _asking.options_address


def question() -> int | None:
    """The function that options of a run in this thread carry."""
    return None if run_options() is None else _asking.pointer


def raise_interruption() -> None:
    """Raises what a handler raised in the run that ended just now, if that is why it ended."""
    global _asking
    if _Interruption.raised is None or _get_ident() != _main:
        return
    error, _Interruption.raised = _Interruption.raised, None
    if _asking.answers.gi_frame is None:  # type: ignore[attr-defined]
        # A second signal came in the few instructions outside the `try`.
        _asking = _Asking()
    raise error.with_traceback(None)


causes.append(raise_interruption)
