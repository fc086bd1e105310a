"""Models that ask for what no host gives: sizes, indexes, attributes, types, nesting, names, sparse tensors, encodings, external data.

Each is a name, the bytes of a model, files that lie beside it, and inputs for a run. What is right follows from the limits, not from
the model: any status code, within the deadline and the budget.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import starmap
from pathlib import Path
from typing import Any

import hostile_pt2
import numpy as np
import onnx
from onnx import TensorProto, helper

EXTREMES = [0, -1, 1, 2, 2**31 - 1, 2**31, 2**32, 2**44, 2**46 - 1, 2**46, 2**62, 2**63 - 1, -(2**63)]
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


@dataclass
class Hostile:
    name: str
    model: bytes
    inputs: dict[str, Any] = field(default_factory=dict)
    #: What is to lie in the model's folder: bytes, or a call that makes it there.
    files: dict[str, bytes | Callable[[Path], None]] = field(default_factory=dict)
    #: Bytes of elements of weights that the file packs, which plans hold as kernels read them: like the file itself they are in no budget.
    unpacked: int = 0


def info(name: str, kind: int = FLOAT, dims: Any = None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, dims)


def model(nodes: Any, inputs: Any, outputs: Any, initializers: Any = (), functions: Any = (), opset: int = 21, **graph: Any) -> onnx.ModelProto:
    made = helper.make_graph(list(nodes), "g", list(inputs), [onnx.ValueInfoProto(name=n) if isinstance(n, str) else n for n in outputs], list(initializers))
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3), helper.make_opsetid("local", 1), helper.make_opsetid("com.microsoft", 1)]
    result = helper.make_model(made, opset_imports=opsets, functions=list(functions), ir_version=10)
    for name, value in graph.items():
        getattr(result.graph, name).extend(value)
    return result


def clipped(value: int, dtype: Any) -> Any:
    limits = np.iinfo(dtype)
    return np.array(min(max(value, limits.min), limits.max), dtype)


def sizes() -> Iterator[Hostile]:
    """Operators whose outputs are as large as a number in an input says."""
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    forms: list[tuple[str, list[Any], dict[str, Any]]] = [
        ("Expand", [x, lambda v: [v, 2, 3]], {}),
        ("Expand", [x, lambda v: [v] * 8 + [2, 3]], {}),
        ("Tile", [x, lambda v: [v, 1]], {}),
        ("Tile", [x, lambda v: [v, v]], {}),
        ("ConstantOfShape", [lambda v: [v]], {}),
        ("ConstantOfShape", [lambda v: [v, v, v]], {}),
        ("Reshape", [x, lambda v: [v, -1]], {}),
        *(("Pad", [x, lambda v: [v, 0, 0, v]], {"mode": mode}) for mode in ("constant", "reflect", "edge", "wrap")),
        ("CenterCropPad", [x, lambda v: [v, 3]], {}),
        ("OneHot", [np.array([1, 2]), lambda v: v, np.array([0, 1], np.float32)], {}),
        ("Range", [lambda v: 0, lambda v: v, lambda v: 1], {}),
        ("Range", [lambda v: -(2**63), lambda v: v, lambda v: 1], {}),
        ("TopK", [x, lambda v: [v]], {}),
        ("Resize", [x.reshape(1, 1, 2, 3), None, None, lambda v: [1, 1, v, 3]], {"mode": "nearest"}),
        ("Resize", [x.reshape(1, 1, 2, 3), None, None, lambda v: [1, 1, v, v]], {"mode": "cubic"}),
        ("Slice", [x, lambda v: [v], lambda v: [-v if v > -(2**63) else v], lambda v: [0], lambda v: [-1]], {}),
        ("Split", [x, lambda v: [v, 2 - v if abs(v) < 2**62 else v]], {}),
        ("SplitToSequence", [x, lambda v: v], {}),
        ("DFT", [x.reshape(1, 6, 1), lambda v: v], {}),
        ("STFT", [x.reshape(1, 6, 1), lambda v: 1, None, lambda v: v], {}),
        ("HannWindow", [lambda v: v], {}),
        ("MelWeightMatrix", [lambda v: v, lambda v: 16, lambda v: 8000, np.float32(0), np.float32(4000)], {}),
        ("MelWeightMatrix", [lambda v: 8, lambda v: v, lambda v: 8000, np.float32(0), np.float32(4000)], {}),
        ("AffineGrid", [np.ones((1, 2, 3), np.float32), lambda v: [1, 1, v, 4]], {}),
        ("MaxUnpool", [x.reshape(1, 1, 2, 3), np.zeros((1, 1, 2, 3), np.int64), lambda v: [1, 1, v, 6]], {"kernel_shape": [1, 1]}),
        ("Col2Im", [np.ones((1, 4, 4), np.float32), lambda v: [v, 3], lambda v: [2, 2]], {}),
        ("Col2Im", [np.ones((1, 4, 4), np.float32), lambda v: [3, 3], lambda v: [v, 2]], {}),
        ("Trilu", [x, lambda v: v], {}),
        ("Gather", [x, lambda v: [v]], {}),
        ("GatherElements", [x, lambda v: [[v]]], {}),
        ("GatherND", [x, lambda v: [[v, 0]]], {}),
        ("ScatterElements", [x, lambda v: [[v]], np.ones((1, 1), np.float32)], {}),
        ("ScatterND", [x, lambda v: [[v, 0]], np.ones(1, np.float32)], {}),
        ("ReverseSequence", [x, lambda v: [v, 1, 1]], {}),
        ("Unsqueeze", [x, lambda v: [v]], {}),
        ("Squeeze", [x, lambda v: [v]], {}),
        ("ReduceSum", [x, lambda v: [v]], {}),
        ("CumSum", [x, lambda v: v], {}),
        ("NonMaxSuppression", [np.zeros((1, 2, 4), np.float32), np.zeros((1, 1, 2), np.float32), lambda v: [v]], {}),
        ("BitShift", [np.array([1, 2], np.uint64), lambda v: np.array([v % 2**64, 1], np.uint64)], {"direction": "LEFT"}),
        ("Mod", [np.array([5, -(2**63)]), lambda v: [v, -1]], {}),
        ("Div", [np.array([5, -(2**63)]), lambda v: [v, -1]], {}),
        ("Pow", [np.array([2, -(2**63)]), lambda v: [v, v]], {}),
    ]  # fmt: skip
    for number, (name, inputs, attributes) in enumerate(forms):
        for value in EXTREMES:
            arrays: list[Any] = []
            where: list[int] = []
            for index, given in enumerate(inputs):
                if callable(given):
                    try:
                        given = np.asarray(given(value), None if name == "BitShift" else np.int64)
                    except OverflowError:
                        given = np.asarray([2**63 - 1], np.int64)
                    where.append(index)
                arrays.append(given)
            for fed in (True, False):
                names = ["" if array is None else f"x{i}" for i, array in enumerate(arrays)]
                feeds = {names[i]: a for i, a in enumerate(arrays) if a is not None and (fed or i not in where)}
                constants = [onnx.numpy_helper.from_array(arrays[i], names[i]) for i in where if not fed]
                node = helper.make_node(name, names, ["y"], **attributes)
                infos = [info(n, helper.np_dtype_to_tensor_dtype(np.asarray(a).dtype)) for n, a in feeds.items()]
                made = model([node], infos, ["y"], constants, opset=20 if name == "DFT" else 21)
                yield Hostile(f"size {name}-{number} {value} {'fed' if fed else 'constant'}", made.SerializeToString(), feeds)


def attributes(seeds: str) -> Iterator[Hostile]:
    """Each integer attribute of the seeds' operators at an extreme."""
    import cases

    seen = set()
    for case in cases.read(seeds):
        for name, (kind, value) in case.attributes.items():
            if kind not in ("int", "ints", "float") or (case.qualified, name) in seen:
                continue
            seen.add((case.qualified, name))
            for number in (0, -1, 2**31, 2**46, 2**63 - 1, -(2**63)):
                changed: Any = float(number) * 1e10 if kind == "float" else number if kind == "int" else [number] * max(len(value), 1)
                forms = {**case.attributes, name: (kind, changed)}
                made = cases.replace(case, attributes=forms)
                yield Hostile(f"attribute {case.qualified}.{name} {number}", made.model(), made.feeds())


def growth() -> Iterator[Hostile]:
    """Small graphs that double what they hold, or repeat what they do."""
    for count in (10, 20, 40, 60):
        nodes = [helper.make_node("Concat", [f"v{i}", f"v{i}"], [f"v{i + 1}"], axis=0) for i in range(count)]
        yield Hostile(f"growth Concat {count}", model(nodes, [info("v0", dims=[4])], [f"v{count}"]).SerializeToString(), {"v0": np.ones(4, np.float32)})
        constant = [onnx.numpy_helper.from_array(np.ones(4, np.float32), "v0")]
        yield Hostile(f"growth constant Concat {count}", model(nodes, [], [f"v{count}"], constant).SerializeToString())
        nodes = [helper.make_node("StringConcat", [f"v{i}", f"v{i}"], [f"v{i + 1}"]) for i in range(count)]
        yield Hostile(f"growth StringConcat {count}", model(nodes, [info("v0", 8, [1])], [f"v{count}"]).SerializeToString(), {"v0": np.array(["ab"], object)})
        constant = [helper.make_tensor("v0", 8, [1], [b"ab"])]
        yield Hostile(f"growth constant StringConcat {count}", model(nodes, [], [f"v{count}"], constant).SerializeToString())
        nodes = [helper.make_node("Add", [f"v{i}", f"v{i}"], [f"v{i + 1}"]) for i in range(count * 500)]
        yield Hostile(f"growth chain {count * 500}", model(nodes, [info("v0")], [f"v{count * 500}"]).SerializeToString(), {"v0": np.ones(4, np.float32)})
    for trips in (10**4, 10**7, 2**62):
        for deep in (1, 2, 3):
            body = None
            for level in range(deep):
                inner = [helper.make_node("Identity", ["c"], ["d"])]
                if body is None:
                    inner.append(helper.make_node("Add", ["v", "v"], ["w"]))
                else:
                    inner.append(helper.make_node("Loop", ["trips", "c", "v"], ["w"], body=body))
                initializers = [helper.make_tensor("trips", INT64, [], [trips])]
                body = helper.make_graph(inner, f"b{level}", [info("i", INT64, []), info("c", 9, []), info("v")], [info("d", 9, []), info("w")], initializers)
            nodes = [helper.make_node("Loop", ["n", "", "x"], ["y"], body=body)]
            yield Hostile(f"loop {trips} deep {deep}", model(nodes, [info("n", INT64, []), info("x")], ["y"]).SerializeToString(), {"n": np.array(trips), "x": np.ones(2, np.float32)})
        scan = helper.make_graph(
            [helper.make_node("Identity", ["c"], ["d"]), helper.make_node("Identity", ["v"], ["w"]), helper.make_node("Identity", ["v"], ["o"])], "b",
            [info("i", INT64, []), info("c", 9, []), info("v")], [info("d", 9, []), info("w"), info("o")])  # fmt: skip
        nodes = [helper.make_node("Loop", ["n", "", "x"], ["y", "z"], body=scan)]
        yield Hostile(f"loop stacking {trips}", model(nodes, [info("n", INT64, []), info("x")], ["y", "z"]).SerializeToString(), {"n": np.array(trips), "x": np.ones(1000, np.float32)})
        sequence = helper.make_sequence_type_proto(helper.make_tensor_type_proto(FLOAT, None))
        insert = helper.make_graph(
            [helper.make_node("Identity", ["c"], ["d"]), helper.make_node("SequenceInsert", ["s", "t"], ["r"])], "b",
            [info("i", INT64, []), info("c", 9, []), helper.make_value_info("s", sequence)], [info("d", 9, []), helper.make_value_info("r", sequence)],
            [helper.make_tensor("t", FLOAT, [1], [1.0])])  # fmt: skip
        nodes = [helper.make_node("SequenceEmpty", [], ["e"]), helper.make_node("Loop", ["n", "", "e"], ["y"], body=insert)]
        yield Hostile(f"sequence growing {trips}", model(nodes, [info("n", INT64, [])], ["y"]).SerializeToString(), {"n": np.array(trips)})
    for count, extent in ((200, 1900), (1000, 256)):
        weights = [onnx.numpy_helper.from_array(np.zeros((extent, extent), np.float32), "w")]
        nodes = [helper.make_node("MatMul", [f"v{i}" if i else "w", "w"], [f"v{i + 1}"]) for i in range(count)]
        nodes.append(helper.make_node("ReduceSum", [f"v{count}"], ["y"], keepdims=0))
        yield Hostile(f"folding {count} products of {extent}", model(nodes, [], ["y"], weights).SerializeToString())
    for count in (4, 40):
        # Branches that are known only while it runs, each with memory of its own size.
        nodes = []
        for i in range(count):
            extent = onnx.numpy_helper.from_array(np.array([3_000_000 + 10_000 * i]), "extent")
            branches = {}
            for key, unary in (("then_branch", "Neg"), ("else_branch", "Abs")):
                inner = [
                    helper.make_node("Expand", [f"v{i}", "extent"], ["a"]), helper.make_node("Exp", ["a"], ["b"]),
                    helper.make_node(unary, ["b"], ["c"]), helper.make_node("ReduceMax", ["c"], ["o"])]  # fmt: skip
                branches[key] = helper.make_graph(inner, "b", [], [onnx.ValueInfoProto(name="o")], [extent])
            nodes += [helper.make_node("ReduceSum", [f"v{i}"], [f"s{i}"], keepdims=0), helper.make_node("Less", [f"s{i}", "zero"], [f"c{i}"])]
            nodes.append(helper.make_node("If", [f"c{i}"], [f"v{i + 1}"], **branches))
        zero = [onnx.numpy_helper.from_array(np.array(0, np.float32), "zero")]
        made = model(nodes, [info("v0", dims=[1])], [f"v{count}"], zero)
        yield Hostile(f"growth {count} branches", made.SerializeToString(), {"v0": np.ones(1, np.float32)})
    boxes = np.random.RandomState(3).rand(1, 100_000, 4).astype(np.float32)
    nodes = [helper.make_node("NonMaxSuppression", ["b", "s", "m"], ["y"])]
    feeds = {"b": boxes, "s": np.random.RandomState(4).rand(1, 1, 100_000).astype(np.float32), "m": np.array([100_000])}
    yield Hostile("boxes", model(nodes, [info("b"), info("s"), info("m", INT64)], ["y"]).SerializeToString(), feeds)


def nesting() -> Iterator[Hostile]:
    for deep in (10, 60, 100, 200, 500, 1000):
        branch = helper.make_graph([helper.make_node("Neg", ["x"], ["o"])], "b", [], [onnx.ValueInfoProto(name="o")])
        try:
            for _ in range(deep):
                node = helper.make_node("If", ["c"], ["o"], then_branch=branch, else_branch=helper.make_graph([helper.make_node("Abs", ["x"], ["o"])], "e", [], [onnx.ValueInfoProto(name="o")]))
                branch = helper.make_graph([node], "b", [], [onnx.ValueInfoProto(name="o")])
            encoded = model(branch.node, [info("c", 9, []), info("x")], ["o"]).SerializeToString()
        except Exception:
            continue
        yield Hostile(f"ifs {deep} deep", encoded, {"c": np.array(True), "x": np.ones(2, np.float32)})
    for deep in (10, 30, 63, 64, 200):
        for width in (1, 2):
            opsets = [helper.make_opsetid("", 21), helper.make_opsetid("local", 1)]
            functions = [helper.make_function("local", "f0", ["x"], ["y"], [helper.make_node("Neg", ["x"], ["y"])], opsets)]
            for level in range(1, deep):
                nodes, last = [], "x"
                for call in range(width):
                    nodes.append(helper.make_node(f"f{level - 1}", [last], [f"t{call}"], domain="local"))
                    last = f"t{call}"
                functions.append(helper.make_function("local", f"f{level}", ["x"], [last], nodes, opsets))
            made = model([helper.make_node(f"f{deep - 1}", ["x"], ["y"], domain="local")], [info("x")], ["y"], functions=functions)
            yield Hostile(f"functions {deep} deep {width} wide", made.SerializeToString(), {"x": np.ones(2, np.float32)})
    recursive = helper.make_function("local", "r", ["x"], ["y"], [helper.make_node("r", ["x"], ["y"], domain="local")], [helper.make_opsetid("local", 1)])
    yield Hostile("a function that calls itself", model([helper.make_node("r", ["x"], ["y"], domain="local")], [info("x")], ["y"], functions=[recursive]).SerializeToString())
    kind = helper.make_tensor_type_proto(FLOAT, None)
    for deep in (2, 20, 200):
        nested = kind
        try:
            for _ in range(deep):
                nested = helper.make_sequence_type_proto(nested)
            encoded = model([helper.make_node("Identity", ["s"], ["y"])], [helper.make_value_info("s", nested)], ["y"]).SerializeToString()
        except Exception:
            continue
        yield Hostile(f"sequences of sequences {deep} deep", encoded)
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["d"]), helper.make_node("SequenceConstruct", ["s"], ["r"])], "b",
        [info("i", INT64, []), info("c", 9, []), onnx.ValueInfoProto(name="s")], [info("d", 9, []), onnx.ValueInfoProto(name="r")])  # fmt: skip
    nodes = [helper.make_node("SequenceConstruct", ["x"], ["e"]), helper.make_node("Loop", ["n", "", "e"], ["y"], body=body)]
    yield Hostile("a sequence that nests itself", model(nodes, [info("n", INT64, []), info("x")], ["y"]).SerializeToString(), {"n": np.array(10_000), "x": np.ones(1, np.float32)})
    for pattern in ("(" * 200 + "a" + ")" * 200, "(a{1,1000}){1,1000}", "(a|a)*" * 200 + "b", "(((a{100}){100}){100})", "[" * 1000, "\\p{L}+" * 300):
        nodes = [helper.make_node("RegexFullMatch", ["x"], ["y"], pattern=pattern)]
        yield Hostile(f"pattern {pattern[:20]}", model(nodes, [info("x", 8)], ["y"]).SerializeToString(), {"x": np.array(["a" * 5000], object)})


def names() -> Iterator[Hostile]:
    x = {"x": np.ones(2, np.float32)}
    add = helper.make_node
    forms = {
        "an output given twice": [add("Neg", ["x"], ["y"]), add("Abs", ["x"], ["y"])],
        "a circle": [add("Add", ["x", "b"], ["a"]), add("Neg", ["a"], ["b"]), add("Neg", ["b"], ["y"])],
        "a node that reads itself": [add("Add", ["x", "y"], ["y"])],
        "an input given again": [add("Neg", ["x"], ["x"]), add("Neg", ["x"], ["y"])],
        "no output": [add("Neg", ["x"], [""])],
        "an input that nobody makes": [add("Neg", ["q"], ["y"])],
        "no operator": [add("", ["x"], ["y"])],
        "an operator of no domain": [add("Neg", ["x"], ["y"], domain="no.such.domain")],
        "a million characters": [add("Neg", ["x"], ["n" * 1_000_000]), add("Neg", ["n" * 1_000_000], ["y"])],
        "too many inputs": [add("Neg", ["x"] * 10_000, ["y"])],
        "too many outputs": [add("Neg", ["x"], ["y"] + [f"o{i}" for i in range(10_000)])],
        "many parts": [add("Split", ["x"], [f"y{i}" for i in range(10_000)], num_outputs=10_000), add("Identity", ["y0"], ["y"])],
    }
    for name, nodes in forms.items():
        yield Hostile(f"names: {name}", model(nodes, [info("x")], ["y"]).SerializeToString(), x)
    for count in (1000, 100_000):
        nodes = [helper.make_node(f"Unknown{i}", [f"v{i}" if i else "x"], [f"v{i + 1}"]) for i in range(count)]
        yield Hostile(f"{count} unknown operators", model(nodes, [info("x")], [f"v{count}"]).SerializeToString())
        nodes = [helper.make_node("Neg", ["x"], [f"v{i}"]) for i in range(count)]
        yield Hostile(f"{count} nodes and outputs", model(nodes, [info("x")], [f"v{i}" for i in range(count)]).SerializeToString(), x)
        nodes = [helper.make_node("Sum", ["x"] * count, ["y"])]
        yield Hostile(f"{count} inputs", model(nodes, [info("x")], ["y"]).SerializeToString(), x)
        constants = [helper.make_tensor(f"c{i}", FLOAT, [1], [float(i)]) for i in range(count)]
        yield Hostile(f"{count} initializers", model([helper.make_node("Sum", ["x"] + [f"c{i}" for i in range(count)], ["y"])], [info("x")], ["y"], constants).SerializeToString(), x)
        # In an order that has to be turned round.
        nodes = [helper.make_node("Neg", [f"v{i}"], [f"v{i + 1}"]) for i in reversed(range(count))]
        yield Hostile(f"{count} nodes backwards", model(nodes, [info("v0")], [f"v{count}"]).SerializeToString(), {"v0": x["x"]})
        names_ = ["d" + str(i) for i in range(min(count, 4096))]
        yield Hostile(f"{count} dimensions", model([helper.make_node("Neg", ["x"], ["y"])], [info("x", dims=names_)], ["y"]).SerializeToString(), x)


def tensors() -> Iterator[Hostile]:
    """Weights that are not what they say."""
    def weight(change: Callable[[onnx.TensorProto], None], name: str, kind: int = FLOAT) -> Hostile:
        tensor = onnx.TensorProto(name="w", data_type=kind, dims=[2, 3])
        tensor.raw_data = bytes(24)
        change(tensor)
        made = model([helper.make_node("Identity", ["w"], ["y"])], [], ["y"], [tensor])
        return Hostile(f"tensor {name}", made.SerializeToString())

    def dims(values: list[int]) -> Callable[[onnx.TensorProto], None]:
        def change(tensor: onnx.TensorProto) -> None:
            del tensor.dims[:]
            tensor.dims.extend(values)
        return change

    for values in ([2**62], [2**32, 2**32], [-1, 6], [-(2**63)], [0, 2**62], [2**46], [1] * 5000 + [6], [2, 3, 2**31], [2**63 - 1] * 3):
        yield weight(dims(values), f"dims {str(values)[:40]}")
    for length in (0, 1, 23, 25, 4096):
        yield weight(lambda t, n=length: setattr(t, "raw_data", bytes(n)), f"{length} bytes for 24")
    for kind in range(0, 30):
        yield weight(lambda t, k=kind: setattr(t, "data_type", k), f"type {kind}")
    def both(tensor: onnx.TensorProto) -> None:
        tensor.float_data.extend([1.0] * 6)
    yield weight(both, "raw and typed data")
    def wrong(tensor: onnx.TensorProto) -> None:
        tensor.ClearField("raw_data")
        tensor.int64_data.extend([1] * 6)
    yield weight(wrong, "integers for floats")
    def strings(tensor: onnx.TensorProto) -> None:
        tensor.ClearField("raw_data")
        tensor.data_type = 8
        tensor.string_data.extend([b"\xff\xfe"] * 6)
    yield weight(strings, "strings that are no text")
    def segment(tensor: onnx.TensorProto) -> None:
        tensor.segment.begin, tensor.segment.end = -5, 2**62
    yield weight(segment, "a segment")
    for extent, count in ((2**30, 1), (2**40, 1), (2**62, 1), (10, 20), (100_000, 100_000)):
        for position in (0, extent - 1, extent, -1, 2**62):
            sparse = onnx.SparseTensorProto(dims=[extent])
            sparse.values.CopyFrom(onnx.numpy_helper.from_array(np.ones(count, np.float32), "w"))
            sparse.indices.CopyFrom(onnx.numpy_helper.from_array(np.full(count, position), "i"))
            made = model([helper.make_node("ReduceSum", ["w"], ["y"])], [], ["y"], sparse_initializer=[sparse])
            yield Hostile(f"sparse {extent} with {count} at {position}", made.SerializeToString())
    for kind in (0, 8, 25, 99, -1):
        made = model([helper.make_node("Neg", ["x"], ["y"])], [info("x")], ["y"])
        made.graph.input[0].type.tensor_type.elem_type = kind
        yield Hostile(f"input of type {kind}", made.SerializeToString(), {"x": np.ones(2, np.float32)})
    for extent in (-1, -(2**63), 2**63 - 1, 2**46):
        made = model([helper.make_node("Neg", ["x"], ["y"])], [info("x", dims=[1, 2])], ["y"])
        made.graph.input[0].type.tensor_type.shape.dim[0].dim_value = extent
        yield Hostile(f"input of extent {extent}", made.SerializeToString(), {"x": np.ones((1, 2), np.float32)})


def encodings() -> Iterator[Hostile]:
    base = model(
        [helper.make_node("Add", ["x", "w"], ["y"])], [info("x", dims=["n"])], ["y"], [helper.make_tensor("w", FLOAT, [1], [1.0])]).SerializeToString()
    x = {"x": np.ones(2, np.float32)}
    for length in range(0, len(base), max(len(base) // 60, 1)):
        yield Hostile(f"cut after {length} bytes", base[:length], x)
    random = np.random.RandomState(5)
    for number in range(60):
        changed = bytearray(base)
        for _ in range(1 + number % 4):
            changed[random.randint(len(changed))] = random.randint(256)
        yield Hostile(f"bytes changed {number}", bytes(changed), x)
    def field_bytes(number: int, content: bytes) -> bytes:
        length, encoded = len(content), bytearray()
        while length > 127:
            encoded.append(length & 127 | 128)
            length >>= 7
        encoded.append(length)
        return bytes([number << 3 | 2]) + bytes(encoded) + content
    nested = b""
    for _ in range(5000):
        nested = field_bytes(7, nested)[:2**20]
    yield Hostile("messages in messages", nested)
    yield Hostile("groups in groups", bytes([11 << 3 | 3] * 100_000))
    yield Hostile("a number without end", b"\x08" + b"\xff" * 1_000_000)
    yield Hostile("a length without bytes", b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f")
    yield Hostile("a million empty nodes", field_bytes(7, b"\x0a\x00" * 1_000_000))
    yield Hostile("a million properties", field_bytes(14, b"") * 1_000_000 + base, x)
    yield Hostile("zeros", bytes(1 << 20))
    yield Hostile("an archive's first bytes", b"PK\x03\x04" + bytes(1000))
    yield Hostile("an archive's end alone", b"PK\x03\x04" + bytes(100) + b"PK\x05\x06" + b"\xff" * 18)


def external() -> Iterator[Hostile]:
    def made(entries: dict[str, str]) -> bytes:
        tensor = onnx.TensorProto(name="w", data_type=FLOAT, dims=[2, 3], data_location=TensorProto.EXTERNAL)
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=value)
        return model([helper.make_node("Identity", ["w"], ["y"])], [], ["y"], [tensor]).SerializeToString()

    def link(target: str) -> Callable[[Path], None]:
        return lambda path: os.symlink(target, path)

    def pipe(path: Path) -> None:
        os.mkfifo(path)

    def folder(path: Path) -> None:
        path.mkdir()

    for location in ("/etc/passwd", "../w.bin", "a/../../w.bin", "", ".", "missing.bin", "w.bin/", "w\0.bin", "/dev/zero", "/proc/self/mem", "w" * 5000, "./w.bin", "a//b"):
        yield Hostile(f"external at {location[:20]!r}", made({"location": location}), files={"w.bin": bytes(24)})
    for offset, length in (("0", "24"), ("-1", "24"), ("9223372036854775807", "24"), ("0", "-5"), ("0", "99999999999999999999"), ("20", "24"), ("x", "24"), ("0", "12"), ("0", "0")):
        yield Hostile(f"external from {offset}, {length} bytes", made({"location": "w.bin", "offset": offset, "length": length}), files={"w.bin": bytes(24)})
    for name, maker in {"a link to /etc/passwd": link("/etc/passwd"), "a link to itself": link("w.bin"), "a link to a device": link("/dev/zero"), "a pipe": pipe, "a folder": folder}.items():
        yield Hostile(f"external data that is {name}", made({"location": "w.bin"}), files={"w.bin": maker})
    yield Hostile("external data that is too short", made({"location": "w.bin"}), files={"w.bin": bytes(5)})
    yield Hostile("external data that is empty", made({"location": "w.bin"}), files={"w.bin": b""})


def folding() -> Iterator[Hostile]:
    """Nodes that depend on nothing, whose results together are more than a session may hold; much of it is read by one node alone."""
    x = {"x": np.ones((1, 1), np.float32)}
    node = helper.make_node
    of = onnx.numpy_helper.from_array

    def made(nodes: Any, outputs: Any, constants: Any, inputs: Any = None) -> bytes:
        return bytes(model(nodes, inputs or [info("x")], outputs, constants).SerializeToString())

    def joined(count: int, nodes: list[Any], kind: str = "Add") -> list[Any]:
        return [*nodes, *(node(kind, [f"s{i}" if i else "x", f"r{i}"], [f"s{i + 1}"]) for i in range(count))]

    extents = of(np.array([500, 500]), "e")
    seven = of(np.full((1, 1), 7, np.float32), "c")
    for count in (100, 400):
        nodes = [node("Add", ["c", f"o{i}"], [f"t{i}"]) for i in range(count)] + [node("Expand", [f"t{i}", "e"], [f"r{i}"]) for i in range(count)]
        constants = [extents, seven] + [of(np.full((1, 1), i, np.float32), f"o{i}") for i in range(count)]
        yield Hostile(f"folding {count} tables that grow", made(joined(count, nodes), [f"s{count}"], constants), x)
        chains = []
        for i in range(count):
            chains += [node("Expand", [f"o{i}", "e"], [f"a{i}"]), node("Exp", [f"a{i}"], [f"b{i}"]), node("CumSum", [f"b{i}", "zero"], [f"d{i}"]), node("ReduceMax", [f"d{i}"], [f"r{i}"])]
        yield Hostile(f"folding {count} chains to a number", made(joined(count, chains), [f"s{count}"], [*constants, of(np.array(0), "zero")]), x)
        square = of(np.ones((400, 400), np.float32), "w")
        products = [node("MatMul", ["w", "w"], ["r0"])] + [node("MatMul", [f"r{i - 1}", "w"], [f"r{i}"]) for i in range(1, count)]
        yield Hostile(f"folding {count} products that are all read", made(joined(count, products), [f"s{count}"], [square]), x)
        words = helper.make_tensor("w", 8, [20_000], [b"some words of a text"] * 20_000)
        texts = [node("StringConcat", ["w", f"o{i}"], [f"t{i}"]) for i in range(count)]
        suffixes = [helper.make_tensor(f"o{i}", 8, [1], [f"{i}".encode()]) for i in range(count)]
        numbers = [node("Gather", [f"t{i}", "x"], [f"g{i}"]) for i in range(count)]
        yield Hostile(
            f"folding {count} lists of strings", made([*texts, *numbers], [f"g{i}" for i in range(count)], [words, *suffixes], [info("x", INT64)]), {"x": np.array([1])})
        splits = [node("StringSplit", [f"t{i}"], [f"l{i}", f"n{i}"], delimiter=" ") for i in range(count)]
        heads = [node("Gather", [f"l{i}", "x"], [f"g{i}"]) for i in range(count)]
        yield Hostile(
            f"folding {count} lists of words", made([*texts, *splits, *heads], [f"g{i}" for i in range(count)], [words, *suffixes], [info("x", INT64)]), {"x": np.array([1])})
        scaled = [node("MatMul", ["v", "w"], [f"p{i}"]) for i in range(count)] + [node("Mul", [f"p{i}", f"f{i}"], [f"r{i}"]) for i in range(count)]
        factors = [of(np.full(400, i + 1, np.float32), f"f{i}") for i in range(count)]
        yield Hostile(
            f"folding {count} scaled products of one matrix", made(joined(count, scaled), [f"s{count}"], [square, *factors], [info("x"), info("v")]),
            {**x, "v": np.ones((1, 400), np.float32)})
        kernel = of(np.ones((128, 128, 3, 3), np.float32), "w")
        convolutions = [node("Conv", ["v", "w"], [f"p{i}"]) for i in range(count)] + [node("Mul", [f"p{i}", f"f{i}"], [f"r{i}"]) for i in range(count)]
        factors = [of(np.full((1, 128, 1, 1), i + 1, np.float32), f"f{i}") for i in range(count)]
        yield Hostile(
            f"folding {count} scaled convolutions of one kernel", made(joined(count, convolutions), [f"s{count}"], [kernel, *factors], [info("x"), info("v")]),
            {**x, "v": np.ones((1, 128, 3, 3), np.float32)})
        halves = [node("Cast", ["v"], ["h"], to=TensorProto.FLOAT16)]
        for i in range(count):
            halves += [node("MatMul", ["h", f"w{i}"], [f"p{i}"]), node("Relu", [f"p{i}"], [f"q{i}"]), node("Cast", [f"q{i}"], [f"r{i}"], to=FLOAT)]
        constants16 = [of(np.ones((120, 240), np.float16), f"w{i}") for i in range(count)]
        yield Hostile(
            f"folding {count} constants of half precision", made(joined(count, halves), [f"s{count}"], constants16, [info("x"), info("v")]),
            {**x, "v": np.ones((1, 120), np.float32)})
        codes = onnx.TensorProto(data_type=TensorProto.INT4, dims=[512, 1024], raw_data=bytes(512 * 512))
        blocks, weights = [], [of(np.full((1024,), 0.1, np.float32), "scales")]
        for i in range(count):
            weights.append(onnx.TensorProto(name=f"w{i}"))
            weights[-1].MergeFrom(codes)
            blocks += [node("DequantizeLinear", [f"w{i}", "scales"], [f"d{i}"], axis=1), node("MatMul", ["v", f"d{i}"], [f"r{i}"])]
        yield Hostile(
            f"folding {count} products of codes", made(joined(count, blocks), [f"s{count}"], weights, [info("x"), info("v")]),
            {**x, "v": np.ones((1, 512), np.float32)}, unpacked=count * 512 * 1024)
        branches = []
        for i in range(count):
            inner = [node("Expand", [f"o{i}", "e"], ["a"]), node("Add", [f"v{i}" if i else "x", "a"], ["o"])]
            both = {key: helper.make_graph(inner, "b", [], [onnx.ValueInfoProto(name="o")]) for key in ("then_branch", "else_branch")}
            branches.append(node("If", ["k"], [f"v{i + 1}"], **both))
        yield Hostile(f"folding {len(branches)} tables in branches of {count}", made(branches, [f"v{len(branches)}"], constants, [info("x"), info("k", 9, [])]), {**x, "k": np.array(True)})


def loading() -> Iterator[Hostile]:
    """Tensors that are no copies of bytes in the file, and lists that are looked through for each of their entries."""
    x = {"x": np.array([1])}
    node, inputs = helper.make_node, [info("x", INT64)]
    gather = [node("Gather", ["w", "x"], ["y"])]
    count = 8_000_000
    for kind, field_name in ((FLOAT, "float_data"), (TensorProto.DOUBLE, "double_data"), (INT64, "int64_data"), (TensorProto.INT8, "int32_data"), (TensorProto.INT4, "int32_data")):
        tensor = onnx.TensorProto(name="w", data_type=kind, dims=[2 * count if kind == TensorProto.INT4 else count])
        getattr(tensor, field_name).extend([1] * count)
        yield Hostile(f"loading {count} numbers in {field_name} of type {kind}", model(gather, inputs, ["y"], [tensor]).SerializeToString(), x)
    for count in (300_000, 3_000_000):
        yield Hostile(f"loading {count} strings", model(gather, inputs, ["y"], [helper.make_tensor("w", 8, [count], [b"a"] * count)]).SerializeToString(), x)
        constant = node("Constant", [], ["w"], value_strings=[b"a"] * count)
        yield Hostile(f"loading {count} strings of a node", model([constant, *gather], inputs, ["y"]).SerializeToString(), x)
    half = [helper.make_tensor(f"w{i}", 8, [20_000], [b"words"] * 20_000) for i in range(300)]
    nodes = [node("Gather", [f"w{i}", "x"], [f"y{i}"]) for i in range(300)]
    yield Hostile("loading 300 lists of strings", model(nodes, inputs, [f"y{i}" for i in range(300)], half).SerializeToString(), x)
    for count in (10_000, 60_000):
        # Defaults of inputs, as files of IR version 3 have them.
        given = [info("x", dims=[1])] + [info(f"w{i}", dims=[1]) for i in range(count)]
        constants = [helper.make_tensor(f"w{i}", FLOAT, [1], [1.0]) for i in range(count)]
        total = [node("Sum", ["x"] + [f"w{i}" for i in range(count)], ["y"])]
        yield Hostile(f"loading {count} inputs with defaults", model(total, given, ["y"], constants).SerializeToString(), {"x": np.ones(1, np.float32)})
        copies = [node("Neg", ["x"], [f"v{i}"]) for i in range(count)]
        pairs = [node("Sum", [f"v{i // 2}" for i in range(2 * count)], ["y"])]
        yield Hostile(f"loading {count} operands given twice", model([*copies, *pairs], [info("x", dims=[1])], ["y"]).SerializeToString(), {"x": np.ones(1, np.float32)})


def programs() -> Iterator[Hostile]:
    yield from starmap(Hostile, hostile_pt2.programs())


def program_nesting() -> Iterator[Hostile]:
    yield from starmap(Hostile, hostile_pt2.nesting())


def program_texts() -> Iterator[Hostile]:
    yield from starmap(Hostile, hostile_pt2.texts())


def program_numbers() -> Iterator[Hostile]:
    yield from starmap(Hostile, hostile_pt2.lists())


def everything(seeds: str, groups: str = "") -> Iterator[Hostile]:
    """All models, in an order that stays, or those of the groups that the expression finds."""
    for group in (sizes, growth, nesting, names, tensors, encodings, external, programs, program_nesting, program_texts, program_numbers, folding, loading):
        if re.search(groups, group.__name__):
            yield from group()
    if re.search(groups, "attributes"):
        yield from attributes(seeds)
