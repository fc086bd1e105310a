"""Graphs that are made in code, without a file."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import byref, c_char_p, c_float, c_int64, c_void_p
from typing import Any

import numpy as np

from ._copying import NotCopied
from ._errors import InvalidArgumentError, check
from ._info import Dimension, ValueInfo, read_info
from ._library import GraphOptions, NodeOptions, lib, take_string
from ._limits import int64
from ._log import runtime
from ._model import Model
from ._session import Session
from ._text import c_text
from ._types import DIRECT, PACKED, ElementType
from ._values import Value

#: What stands for an element type: a numpy type or its name, or an ElementType.
DType = Any


class GraphValue:
    """A value of a graph: an input, a constant, or what a node gives."""

    __slots__ = ("_graph", "_number")

    def __init__(self, graph: Graph, number: int) -> None:
        self._graph = graph
        self._number = number

    @property
    def info(self) -> ValueInfo:
        """Name and type, as far as the type is known: None stands for what is open."""
        return read_info(lib.pinion_graph_value_info(self._graph._handle, self._number))

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def shape(self) -> tuple[Dimension, ...] | None:
        """The dimensions, named or None where they are open; None where not even their number is known."""
        return self.info.shape

    @property
    def dtype(self) -> np.dtype | None:
        return self.info.dtype

    def __repr__(self) -> str:
        return f"<pinion.GraphValue {self.info}>"


class TypeText(str):
    """A type as the value of an attribute, in the words of ValueInfo.type: TypeText("seq(float32[?])")."""


class Graph(NotCopied):
    """A graph that grows in code and becomes a model.

    Types are inferred as it grows, and a call that does not fit raises at once; the graph is then as it was before.

        graph = pinion.Graph()
        x = graph.input("x", np.float32, ["batch", 3])
        y = graph.node("Relu", graph.node("MatMul", x, np.ones((3, 4), np.float32)))
        graph.output(y, "y")
        session = graph.session()

    Args:
        name: the graph's name.
        opset: the version of ai.onnx that nodes are of where they do not say.
    """

    _instead = "make a model of it, which can be shared"

    def __init__(self, name: str = "", *, opset: int = 21) -> None:
        self._handle: int | None = None
        #: Arrays whose memory constants share, of this graph and of those in it.
        self._memory: list[Any] = []
        options = GraphOptions(ctypes.sizeof(GraphOptions), runtime(), c_text(name), int64(opset, "opset"))
        out = c_void_p()
        check(lib.pinion_graph_create(byref(options), byref(out)))
        self._handle = out.value

    def __del__(self, release: Any = lib.pinion_graph_release) -> None:
        if getattr(self, "_handle", None):
            release(self._handle)

    def subgraph(self, name: str = "") -> Graph:
        """A graph for an attribute of a node that is added to this one next: a branch of If, a body of Loop or Scan.

        Its nodes may use the values of this graph.
        """
        out = c_void_p()
        check(lib.pinion_graph_create_subgraph(self._handle, c_text(name), byref(out)))
        inner = Graph.__new__(Graph)
        inner._handle = out.value
        inner._memory = self._memory
        return inner

    def set_opset(self, domain: str, version: int) -> None:
        """Chooses the version of an operator set that later nodes are of where they do not say."""
        check(lib.pinion_graph_set_opset(self._handle, c_text(domain), int64(version, "version")))

    def set_metadata(self, key: str, text: str) -> None:
        """Sets one of the model's own key-value pairs."""
        check(lib.pinion_graph_set_metadata(self._handle, c_text(key), c_text(text)))

    # ------------------------------------------------------------------------------------------------------------ values

    def input(
        self,
        name: str,
        dtype: DType = None,
        shape: Sequence[Dimension] | None = None,
        *,
        type: str | None = None,
        default: Any = None,
    ) -> GraphValue:
        """Adds an input, of the model or of a subgraph.

        Args:
            dtype: the type of a tensor's elements.
            shape: an int, a name, or None for each dimension; names of open dimensions that are the same are taken for equal. None
                where not even the rank is known.
            type: instead of both, a type in the words of ValueInfo.type, e.g. "seq(float32[?])".
            default: instead of all, the contents that the input has in a run that leaves it out; a copy is kept.
        """
        value = c_int64()
        if default is not None:
            held = Value(default)
            check(lib.pinion_graph_add_input_with_default(self._handle, c_text(name), held._handle, True, byref(value)))
        elif type is not None:
            check(lib.pinion_graph_add_input_of_type(self._handle, c_text(name), c_text(type), byref(value)))
        else:
            code = _element_type(dtype)
            rank = -1 if shape is None else len(shape)
            sizes, names = (c_int64 * max(rank, 0))(), (c_char_p * max(rank, 0))()
            for axis, dim in enumerate(shape or ()):
                if not (dim is None or isinstance(dim, (str, int, np.integer))):
                    kind = dim.__class__.__name__
                    raise InvalidArgumentError(f"dimension {axis} of input '{name}' is a {kind}, expected an int, a name or None")
                sizes[axis] = -1 if dim is None or isinstance(dim, str) else int64(dim, f"dimension {axis} of input '{name}'")
                names[axis] = c_text(dim) if isinstance(dim, str) else None
            check(lib.pinion_graph_add_input(self._handle, c_text(name), code, rank, sizes, names, byref(value)))
        return GraphValue(self, value.value)

    def constant(self, value: Any, name: str = "", *, dtype: DType = None, copy: bool = True) -> GraphValue:
        """Adds a tensor that never changes.

        Args:
            copy: False to share the memory of an array, which nobody may write to from then on.
        """
        held = Value(value, dtype)
        out = c_int64()
        check(lib.pinion_graph_add_constant(self._handle, c_text(name) or None, held._handle, copy, byref(out)))
        if not copy:
            self._memory += held._memory
        return GraphValue(self, out.value)

    def node(
        self,
        operator: str,
        *inputs: GraphValue | np.ndarray | np.generic | None,
        outputs: int | Sequence[str | None] = 1,
        domain: str = "",
        opset: int = 0,
        name: str = "",
        attributes: dict[str, Any] | None = None,
        **more: Any,
    ) -> Any:
        """Adds a node of any operator and gives its output, or a tuple where there are not just one.

        Args:
            inputs: None for an optional input that is absent; an array becomes a constant, which is there also where the call fails.
            outputs: how many there are, or a name for each: None for one that is made up, "" for an output that is not wanted, for
                which None is given.
            domain: the operator's, empty for the standard operators.
            opset: the version of the operator set in whose form the node is written; 0 for the graph's.
            name: the node's, made up where it is empty.
            attributes, more: a bool or an int is an INT, a float a FLOAT, a str or bytes a STRING, an array a TENSOR, a Graph of
                subgraph() a GRAPH, a TypeText a type; lists of these are INTS and so on, an empty one INTS. An element type
                (numpy's or ElementType) is an INT.

        Raises:
            UnsupportedError: an unknown operator or opset.
            InvalidModelError: attributes or inputs that are missing, unknown or of another kind; a subgraph that does not fit.
            InvalidShapeError: types that do not fit, whatever open dimensions turn out to be.
        """
        names = [None] * outputs if isinstance(outputs, int) else list(outputs)
        held = _Attributes({**(attributes or {}), **more})
        texts = (c_char_p * len(names))(*[None if n is None else c_text(n) for n in names])
        version = int64(opset, "opset")
        options = NodeOptions(ctypes.sizeof(NodeOptions), c_text(name), c_text(domain), version, held.handle, ctypes.cast(texts, c_void_p))
        numbers = [self._number(value, operator, i) for i, value in enumerate(inputs)]
        made = (c_int64 * len(names))()
        check(
            lib.pinion_graph_add_node(
                self._handle,
                c_text(operator),
                byref(options),
                len(numbers),
                (c_int64 * len(numbers))(*numbers),
                len(names),
                made,
            )
        )
        self._memory += held.memory
        values = tuple(GraphValue(self, number) if number else None for number in made)
        return values[0] if len(values) == 1 else values

    def _number(self, value: Any, operator: str, index: int) -> int:
        if value is None:
            return 0
        if isinstance(value, GraphValue):
            return self._own(value, f"input {index} of {operator}")
        if isinstance(value, (np.ndarray, np.generic)):
            return self.constant(value)._number
        kind = type(value).__name__
        raise InvalidArgumentError(f"input {index} of {operator} is a {kind}, expected a GraphValue, an array or None")

    def _own(self, value: GraphValue, what: str) -> int:
        if not lib.pinion_graph_value_info(self._handle, value._number):
            raise InvalidArgumentError(f"{what} is '{value.name}' of another graph, or of one inside this one")
        return value._number

    def output(self, value: GraphValue, name: str = "") -> None:
        """Adds an output, of the model or of a subgraph; an empty name is the value's own."""
        if not isinstance(value, GraphValue):
            raise InvalidArgumentError(f"an output is a GraphValue, not {type(value).__name__}")
        check(lib.pinion_graph_add_output(self._handle, self._own(value, "an output"), c_text(name) or None))

    # ------------------------------------------------------------------------------------------------------------ models

    def text(self) -> str:
        """The graph as text, one line a node."""
        out = c_void_p()
        check(lib.pinion_graph_text(self._handle, byref(out)))
        return take_string(out)

    def model(self) -> Model:
        """A model of what the graph has come to; later additions have no part in it."""
        out = c_void_p()
        check(lib.pinion_model_create(self._handle, None, byref(out)))
        return Model._own(out.value, list(self._memory))

    def session(self, **options: Any) -> Session:
        """A session for such a model; the options are those of Session."""
        return Session(self.model(), **options)


def _element_type(dtype: DType) -> int:
    if isinstance(dtype, ElementType):
        return int(dtype)
    if dtype is None:
        raise InvalidArgumentError("an input needs the type of its elements")
    if dtype is str or dtype is object:
        return int(ElementType.STRING)
    if isinstance(dtype, str) and dtype.upper() in ElementType.__members__:
        return int(ElementType[dtype.upper()])
    try:
        kind = np.dtype(dtype)
    except TypeError as error:
        raise InvalidArgumentError(f"'{dtype}' is no element type") from error
    if kind in DIRECT:
        return DIRECT[kind]
    if kind in PACKED:
        return PACKED[kind][0]
    raise InvalidArgumentError(f"'{kind}' is no element type")


class _Attributes(NotCopied):
    """A list of attributes of the library's."""

    _instead = "make another one"

    def __init__(self, attributes: dict[str, Any]) -> None:
        self.handle: int | None = None
        self.memory: list[Any] = []
        out = c_void_p()
        check(lib.pinion_attributes_create(byref(out)))
        self.handle = out.value
        for name, value in attributes.items():
            if value is not None:
                check(self._set(c_text(name), name, value))

    def __del__(self, release: Any = lib.pinion_attributes_release) -> None:
        if getattr(self, "handle", None):
            release(self.handle)

    def _set(self, key: bytes, name: str, value: Any) -> int:
        kind = _kind(value)
        if kind is None:
            try:
                items: list[Any] = list(value)
            except TypeError:
                raise _no_attribute(name, value) from None
            return self._set_list(key, name, items)
        if kind == "int":
            number = int(value) if isinstance(value, (int, np.integer, np.bool_)) else _element_type(value)
            if not -(1 << 63) <= int(number) < 1 << 63:
                raise InvalidArgumentError(f"attribute '{name}' is {number}, which is no number of 64 bits")
            return int(lib.pinion_attributes_set_int(self.handle, key, int(number)))
        if kind == "float":
            return int(lib.pinion_attributes_set_float(self.handle, key, float(value)))
        if kind == "type":
            return int(lib.pinion_attributes_set_type(self.handle, key, c_text(value)))
        if kind == "string":
            text = value.encode() if isinstance(value, str) else value
            return int(lib.pinion_attributes_set_string(self.handle, key, text, len(text)))
        if kind == "graph":
            return int(lib.pinion_attributes_set_graph(self.handle, key, value._handle))
        return int(lib.pinion_attributes_set_tensor(self.handle, key, self._kept(value)._handle))

    def _kept(self, value: Any) -> Value:
        """A tensor that shares no memory with what the caller has."""
        held = value if isinstance(value, Value) else Value(np.array(value))
        self.memory += [held, *held._memory]
        return held

    def _set_list(self, key: bytes, name: str, items: list[Any]) -> int:
        kinds = {_kind(item) for item in items}
        count = len(items)
        if kinds <= {"int"}:
            for item in items:
                if not -(1 << 63) <= int(item) < 1 << 63:
                    raise InvalidArgumentError(f"attribute '{name}' has {item}, which is no number of 64 bits")
            return int(lib.pinion_attributes_set_ints(self.handle, key, (c_int64 * count)(*map(int, items)), count))
        if kinds <= {"int", "float"}:
            return int(lib.pinion_attributes_set_floats(self.handle, key, (c_float * count)(*map(float, items)), count))
        if kinds == {"string"}:
            texts = [c_text(item) for item in items]
            return int(lib.pinion_attributes_set_strings(self.handle, key, (c_char_p * count)(*texts), count))
        if kinds == {"tensor"}:
            held = [self._kept(item) for item in items]
            handles = (c_void_p * count)(*[value._handle for value in held])
            return int(lib.pinion_attributes_set_tensors(self.handle, key, handles, count))
        raise _no_attribute(name, items)


def _kind(value: Any) -> str | None:
    """What kind of attribute a value is; None for what may be a list of them."""
    if isinstance(value, (bool, int, np.integer, np.bool_, np.dtype)):
        return "int"
    if isinstance(value, type) and issubclass(value, np.generic):
        return "int"
    if isinstance(value, (float, np.floating)):
        return "float"
    if isinstance(value, TypeText):
        return "type"
    if isinstance(value, (str, bytes)):
        return "string"
    if isinstance(value, Graph):
        return "graph"
    if isinstance(value, (np.ndarray, Value)):
        return "tensor"
    return None


def _no_attribute(name: str, value: Any) -> InvalidArgumentError:
    return InvalidArgumentError(f"attribute '{name}' is {value!r}, expected numbers, strings, arrays or a graph")
