"""States: values that a session keeps from run to run."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from ctypes import byref, c_char_p, c_void_p
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ._copying import NotCopied
from ._errors import InvalidArgumentError, NotFoundError, check
from ._info import read_info
from ._library import lib
from ._limits import CancelToken, run_limits
from ._results import from_handle
from ._text import c_text
from ._values import to_handle

if TYPE_CHECKING:
    from ._session import Session


class StatePair(NamedTuple):
    """An input of a model and the output that is this input in the next run."""

    input: str
    output: str
    #: Whether new positions are written behind the earlier ones, so that a run moves nothing of the past; else each run replaces the value.
    #: Where inputs decide branches, whether a branch does so.
    appended: bool


class State(NotCopied):
    """Values that a session keeps from run to run; made by Session.state().

    A decoder's keys and values grow where they lie; the state of a recurrent network takes its predecessor's place. Masks, position ids
    and other inputs are given with each run. A run that fails, is cancelled or goes beyond a limit leaves the state as it was. A state
    takes part in one call at a time; several states of a session are independent of each other.
    """

    _instead = "fork() copies what it holds"

    def __init__(self, session: Session, handle: int) -> None:
        self._handle: int | None = handle
        #: The session whose model runs.
        self.session = session
        count = lib.pinion_state_pair_count(handle)
        inputs = [read_info(lib.pinion_state_pair_input(handle, i)) for i in range(count)]
        outputs = [read_info(lib.pinion_state_pair_output(handle, i)) for i in range(count)]
        #: What it holds.
        self.pairs = [StatePair(a.name, b.name, bool(lib.pinion_state_pair_is_appended(handle, i))) for i, (a, b) in enumerate(zip(inputs, outputs))]
        self._infos = {info.name: info for info in inputs}
        self._held = (*self._infos,)
        taken = {pair.output for pair in self.pairs}
        #: Names of the inputs that are given with each run, and of the outputs that it returns.
        self.input_names = [name for name in session.input_names if name not in self._infos]
        self.output_names = [name for name in session.output_names if name not in taken]

    def __del__(self, release: Any = lib.pinion_state_release) -> None:
        if getattr(self, "_handle", None):
            release(self._handle)

    def __repr__(self) -> str:
        return f"<pinion.State of {len(self.pairs)} values, {self.nbytes} bytes, length {self.length}>"

    def run(
        self,
        inputs: Mapping[str, Any],
        output_names: Sequence[str] | None = None,
        *,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
        byte_budget: int | None = None,
        step_budget: int | None = None,
        out: Mapping[str, np.ndarray] | None = None,
    ) -> list[Any]:
        """Runs the model once on what the state holds, and holds what comes of it.

        Arguments are those of Session.run(). Inputs that the state holds are not given. Outputs are those that it does not take, unless
        they are named: one that it takes is a copy then.
        """
        names = self.output_names if output_names is None else output_names
        return self.session._execute(inputs, names, timeout, cancel, byte_budget, step_budget, out, from_handle, self)

    @property
    def length(self) -> int | None:
        """The positions that growing values hold; None where nothing grows, or values were set that differ in length."""
        length = int(lib.pinion_state_length(self._handle))
        return None if length < 0 else length

    @property
    def nbytes(self) -> int:
        """Bytes that the state holds, with the room for more positions."""
        return int(lib.pinion_state_bytes(self._handle))

    @property
    def moved_bytes(self) -> int:
        """Bytes of its values that the last run wrote: new positions, and all of them where memory had to grow or values are replaced."""
        return int(lib.pinion_state_moved_bytes(self._handle))

    def reset(self) -> None:
        """Forgets everything; memory is kept for the next run, which is the first one."""
        check(lib.pinion_state_reset(self._handle))

    def truncate(self, length: int) -> None:
        """Forgets the positions from `length` on. All sequences of a batch have one length.

        Raises:
            InvalidArgumentError: fewer positions are there.
            UnsupportedError: a value does not grow, so that nothing of what it was is left.
        """
        try:
            number = operator.index(length)
        except TypeError:
            raise InvalidArgumentError(
                f"length is {length!r}, not one number; sequences of different lengths (ragged batches) need a state each"
            ) from None
        if not -(2**63) <= number < 2**63:
            raise InvalidArgumentError(f"length is {number}")
        check(lib.pinion_state_truncate(self._handle, number))

    def fork(self) -> State:
        """A state of its own with a copy of all that this one holds, e.g. for each beam of a search."""
        out = c_void_p()
        check(lib.pinion_state_fork(self._handle, byref(out)))
        return State(self.session, out.value)  # type: ignore[arg-type]

    def __getitem__(self, input_name: str) -> np.ndarray:
        """A copy of what is held for an input."""
        out = c_void_p()
        check(lib.pinion_state_get(self._handle, c_text(self._info(input_name).name), byref(out)))
        value: np.ndarray = from_handle(out.value, None, self._info(input_name))  # type: ignore[arg-type]
        return value

    def __setitem__(self, input_name: str, value: Any) -> None:
        """Holds a copy of a tensor for an input."""
        memory: list[Any] = []
        handle = to_handle(value, self._info(input_name), memory)
        try:
            check(lib.pinion_state_set(self._handle, c_text(input_name), handle))
        finally:
            lib.pinion_value_release(handle)

    def _info(self, input_name: str) -> Any:
        if input_name not in self._infos:
            raise NotFoundError(f"the state holds no '{input_name}'; it holds " + ", ".join(f"'{name}'" for name in self._infos))
        return self._infos[input_name]


def made(
    session: Session, pairs: Mapping[str, str] | None, capacity: int, timeout: float | None, cancel: CancelToken | None, byte_budget: int | None
) -> State:
    """A state of the session that holds nothing yet."""
    if not 0 <= capacity < 2**40:
        raise InvalidArgumentError(f"capacity is {capacity}, not a number of positions")
    given = dict(pairs or {})
    if pairs is not None and not given:
        raise InvalidArgumentError("pairs is empty; None stands for those that the model's names tell")
    names = (c_char_p * len(given))(*(c_text(name) for name in given))
    outputs = (c_char_p * len(given))(*(c_text(name) for name in given.values()))
    out = c_void_p()
    options = byref(run_limits(timeout, cancel, byte_budget, None))
    check(lib.pinion_state_create_with_options(session._handle, options, len(given), names, outputs, capacity, byref(out)))
    return State(session, out.value)  # type: ignore[arg-type]
