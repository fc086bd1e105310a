"""The seeds of Tests/Fuzz/node-seeds.py made large: models of one node over every operator, with inputs of millions of elements."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper

NARROW = {
    "bfloat16": "bfloat16", "float8e4m3fn": "float8_e4m3fn", "float8e4m3fnuz": "float8_e4m3fnuz", "float8e5m2": "float8_e5m2",
    "float8e5m2fnuz": "float8_e5m2fnuz", "float8e8m0": "float8_e8m0fnu", "uint4": "uint4", "int4": "int4",
    "float4e2m1": "float4_e2m1fn", "uint2": "uint2", "int2": "int2",
}  # fmt: skip


def numpy_type(name: str) -> np.dtype[Any]:
    return np.dtype(getattr(ml_dtypes, NARROW[name])) if name in NARROW else np.dtype(name)


@dataclass
class Input:
    value: Any
    #: The TypeProto of what is no tensor.
    declared: onnx.TypeProto | None = None
    is_constant: bool = False


@dataclass
class Case:
    domain: str
    name: str
    opset: int
    outputs: list[bool]
    attributes: dict[str, tuple[str, Any]] = field(default_factory=dict)
    inputs: list[Input | None] = field(default_factory=list)
    scaling: str = ""

    @property
    def qualified(self) -> str:
        return f"{self.domain}::{self.name}" if self.domain else self.name

    def __str__(self) -> str:
        def text(given: Input | None) -> str:
            if given is None:
                return "-"
            if not isinstance(given.value, np.ndarray):
                return type(given.value).__name__
            values = given.value.tolist() if given.value.size <= 4 and given.value.dtype.kind == "i" else ""
            return f"{given.value.dtype}{list(given.value.shape)}{values}" + ("c" if given.is_constant else "")

        attributes = ", ".join(f"{key}={value}"[:40] for key, (kind, value) in self.attributes.items() if kind in ("int", "ints", "string"))
        return f"{self.qualified}-{self.opset}({', '.join(map(text, self.inputs))}; {attributes}) [{self.scaling}]"

    def model(self) -> bytes:
        node = onnx.NodeProto(op_type=self.name, domain=self.domain)
        node.input.extend("" if given is None else f"x{index}" for index, given in enumerate(self.inputs))
        node.output.extend(f"y{index}" if named else "" for index, named in enumerate(self.outputs))
        for name, (kind, value) in self.attributes.items():
            if kind == "tensor":
                value = proto(value, "")
            elif kind == "graph":
                value = onnx.GraphProto.FromString(value)
            elif kind == "type":
                value = onnx.TypeProto.FromString(value)
            made = onnx.AttributeProto(name=name)
            if kind in ("ints", "floats", "strings"):
                made.type = {"ints": 7, "floats": 6, "strings": 8}[kind]
                getattr(made, kind).extend(value)
            else:
                made.CopyFrom(helper.make_attribute(name, value))
            node.attribute.append(made)
        infos, constants = [], []
        for index, given in enumerate(self.inputs):
            if given is None:
                continue
            if given.is_constant:
                constants.append(proto(given.value, f"x{index}"))
            elif given.declared is not None:
                infos.append(helper.make_value_info(f"x{index}", given.declared))
            else:
                infos.append(helper.make_tensor_value_info(f"x{index}", element_type(given.value), None))
        outputs = []
        for index, named in enumerate(self.outputs):
            if named:
                outputs.append(onnx.ValueInfoProto(name=f"y{index}"))
        graph = helper.make_graph([node], "g", infos, outputs, constants)
        opsets = [helper.make_opsetid(self.domain, self.opset)]
        if self.domain:
            opsets.append(helper.make_opsetid("", 21))
        return helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()

    def feeds(self) -> dict[str, Any]:
        return {f"x{index}": given.value for index, given in enumerate(self.inputs) if given is not None and not given.is_constant}


def element_type(array: np.ndarray) -> int:
    return TensorProto.STRING if array.dtype.kind in "OUS" else helper.np_dtype_to_tensor_dtype(array.dtype)


def proto(array: np.ndarray, name: str) -> onnx.TensorProto:
    return onnx.numpy_helper.from_array(array, name)


class Words:
    def __init__(self, line: str) -> None:
        self.words = iter(line.split())

    def next(self) -> str:
        return next(self.words)

    def ints(self) -> list[int]:
        return [int(self.next()) for _ in range(int(self.next()))]

    def bytes(self) -> bytes:
        return bytes.fromhex(self.next()[1:])

    def float(self) -> float:
        return float(struct.unpack(">f", bytes.fromhex(self.next()))[0])

    def list(self, read: Any) -> list[Any]:
        return [read() for _ in range(int(self.next()))]

    def tensor(self) -> np.ndarray:
        kind = self.next()
        dims = self.ints()
        if kind == "string":
            strings = np.empty(int(np.prod(dims)), object)
            strings[:] = [text.decode("utf-8", "replace") for text in self.list(self.bytes)]
            return strings.reshape(dims)
        return np.frombuffer(self.bytes(), numpy_type(kind)).reshape(dims)

    def value(self) -> Any:
        kind = self.next()
        if kind == "none":
            return None
        if kind == "tensor":
            return self.tensor()
        if kind == "sequence":
            return self.list(self.tensor)
        keys, values = self.tensor(), self.tensor()
        return dict(zip(keys.reshape(-1).tolist(), values.reshape(-1), strict=True))

    def attribute(self) -> tuple[str, Any]:
        kind = self.next()
        read = {
            "int": lambda: int(self.next()), "ints": self.ints, "float": self.float, "floats": lambda: self.list(self.float),
            "string": self.bytes, "strings": lambda: self.list(self.bytes), "tensor": self.tensor, "graph": self.bytes, "type": self.bytes,
        }  # fmt: skip
        return kind, read[kind]()

    def input(self) -> Input | None:
        kind = self.next()
        if kind == "absent":
            return None
        if kind == "other":
            declared = onnx.TypeProto.FromString(self.bytes())
            return Input(self.value(), declared)
        return Input(self.tensor(), is_constant=kind == "constant")


def read(path: str) -> list[Case]:
    cases: list[Case] = []
    with open(path) as file:
        for line in file:
            words = Words(line)
            word = words.next()
            if word == "node":
                domain = words.next()
                cases.append(Case("" if domain == "-" else domain, words.next(), int(words.next()), [bool(n) for n in words.ints()]))
            elif word == "attribute":
                name = words.next()
                cases[-1].attributes[name] = words.attribute()
            elif word == "input":
                cases[-1].inputs.append(words.input())
    return cases


# ---------------------------------------------------------------------------------------------------------------- scaling


def resized(array: np.ndarray, dims: tuple[int, ...], random: np.random.RandomState) -> np.ndarray:
    """The tensor with other extents: numbers drawn where the old ones lie, other elements repeated."""
    if array.dtype.kind == "f" and array.size > 0 and np.isfinite(array).all():
        low, high = float(array.min()), float(array.max())
        if high > low:
            return (random.random_sample(dims) * (high - low) + low).astype(array.dtype)
    if array.dtype.kind in "iu" and array.itemsize >= 4 and array.size > 0 and -(2**30) < int(array.min()) <= int(array.max()) < 2**30:
        return random.randint(int(array.min()), int(array.max()) + 1, dims).astype(array.dtype)
    flat = array.reshape(-1) if array.size else np.zeros(1, array.dtype)
    count = int(np.prod(dims))
    return np.ascontiguousarray(np.tile(flat, -(-count // flat.size))[:count].reshape(dims))


def tensors(case: Case) -> list[int]:
    return [index for index, given in enumerate(case.inputs) if given is not None and isinstance(given.value, np.ndarray)]


def with_dims(case: Case, dims: dict[int, tuple[int, ...]], scaling: str, random: np.random.RandomState, replaced: tuple[int, int] | None = None) -> Case:
    inputs = list(case.inputs)
    for index, extents in dims.items():
        given = inputs[index]
        assert given is not None
        if extents != given.value.shape:
            inputs[index] = replace(given, value=resized(given.value, extents, random))
    attributes = dict(case.attributes)
    if replaced is not None:
        for name, (kind, value) in attributes.items():
            if kind == "int" and value == replaced[0]:
                attributes[name] = (kind, replaced[1])
    return replace(case, inputs=inputs, attributes=attributes, scaling=scaling)


def is_count(given: Input | None) -> bool:
    """Whether the input is one whole number above 0."""
    value = given.value if given is not None else None
    return isinstance(value, np.ndarray) and value.dtype.kind == "i" and value.dtype.itemsize >= 4 and value.size == 1 and int(value.reshape(-1)[0]) > 0


def with_counts(case: Case, counts: list[int], number: int) -> Case:
    inputs = list(case.inputs)
    for index in counts:
        given = inputs[index]
        assert given is not None
        inputs[index] = replace(given, value=np.full(given.value.shape, number, given.value.dtype))
    return replace(case, inputs=inputs)


def scaled(case: Case, elements: int, random: np.random.RandomState) -> Iterator[Callable[[], Case]]:
    """Forms of the case of which a tensor has about `elements` elements, or a number that stands for an extent is large.

    Most contradict the operator's rules and are refused. Which fit is not known here. Each is made by a call, which has to come before the
    next form is asked for.
    """
    where = tensors(case)
    shapes: dict[int, tuple[int, ...]] = {index: case.inputs[index].value.shape for index in where}  # type: ignore[union-attr]

    def fits(dims: dict[int, tuple[int, ...]]) -> bool:
        return all(int(np.prod([float(d) for d in extents])) <= 2 * elements for extents in dims.values())

    def grown(positions: set[tuple[int, int]], scaling: str, also: bool) -> Iterator[Callable[[], Case]]:
        if not positions:
            return
        # The factor that brings the largest tensor to the number of elements.
        factor = 1.0
        for index in {index for index, _ in positions}:
            count, power = float(np.prod(shapes[index])), sum(1 for i, _ in positions if i == index)
            if count > 0:
                least = (elements / count) ** (1 / power)
                factor = least if factor == 1.0 else min(factor, least)
        if factor < 2:
            return
        dims = {
            index: tuple(max(int(extent * factor), 1) if (index, axis) in positions else extent for axis, extent in enumerate(extents))
            for index, extents in shapes.items()
        }
        if not fits(dims):
            return
        yield lambda: with_dims(case, dims, scaling, random)
        # A number of elements that are wanted lets work grow with the elements that there are: boxes that stay, places of a top.
        largest = max(dims[index][axis] for index, axis in positions)
        counts = [index for index in where if is_count(case.inputs[index]) and not any(i == index for i, _ in positions)]
        if counts:
            yield lambda: with_counts(with_dims(case, dims, scaling + " with counts", random), counts, largest)
        if also:
            olds = {shapes[i][a] for i, a in positions}
            if len(olds) == 1:
                old = olds.pop()
                if any(kind == "int" and value == old for kind, value in case.attributes.values()):
                    yield lambda: with_dims(case, dims, scaling + " with attributes", random, (old, max(int(old * factor), 1)))

    everywhere = [(index, axis) for index, extents in shapes.items() for axis in range(len(extents))]
    seen: set[frozenset[tuple[int, int]]] = set()

    def once(positions: list[tuple[int, int]], scaling: str, also: bool = False) -> Iterator[Callable[[], Case]]:
        key = frozenset(positions)
        if key and key not in seen:
            seen.add(key)
            yield from grown(set(positions), scaling, also)

    for extent in sorted({shapes[i][a] for i, a in everywhere}):
        if extent > 0:
            yield from once([(i, a) for i, a in everywhere if shapes[i][a] == extent], f"extent {extent}", True)
    yield from once(everywhere, "all")
    first = where[0] if where else 0
    if first in shapes and len(shapes[first]) > 2:
        yield from once([(first, a) for a in range(2, len(shapes[first]))], "spatial")
    yield from once([(first, a) for i, a in everywhere if i == first], "first input")
    yield from once([(i, 0) for i in where if shapes[i]], "first axes")
    yield from once([(i, len(shapes[i]) - 1) for i in where if shapes[i]], "last axes")
    for i, a in everywhere:
        yield from once([(i, a)], f"input {i} axis {a}", True)
    # Numbers that stand for extents.
    for index in where:
        value = case.inputs[index].value  # type: ignore[union-attr]
        if value.dtype.kind != "i" or value.dtype.itemsize < 4 or not 0 < value.size <= 8:
            continue
        for factor in (1000, elements):
            for position in [*range(value.size), None]:
                changed = value.copy().reshape(-1)
                if position is None:
                    changed = changed * factor if factor == 1000 else np.maximum(changed, 1) * int(elements ** (1 / value.size))
                else:
                    changed[position] = min(max(abs(int(changed[position])), 1) * factor, np.iinfo(value.dtype).max)
                inputs = list(case.inputs)
                inputs[index] = replace(case.inputs[index], value=changed.reshape(value.shape))  # type: ignore[type-var]
                yield lambda: replace(case, inputs=inputs, scaling=f"values of input {index} * {factor} at {position}")
    for name, (kind, value) in case.attributes.items():
        if kind == "int" and abs(value) < 1 << 20:
            for number in (1000, elements):
                yield lambda: replace(case, attributes={**case.attributes, name: (kind, number)}, scaling=f"{name} = {number}")
        if kind == "ints" and value and max(map(abs, value)) < 1 << 20:
            for number in (300, elements):
                scaling = f"{name} = {number}"
                for values in ([number] * len(value), [number, *value[1:]]):
                    changed_case = replace(case, attributes={**case.attributes, name: (kind, values)}, scaling=scaling)
                    yield lambda: changed_case
                    # A window that is as large as half the picture.
                    if len(shapes.get(first, ())) == len(value) + 2 and number == 300:
                        dims = {first: (*shapes[first][:2], *([700] * len(value)))}
                        if fits(dims):
                            yield lambda: with_dims(changed_case, dims, scaling + " of 700", random)


def placed(case: Case) -> Iterator[Case]:
    """The case with all inputs fed, with its small integers constants, and with all inputs but the first constants."""
    yield case
    where = tensors(case)
    small = [i for i in where if case.inputs[i].value.dtype.kind == "i" and case.inputs[i].value.size <= 64]  # type: ignore[union-attr]
    for constant in ([small] if small else []) + ([where[1:]] if len(where) > 1 and where[1:] != small else []):
        inputs = [replace(given, is_constant=True) if given is not None and i in constant else given for i, given in enumerate(case.inputs)]
        yield replace(case, inputs=inputs)
