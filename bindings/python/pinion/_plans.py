"""Plans, preparations and profiles of sessions."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from ctypes import POINTER, byref, c_void_p
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import check, raise_last
from ._frames import Frame
from ._handles import dims_array
from ._info import ValueInfo, read_info
from ._interrupts import run_options
from ._library import InputShape, lib, take_string
from ._limits import CancelToken, int64, run_limits
from ._text import c_text
from ._types import DIRECT, PACKED, ElementType
from ._values import to_handle


@dataclass(frozen=True)
class Plan:
    """What a run with given input shapes would do."""

    #: Names and types of the outputs; a dimension of None depends on data.
    outputs: list[ValueInfo]
    #: The most bytes that the run holds at once besides weights and inputs.
    peak_bytes: int
    #: Arithmetic operations; a multiply and add counts two.
    flops: int
    #: False if shapes depend on data: peak_bytes and flops then leave out what follows.
    is_complete: bool


class Planning:
    """The part of a session that is about what runs will do and have done."""

    _handle: int | None
    _by_name: dict[str, ValueInfo]
    _output_frames: dict[tuple[str, ...] | None, Frame]

    if TYPE_CHECKING:

        def _output_frame(self, key: tuple[str, ...] | None) -> Frame: ...
        def _trim_calls(self) -> int: ...

    def plan(
        self,
        inputs: Mapping[str, Any] | None = None,
        *,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
        byte_budget: int | None = None,
    ) -> Plan:
        """What a run would do, without running it.

        Args:
            inputs: by name: a shape (tuple of int), a (shape, dtype) pair, or an array or Value whose content shapes may
                depend on. Inputs that are left out have their declared shape.
            timeout, cancel: as for run().
            byte_budget: for what is computed to tell shapes; where that does not fit, they are not told.
        """
        out = c_void_p()
        options: Any = run_options()
        if not (timeout is None and cancel is None and byte_budget is None):
            options = byref(run_limits(timeout, cancel, byte_budget, None))
        with self._shapes(inputs or {}) as shapes:
            check(lib.pinion_session_plan_with_options(self._handle, options, len(shapes), shapes, byref(out)))
        plan = out.value
        try:
            return Plan(
                outputs=[read_info(lib.pinion_plan_output(plan, i)) for i in range(lib.pinion_plan_output_count(plan))],
                peak_bytes=lib.pinion_plan_peak_bytes(plan),
                flops=lib.pinion_plan_flops(plan),
                is_complete=bool(lib.pinion_plan_is_complete(plan)),
            )
        finally:
            lib.pinion_plan_release(plan)

    def prepare(
        self,
        inputs: Mapping[str, Any] | None = None,
        output_names: Sequence[str] | None = None,
        *,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
        byte_budget: int | None = None,
    ) -> None:
        """Plans for inputs of these shapes and packs weights, so that the first run is as fast as those after it.

        What has been made by the time that a limit ends the call stays. Where shapes depend on data, or the values of an input decide
        which branch of an If is taken, as much is prepared as follows from the values that are given.

        Args:
            inputs: as for plan().
            output_names: the outputs that runs will compute; None means all.
            timeout, cancel, byte_budget: as for run(); the budget is for the memory of one run without its outputs.
        """
        targets = self._output_frames.get(None if output_names is None else tuple(output_names)) or self._output_frame(
            None if output_names is None else tuple(output_names)
        )
        options: Any = run_options()
        if not (timeout is None and cancel is None and byte_budget is None):
            options = byref(run_limits(timeout, cancel, byte_budget, None))
        with self._shapes(inputs or {}) as shapes:
            status = lib.pinion_session_prepare(self._handle, options, len(shapes), shapes, targets.count, targets.names)
        if status:
            raise_last(status)

    @contextmanager
    def _shapes(self, inputs: Mapping[str, Any]) -> Iterator[Any]:
        """What is said of inputs, for C."""
        shapes = (InputShape * len(inputs))()
        memory: list[Any] = []
        handles = []
        try:
            for shape, (name, given) in zip(shapes, inputs.items()):
                shape.name = c_text(name)
                dims, code = _shape_and_type(given)
                if dims is None:
                    shape.value = to_handle(given, self._by_name.get(name), memory)
                    handles.append(shape.value)
                else:
                    array = dims_array(tuple(int64(dim, f"a dimension of input '{name}'") for dim in dims))
                    memory.append(array)
                    shape.element_type, shape.rank = code, len(dims)
                    shape.dims = ctypes.cast(array, POINTER(ctypes.c_int64))
            yield shapes
        finally:
            for handle in handles:
                lib.pinion_value_release(handle)

    def profile(self) -> dict[str, Any]:
        """What the runs so far spent their time on.

        {"runs", "run_ns", "total_ns", "between_ns", "planned": {"made", "kept"}, "nodes": [{"name", "operator", "calls", "ns", "own_ns",
        "operations", "bytes", "kernel", "element"}]}: times are sums in nanoseconds, of runs, in nodes and between them. "ns" of a node
        with graphs (If, Loop, Scan) holds what runs inside it, "own_ns" does not, so that total_ns counts nothing twice. "operations"
        are of arithmetic, "bytes" those of inputs, weights and outputs, both over all calls; "kernel" says which of an operator's ways
        was taken. "planned" counts the nodes that planning met: those it made ready, and those that it took over from an earlier plan.

        Raises UnsupportedError unless the session was made with profile=True.
        """
        out = c_void_p()
        check(lib.pinion_session_profile_json(self._handle, byref(out)))
        profile: dict[str, Any] = json.loads(take_string(out))
        return profile

    def profile_trace(self) -> str:
        """The last run as a JSON text that chrome://tracing and Perfetto show."""
        out = c_void_p()
        check(lib.pinion_session_profile_trace(self._handle, byref(out)))
        return take_string(out)

    def reset_profile(self) -> None:
        """Forgets what was measured."""
        lib.pinion_session_profile_reset(self._handle)

    def trim(self) -> int:
        """Gives back cached plans and idle memory, not weights; returns their bytes."""
        return int(lib.pinion_session_trim(self._handle)) + self._trim_calls()


def _is_shape(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and all(isinstance(dim, (int, np.integer)) for dim in value)


def _shape_and_type(given: Any) -> tuple[tuple[int, ...] | None, int]:
    if _is_shape(given):
        return tuple(int(dim) for dim in given), ElementType.UNDEFINED
    if isinstance(given, tuple) and len(given) == 2 and _is_shape(given[0]):
        if isinstance(given[1], ElementType):
            return tuple(int(dim) for dim in given[0]), given[1]
        dtype = np.dtype(given[1])
        code = PACKED[dtype][0] if dtype in PACKED else DIRECT.get(dtype)
        if code is None:
            code = ElementType.STRING if dtype.kind in "OUST" else ElementType.UNDEFINED
        return tuple(int(dim) for dim in given[0]), code
    return None, ElementType.UNDEFINED
