"""Sessions: models made ready to run."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Mapping, Sequence
from ctypes import POINTER, byref, c_char_p, c_void_p
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, NoReturn

import numpy as np

from ._apart import check_apart, span, spans
from ._buffers import BufferKeeping
from ._calls import Binding, PreparedCall, bound
from ._errors import CancelledError, DeadlineExceededError, Error, InvalidArgumentError, NotFoundError, check, raise_last
from ._frames import FRAMES_KEPT, Frame, quoted, type_advice
from ._info import Kind, ValueInfo, read_info
from ._interrupts import question, run_options
from ._library import SessionOptions, lib, text
from ._limits import CancelToken, limit, run_limits, timeout_ns, token
from ._log import logged
from ._model import Metadata, Model, ModelSource
from ._plans import Planning
from ._results import from_handle
from ._state import State, made
from ._text import c_text
from ._text_calls import TextCall
from ._trees import Tree
from ._types import STRINGS, UNPACKED
from ._value_calls import ValueCall
from ._values import Value, to_handle
from ._views import run_views

_run = lib.pinion_session_run
_run_state = lib.pinion_state_run
_release = lib.pinion_value_release


# What the methods of onnxruntime's InferenceSession are called here.
_ELSEWHERE = {
    "get_inputs": "the property inputs",
    "get_outputs": "the property outputs",
    "get_overridable_initializers": "those of the property inputs that are optional",
    "get_modelmeta": "the property metadata",
    "get_providers": "the argument device of its constructor, and pinion.devices()",
    "set_providers": "the argument device of its constructor",
    "run_with_ort_values": "run_values()",
    "run_with_iobinding": "bind()",
    "io_binding": "bind()",
    "run_async": "run(), which threads may call at once",
    "end_profiling": "profile() and profile_trace()",
}

# The status of a call whose output has another shape than was foreseen.
_INVALID_SHAPE = 4
# What is known of inputs of some shapes before a call for them is prepared: that they came once, and that no call does for them.
_CAME_ONCE, _NOT_PREPARABLE = object(), object()


class Session(Planning, BufferKeeping):
    """A model made ready to run. Threads may run one session at once; runs do not hold Python's lock.

    A copy is a new session of the same model with the same options. It is pickled as its model and these options.

    Args:
        model: the path of a model file, its bytes, or a Model that sessions share.
        threads: how many threads a run may use; 0 means all cores.
        optimization: 0 runs the nodes as they are, 1 folds constants and removes dead nodes, 2 does all.
        byte_budget: the most bytes that a run may hold besides weights where it sets no limit of its own, and that nodes which are
            computed beforehand may take; None: no limit.
        profile: time every node, see profile().
        device: the name of one of pinion.devices(), "cpu" or "cuda:0" and so on.
        plan_cache_bytes: bytes that are held between runs besides weights; None: the library's default of 256 MiB. The outputs that are
            gone of the shapes that ran last stay beside these, where they take at most 16 MiB together; trim() gives both back.
        external_data_folder: where the files with the model's external data lie; default: beside the model's file.
        timeout: seconds after which loading and making the session, together, end with DeadlineExceededError.
        cancel: a token that ends both with CancelledError.
        load_byte_budget, read_files: as byte_budget and read_files of Model, for a model that is loaded here.
        mutations: what becomes of new contents of buffers of a .pt2 model, see Model.

    Raises:
        UnsupportedError: the model has operators or types that this build does not do, or there is a reason against the device.
        InvalidModelError, InvalidShapeError, InputOutputError: the model is not well-formed or cannot be read.
    """

    def __init__(
        self,
        model: ModelSource | Model,
        *,
        threads: int = 0,
        optimization: int = 2,
        byte_budget: int | None = None,
        profile: bool = False,
        device: str = "cpu",
        plan_cache_bytes: int | None = None,
        external_data_folder: str | os.PathLike[str] | None = None,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
        mutations: str = "outputs",
        load_byte_budget: int | None = None,
        read_files: bool = False,
    ) -> None:
        self._handle: int | None = None
        start, whole = time.monotonic(), timeout
        self._options: dict[str, Any] = {
            "threads": threads,
            "optimization": optimization,
            "byte_budget": byte_budget,
            "profile": profile,
            "device": device,
            "plan_cache_bytes": plan_cache_bytes,
        }
        if not isinstance(model, Model):
            model = Model(
                model, external_data_folder=external_data_folder, timeout=timeout, cancel=cancel, byte_budget=load_byte_budget,
                read_files=read_files, mutations=mutations,
            )  # fmt: skip
        elif load_byte_budget is not None or read_files:
            raise InvalidArgumentError("load_byte_budget and read_files are for a model that the session loads; this one is loaded already")
        if timeout is not None:
            timeout = max(timeout - (time.monotonic() - start), 0.0)
        #: The model that this session runs.
        self.model = model
        options = SessionOptions(
            ctypes.sizeof(SessionOptions),
            None,
            c_text(device),
            _int32(threads, "threads"),
            _int32(optimization, "optimization"),
            bool(profile),
            0,
            limit(plan_cache_bytes, "plan_cache_bytes"),
            limit(byte_budget, "byte_budget"),
            timeout_ns(timeout),
            token(cancel),
            question(),
            None,
        )
        out = c_void_p()
        check(lib.pinion_session_create(model._handle, byref(options), byref(out)))
        handle = self._handle = out.value
        end = None if whole is None else start + whole
        self._inputs = _read_infos(lib.pinion_session_input_count(handle), partial(lib.pinion_session_input, handle), end, cancel)
        self._outputs = _read_infos(lib.pinion_session_output_count(handle), partial(lib.pinion_session_output, handle), end, cancel)
        self._by_name = {info.name: info for info in self._inputs}
        self._required = frozenset(info.name for info in self._inputs if not info.optional)
        trees = (text(lib.pinion_model_metadata_find(model._handle, key)) for key in (b"pt2.input_tree", b"pt2.output_tree"))
        self._input_tree, self._output_tree = (Tree(tree) if tree else None for tree in trees)
        self._nested = self._input_tree.nested if self._input_tree else {}
        self._input_names = {info.path: info.name for info in self._inputs if info.path}
        self._output_names = {info.path: info.name for info in self._outputs if info.path}
        self._input_frames: dict[Any, Frame] = {}
        self._output_frames: dict[tuple[str, ...] | None, Frame] = {}
        #: Calls for all outputs by the names, types and shapes of inputs; the one used last apart.
        self._calls: dict[Any, Any] = {}
        self._latest: PreparedCall | None = None
        #: The kinds of calls that may do, best first. An output whose type the model does not declare may turn out to be strings.
        self._call_kinds: tuple[type[PreparedCall], ...] = (PreparedCall, TextCall)
        if any(info.dtype is STRINGS for info in self._inputs + self._outputs):
            self._call_kinds = (TextCall,)
        if not all(_is_plain(info) or _is_maps(info) for info in self._outputs):
            self._call_kinds = ()
        self._may_prepare = all(map(_is_plain, self._inputs))

    def __del__(self, release: Any = lib.pinion_session_release) -> None:
        if getattr(self, "_handle", None):
            release(self._handle)

    def __repr__(self) -> str:
        inputs, outputs = ", ".join(map(str, self._inputs)), ", ".join(map(str, self._outputs))
        return f"<pinion.Session ({inputs}) -> ({outputs})>"

    # ------------------------------------------------------------------------------------------------ description

    @property
    def inputs(self) -> list[ValueInfo]:
        """Names and types of the inputs, those with a default included."""
        return list(self._inputs)

    @property
    def outputs(self) -> list[ValueInfo]:
        """Names and types of the outputs."""
        return list(self._outputs)

    @property
    def input_names(self) -> list[str]:
        return [info.name for info in self._inputs]

    @property
    def output_names(self) -> list[str]:
        return [info.name for info in self._outputs]

    @property
    def metadata(self) -> Metadata:
        """What the model says about itself."""
        return self.model.metadata

    # -------------------------------------------------------------------------------------------------------- run

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
        nested: bool = False,
    ) -> Any:
        """Runs the model once.

        Args:
            inputs: by name: numpy arrays, anything with `__dlpack__`, pinion.Value, scalars and lists of them (taken as the
                declared type), lists for sequences, dicts for maps, None for empty optionals. Nested arguments of a .pt2 model are
                given by the argument's name as the module takes them, {"batch": {"tokens": ..., "mask": ...}}, or each value by its
                own name or path.
            output_names: which outputs to compute; None means all, in the model's order.
            timeout: seconds after which the run ends with DeadlineExceededError.
            cancel: a token that ends the run with CancelledError.
            byte_budget: bytes that the run may hold besides weights and inputs.
            step_budget: nodes that the run may execute, those in loops counted each time.
            out: by name: contiguous arrays of the right type and shape that outputs are written into.
            nested: give the results of a .pt2 model as the module gives them, in tuples, lists and dictionaries; classes that are
                not Python's own become dictionaries of their fields, and what is written to buffers and inputs is left out.

        Returns:
            One object an output: a numpy array (object arrays of str for strings), a list for a sequence, a dict for a map, None
            for an empty optional. Nothing else shares an array's memory.
        """
        if self._nested and isinstance(inputs, Mapping) and not self._nested.keys().isdisjoint(inputs):
            assert self._input_tree is not None
            inputs = self._input_tree.flat(inputs)
        if nested:
            tree = self._output_tree
            if tree is None or output_names is not None:
                what = "the model does not tell how its results nest" if tree is None else "output_names"
                raise logged(InvalidArgumentError(f"nested results cannot be had: {what}"))
            results = self._execute(inputs, None, timeout, cancel, byte_budget, step_budget, out, from_handle)
            return tree.nest({info.name: value for info, value in zip(self._outputs, results)})
        if output_names is None and out is None and timeout is None and cancel is None and byte_budget is None and step_budget is None:
            if type(inputs) is not dict:
                self._check_inputs(inputs, output_names)
            values = [*inputs.values()]
            call = self._latest
            outputs = call.run(values) if call is not None and call.names == (*inputs,) else None
            if outputs is None and self._may_prepare:
                outputs = self._run_prepared(inputs, values)
            if isinstance(outputs, list):
                return outputs
            if outputs is not None:
                if outputs != _INVALID_SHAPE:
                    raise_last(outputs)
                self._latest = None
        return self._execute(inputs, output_names, timeout, cancel, byte_budget, step_budget, out, from_handle)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """Runs a .pt2 model as the module that was exported is called, and gives the results nested as the module does."""
        if self._input_tree is None or not self._input_tree.arguments:
            raise logged(InvalidArgumentError("the model does not tell its arguments; session.run() takes inputs by name"))
        names = self._input_tree.arguments
        if len(arguments) > len(names):
            raise logged(InvalidArgumentError(f"{len(arguments)} arguments, the module takes {len(names)}: {quoted(names)}"))
        given = dict(zip(names, arguments))
        twice = given.keys() & keywords.keys()
        if twice:
            raise logged(InvalidArgumentError(f"given twice: {quoted(twice)}"))
        return self.run({**given, **keywords}, nested=True)

    def run_values(
        self,
        inputs: Mapping[str, Any],
        output_names: Sequence[str] | None = None,
        *,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
        byte_budget: int | None = None,
        step_budget: int | None = None,
    ) -> list[Value]:
        """As run(), but returns pinion.Value objects, for other libraries (DLPack) or as inputs of the next run."""
        return self._execute(inputs, output_names, timeout, cancel, byte_budget, step_budget, None, _value)

    def bind(
        self,
        inputs: Mapping[str, np.ndarray],
        outputs: Mapping[str, np.ndarray] | None = None,
        output_names: Sequence[str] | None = None,
    ) -> Binding:
        """Prepares runs from and into arrays that stay the same, the fastest way to run small models again and again.

        Args:
            inputs: by name: C-contiguous numpy arrays. Every run reads what is in them then.
            outputs: by name: arrays of the right type and shape to write into; others are made.
            output_names: which outputs to compute; None means those in `outputs`, or all.

        Raises:
            InvalidShapeError: an input does not have the type, rank or extents that the model declares.
            UnsupportedError: an input or output is no tensor of numbers of at least a byte, or an output's shape depends on data.
        """
        self._check_inputs(inputs, output_names)
        return bound(self._handle, inputs, outputs, output_names)  # type: ignore[arg-type]

    def state(
        self,
        pairs: Mapping[str, str] | None = None,
        *,
        capacity: int = 0,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
        byte_budget: int | None = None,
    ) -> State:
        """Values that stay in the session from run to run, such as a decoder's keys and values: see State.run().

        Args:
            pairs: inputs and, for each, the output that is this input in the next run; None means those that the model's names tell, such
                as `past_key_values.0.key` and `present.0.key`, or `h` and `hn`.
            capacity: positions that there is room for from the beginning.
            timeout, cancel: as for run(): the model may have to be compiled for such a state. None means those of the session's creation.
            byte_budget: for what is computed beforehand then; what does not fit is left to the runs. None means the session's.

        Raises:
            NotFoundError: no input or output of that name, or none whose names tell a pair.
        """
        return made(self, pairs, capacity, timeout, cancel, byte_budget)

    def _check_inputs(self, inputs: Any, output_names: Any) -> None:
        """Inputs come by name, and first."""
        if isinstance(inputs, Mapping) and (output_names is None or isinstance(output_names, (list, tuple))):
            return
        if isinstance(output_names, Mapping):
            order = "session.run(inputs), or session.run(inputs, output_names); onnxruntime has them the other way round"
            raise logged(InvalidArgumentError(f"the inputs come first: {order}"))
        if isinstance(output_names, str):
            raise logged(InvalidArgumentError(f"output_names is a string; session.run(inputs, ['{output_names}']) computes that output"))
        if not isinstance(inputs, Mapping):
            names = ", ".join(f"'{name}': ..." for name in self.input_names)
            raise logged(InvalidArgumentError(f"inputs come by name, session.run({{{names}}}), not as {type(inputs).__name__}"))

    # Not for type checkers, to which every attribute would then exist.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            advice = f"; in place of onnxruntime's {name}() it has {_ELSEWHERE[name]}" if name in _ELSEWHERE else ""
            raise AttributeError(f"a pinion.Session has no attribute '{name}'{advice}")

    def _run_prepared(self, inputs: Mapping[str, Any], values: list[Any]) -> list[Any] | int | None:
        """Runs through a call for inputs of these shapes, from the second time on that they come; None if there is none for them."""
        for value in values:
            if type(value) is not np.ndarray:
                return None
        names = (*inputs,)
        types = tuple([(value.dtype if value.dtype.kind not in "OU" else STRINGS, value.shape) for value in values])
        key = (names, types)
        call = self._calls.get(key)
        if call is _NOT_PREPARABLE:
            return None
        if call is None:
            # Shapes that come once are not worth a plan of their own.
            if len(self._calls) >= FRAMES_KEPT:
                self._calls.clear()
            self._calls[key] = _CAME_ONCE
            return None
        if call is _CAME_ONCE:
            prepared = self._prepared(names, types)
            if prepared is None:
                self._calls[key] = _NOT_PREPARABLE
                return None
            call = self._calls[key] = prepared
        latest, self._latest = self._latest, call
        if latest is not None and latest is not call:
            latest.trim()
        outputs = call.run(values)
        if outputs == _INVALID_SHAPE and type(call) is not ValueCall:
            self._calls[key] = self._value_call(names, types) or _NOT_PREPARABLE
            self._latest = None
        return outputs

    def _trim_calls(self) -> int:
        return sum(call.trim() for call in [*self._calls.values()] if isinstance(call, PreparedCall))

    def _prepared(self, names: tuple[str, ...], types: tuple[Any, ...]) -> PreparedCall | None:
        """A call for inputs of these shapes; None where none does for them."""
        for kind in self._call_kinds:
            try:
                return kind(self._handle, names, types, None, True)  # type: ignore[arg-type]
            except (Error, KeyError):
                continue
        return self._value_call(names, types)

    def _value_call(self, names: tuple[str, ...], types: tuple[Any, ...]) -> ValueCall | None:
        """A call for what has no types before a run."""
        try:
            return ValueCall(self._handle, names, types, self._outputs)  # type: ignore[arg-type]
        except (Error, KeyError):
            return None

    def _execute(
        self,
        inputs: Mapping[str, Any],
        output_names: Sequence[str] | None,
        timeout: float | None,
        cancel: CancelToken | None,
        byte_budget: int | None,
        step_budget: int | None,
        out: Mapping[str, np.ndarray] | None,
        convert: Any,
        state: State | None = None,
    ) -> list[Any]:
        if type(inputs) is not dict or output_names is not None:
            self._check_inputs(inputs, output_names)
        key_of_inputs: Any = (*inputs,) if state is None else ((*inputs,), state._held)
        frame = self._input_frames.get(key_of_inputs) or self._input_frame((*inputs,), key_of_inputs, state)
        key = None if output_names is None else tuple(output_names)
        targets = self._output_frames.get(key) or self._output_frame(key)
        options: Any = run_options()
        if not (timeout is None and cancel is None and byte_budget is None and step_budget is None):
            options = byref(run_limits(timeout, cancel, byte_budget, step_budget))
        if state is None and not out and convert is from_handle:
            return run_views(self._handle, inputs, frame, targets, options)  # type: ignore[arg-type]
        handles = frame.array()
        results = targets.array()
        memory: list[Any] = []
        given: dict[int, np.ndarray] = {}
        position = 0
        try:
            for value in inputs.values():
                info = frame.infos[position]
                if value is not None or info.kind is Kind.OPTIONAL:
                    handles[position] = to_handle(value, info, memory)
                elif not info.optional:
                    raise logged(InvalidArgumentError(f"missing input '{info.name}', which is None"))
                position += 1
            if out:
                given = self._preallocated(out, targets, results, memory, frame, handles)
            run, handle = (_run, self._handle) if state is None else (_run_state, state._handle)
            status = run(handle, options, frame.count, frame.names, handles, targets.count, targets.names, results)
            if status:
                advice = ""
                if status == _INVALID_SHAPE:
                    advice = type_advice(inputs, frame.infos)
                    if out:
                        memory_given = (f"{array.dtype}{list(array.shape)} for '{name}'" for name, array in out.items())
                        advice += "; given for outputs were " + ", ".join(memory_given)
                raise_last(status, advice)
            outputs = []
            for index in range(targets.count):
                if index in given:
                    outputs.append(given[index])
                else:
                    handle, results[index] = results[index], None
                    outputs.append(convert(handle, None, targets.infos[index]))
            return outputs
        finally:
            for handle in handles:
                if handle:
                    _release(handle)
            for handle in results:
                if handle:
                    _release(handle)

    def _input_frame(self, given: tuple[str, ...], key: Any, state: State | None) -> Frame:
        names = tuple(name if name in self._by_name else self._input_names.get(name, name) for name in given)
        unknown = [name for name in names if name not in self._by_name]
        if unknown:
            raise logged(NotFoundError(f"no input is named {quoted(unknown)}; the inputs are {quoted(self._by_name)}"))
        missing = self._required.difference(names)
        if state is not None:
            held = [name for name in names if name in state._infos]
            if held:
                raise logged(InvalidArgumentError(f"the state holds {quoted(held)}; state['{held[0]}'] = ... sets it"))
            missing = missing.difference(state._infos)
        if missing:
            raise logged(InvalidArgumentError(f"missing input {quoted(info.name for info in self._inputs if info.name in missing)}"))
        if len(self._input_frames) >= FRAMES_KEPT:
            self._input_frames.clear()
        frame = self._input_frames[key] = Frame(names, [self._by_name[name] for name in names])
        return frame

    def _output_frame(self, key: tuple[str, ...] | None) -> Frame:
        by_name = {info.name: info for info in self._outputs}
        names = [info.name for info in self._outputs] if key is None else list(key)
        names = [name if name in by_name else self._output_names.get(name, name) for name in names]
        unknown = [name for name in names if name not in by_name]
        if unknown:
            raise logged(NotFoundError(f"no output is named {quoted(unknown)}; the outputs are {quoted(by_name)}"))
        if len(self._output_frames) >= FRAMES_KEPT:
            self._output_frames.clear()
        frame = Frame(names, [by_name[name] for name in names])
        if key is None:
            # Without names the outputs are taken by position, as two of them may share a name.
            frame.names = POINTER(c_char_p)()
        self._output_frames[key] = frame
        return frame

    def _preallocated(
        self, out: Mapping[str, np.ndarray], targets: Frame, results: Any, memory: list[Any], frame: Frame, handles: Any
    ) -> dict[int, np.ndarray]:
        if not isinstance(out, Mapping):
            raise logged(InvalidArgumentError(f"out is a {type(out).__name__}, expected arrays by the outputs' names"))
        positions = {info.name: index for index, info in enumerate(targets.infos)}
        given = {}
        for name, array in out.items():
            if name not in positions:
                raise logged(NotFoundError(f"no output that is computed is named '{name}'; they are {quoted(positions)}"))
            if not (isinstance(array, np.ndarray) and array.flags.c_contiguous and array.flags.writeable):
                raise logged(InvalidArgumentError(f"the array for output '{name}' is not a writable C-contiguous numpy array"))
            before = len(memory)
            results[positions[name]] = to_handle(array, None, memory)
            if not any(kept is array for kept in memory[before:]):
                raise logged(InvalidArgumentError(f"output '{name}' cannot be written into an array of type {array.dtype}"))
            given[positions[name]] = array
        # What inputs became, since sequences, pinion.Value and DLPack's tensors lend their memory as arrays do.
        read = [part for handle, info in zip(handles, frame.infos) if handle for part in spans(handle, f"input '{info.name}'")]
        check_apart([span(array, f"output '{name}'") for name, array in out.items()], read)
        return given

    # ----------------------------------------------------------------------------------------------------- pickle

    def __getstate__(self) -> dict[str, Any]:
        return {"model": self.model, "options": self._options}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["model"], **state["options"])  # type: ignore[misc]

    def __copy__(self) -> Session:
        return type(self)(self.model, **self._options)

    def __deepcopy__(self, memo: Any) -> Session:
        return self.__copy__()


def _read_infos(count: int, get: Callable[[int], int], end: float | None, cancel: CancelToken | None) -> list[ValueInfo]:
    """The inputs or outputs, within the limits: some microseconds each, of which a model may have very many."""
    infos: list[ValueInfo] = []
    for first in range(0, count, 256):
        if first and end is not None and time.monotonic() > end:
            raise DeadlineExceededError("the deadline passed while the session's inputs and outputs were read")
        if first and cancel is not None and cancel.is_set:
            raise CancelledError("the session was cancelled while its inputs and outputs were read")
        infos += [read_info(get(index)) for index in range(first, min(first + 256, count))]
    return infos


def _is_plain(info: ValueInfo) -> bool:
    return info.kind is Kind.TENSOR and info.element_type not in UNPACKED


def _is_maps(info: ValueInfo) -> bool:
    return info.kind is Kind.SEQUENCE and info.content is not None and info.content.kind is Kind.MAP


def _value(handle: int, borrowed: Any, info: ValueInfo) -> Value:
    return Value._own(handle)


def _int32(value: int, name: str) -> int:
    if not -(2**31) <= int(value) < 2**31:
        raise InvalidArgumentError(f"{name} is {value}")
    return int(value)
