"""The exceptions of Pinion: one class per status code, each also the built-in exception that fits."""

from __future__ import annotations

import json
from typing import Any, Callable, NoReturn

from ._library import lib, text


class Error(Exception):
    """A call of Pinion failed.

    Attributes:
        code: the number of the status in pinion.h.
        message: one sentence for a person.
        node: the node's name in the model, or "".
        operator: "domain::Name", or "Name" for ai.onnx, or "".
        details: everything that is known: "status", "opset", "inputs" (types and shapes), and "others", the list of further
            problems that the same call found, e.g. all the other unsupported nodes of a model.
    """

    code = 0

    def __init__(self, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, Any] = details or {}
        self.node: str = self.details.get("node", "")
        self.operator: str = self.details.get("operator", "")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.details)

    def __str__(self) -> str:
        return "\n".join(_line(problem) for problem in [{"message": self.message, **self.details}, *self.others])

    @property
    def others(self) -> list[dict[str, Any]]:
        """Further problems that the same call found, each with "message", "node", "operator", ..."""
        others: list[dict[str, Any]] = self.details.get("others", [])
        return others


class InvalidArgumentError(Error, ValueError):
    """An argument is wrong: a missing input, an option out of range."""

    code = 1


class InvalidModelError(Error, ValueError):
    """The file or buffer is not a well-formed model."""

    code = 2


class UnsupportedError(Error, NotImplementedError):
    """The model is well-formed and asks for something that this build does not do; see `others` for all of it."""

    code = 3


class InvalidShapeError(Error, ValueError):
    """The shapes or element types of inputs do not fit the model or one of its nodes."""

    code = 4


class InvalidValueError(Error, ValueError):
    """A value inside a tensor is not allowed where it is used, e.g. an index out of range."""

    code = 5


class OutOfMemoryError(Error, MemoryError):
    """The allocator returned nothing."""

    code = 6


class BudgetExceededError(Error, RuntimeError):
    """The run would need more bytes or steps than its budget allows."""

    code = 7


class DeadlineExceededError(Error, TimeoutError):
    """The run's timeout passed."""

    code = 8


class CancelledError(Error, RuntimeError):
    """The run's cancel token was set."""

    code = 9


class InputOutputError(Error, OSError):
    """The operating system refused to open, read or map a file."""

    code = 10


class NotFoundError(Error, KeyError):
    """The named thing does not exist."""

    code = 11


class InternalError(Error, RuntimeError):
    """A defect of Pinion itself; please report it."""

    code = 12


_CLASSES = {
    cls.code: cls
    for cls in (
        InvalidArgumentError,
        InvalidModelError,
        UnsupportedError,
        InvalidShapeError,
        InvalidValueError,
        OutOfMemoryError,
        BudgetExceededError,
        DeadlineExceededError,
        CancelledError,
        InputOutputError,
        NotFoundError,
        InternalError,
    )
}


def _line(problem: dict[str, Any]) -> str:
    place = []
    if problem.get("node"):
        place.append(f"node '{problem['node']}'")
    if problem.get("operator"):
        place.append(f"operator {problem['operator']}")
    if problem.get("opset"):
        place.append(f"opset {problem['opset']}")
    if problem.get("inputs"):
        place.append("inputs " + ", ".join(problem["inputs"]))
    message = problem.get("message", "")
    return f"{message} ({'; '.join(place)})" if place else message


#: Called before an error is raised: they may raise what it comes from instead.
causes: list[Callable[[], None]] = []


def raise_last(status: int, advice: str = "") -> NoReturn:
    """Raises what the calling thread's last failing call reported, with a word of advice behind it."""
    for cause in causes:
        cause()
    try:
        details = json.loads(text(lib.pinion_error_json(None)))
    except ValueError:
        details = {}
    message = details.get("message") or text(lib.pinion_error_message(None)) or text(lib.pinion_status_name(status))
    raise _CLASSES.get(status, Error)(message + advice, {**details, "message": message + advice} if advice else details)


def check(status: int) -> None:
    if status != 0:
        raise_last(status)
