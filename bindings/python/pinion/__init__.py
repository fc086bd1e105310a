"""Pinion: an inference runtime for ONNX models.

    import numpy as np
    import pinion

    session = pinion.Session("model.onnx")
    [scores] = session.run({"image": np.zeros((1, 3, 224, 224), np.float32)})

A failure is a pinion.Error that is also the built-in exception that fits: UnsupportedError is a NotImplementedError,
InvalidShapeError a ValueError, DeadlineExceededError a TimeoutError.

What the library tells of its work goes to the logger `pinion` of the standard library's logging: warnings, models and sessions that are made
(INFO), runs that are not prepared and errors (DEBUG). The level counts when a model is loaded or made.
"""

from ._calls import Binding
from ._devices import Device, device_why_not, devices
from ._errors import (
    BudgetExceededError,
    CancelledError,
    DeadlineExceededError,
    Error,
    InputOutputError,
    InternalError,
    InvalidArgumentError,
    InvalidModelError,
    InvalidShapeError,
    InvalidValueError,
    NotFoundError,
    OutOfMemoryError,
    UnsupportedError,
)
from ._graph import Graph, GraphValue, TypeText
from ._info import Dimension, Kind, ValueInfo
from ._library import lib as _lib
from ._library import text as _text
from ._limits import CancelToken
from ._model import Metadata, Model
from ._plans import Plan
from ._session import Session
from ._state import State, StatePair
from ._types import ElementType
from ._values import Value

__version__ = _text(_lib.pinion_version_string())

__all__ = [
    "Binding",
    "BudgetExceededError",
    "CancelToken",
    "CancelledError",
    "DeadlineExceededError",
    "Device",
    "Dimension",
    "ElementType",
    "Error",
    "Graph",
    "GraphValue",
    "InputOutputError",
    "InternalError",
    "InvalidArgumentError",
    "InvalidModelError",
    "InvalidShapeError",
    "InvalidValueError",
    "Kind",
    "Metadata",
    "Model",
    "NotFoundError",
    "OutOfMemoryError",
    "Plan",
    "Session",
    "State",
    "StatePair",
    "TypeText",
    "UnsupportedError",
    "Value",
    "ValueInfo",
    "cpu_isa",
    "device_why_not",
    "devices",
    "operators",
]


def cpu_isa() -> str:
    """The instruction set that kernels were chosen for on this machine, e.g. "avx512"."""
    return _text(_lib.pinion_cpu_isa_name())


def operators() -> list[tuple[str, str, int]]:
    """The operators of this build: (domain, name, first operator set version)."""
    return [
        (_text(_lib.pinion_operator_domain(i)), _text(_lib.pinion_operator_name(i)), _lib.pinion_operator_since(i))
        for i in range(_lib.pinion_operator_count())
    ]
