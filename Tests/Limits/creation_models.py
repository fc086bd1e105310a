"""Models that take long to load, to make ready and to run the first time: many nodes, names, tensors, branches and functions, large constants.

Each has a name and a call that gives its bytes and the inputs of a run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hostile_pt2
import numpy as np
import onnx
from hostile import FLOAT, INT64, info, model
from onnx import TensorProto, helper, numpy_helper

Made = tuple[bytes, dict[str, Any]]
X = {"x": np.ones((2, 4), np.float32)}
node = helper.make_node
#: By name, in the order in which they are tried.
MODELS: dict[str, Callable[[], Made]] = {}


def named(function: Callable[[], Made]) -> Callable[[], Made]:
    MODELS[function.__name__.replace("_", " ")] = function
    return function


def weights(*dims: int, kind: Any = np.float32) -> Any:
    numbers = np.arange(int(np.prod(dims)), dtype=np.int32) * 7919 % 193
    return ((numbers - 96) / 193 if np.dtype(kind).kind == "f" else numbers % 100).astype(kind).reshape(dims)


def constant(name: str, value: Any) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(value), name)


def encoded(nodes: Any, outputs: Any, initializers: Any = (), inputs: Any = None, feeds: Any = None, **more: Any) -> Made:
    made = model(nodes, inputs or [info("x", dims=["n", "m"])], outputs, initializers, **more)
    return made.SerializeToString(), X if feeds is None else feeds


def branch(nodes: Any, output: str = "o", initializers: Any = (), inputs: Any = ()) -> onnx.GraphProto:
    return helper.make_graph(list(nodes), "b", list(inputs), [onnx.ValueInfoProto(name=output)], list(initializers))


# Many of one thing.


@named
def a_chain_of_nodes() -> Made:
    kinds = ["Sin", "Abs", "Cos", "Exp", "Neg", "Tanh"]
    return encoded([node(kinds[i % 6], [f"v{i}" if i else "x"], [f"v{i + 1}"]) for i in range(30_000)], ["v30000"])


@named
def a_wide_sum() -> Made:
    count = 20_000
    nodes = [node("Mul", ["x", f"c{i}"], [f"v{i}"]) for i in range(count)]
    nodes.append(node("Sum", [f"v{i}" for i in range(count)], ["y"]))
    return encoded(nodes, ["y"], [constant(f"c{i}", np.float32(i + 2)) for i in range(count)])


@named
def many_inputs() -> Made:
    count = 50_000
    nodes = [node("Neg", [f"x{i}"], [f"v{i}"]) for i in range(count)] + [node("Sum", [f"v{i}" for i in range(count)], ["y"])]
    one = np.ones(2, np.float32)
    return encoded(nodes, ["y"], inputs=[info(f"x{i}", dims=[2]) for i in range(count)], feeds={f"x{i}": one for i in range(count)})


@named
def many_outputs() -> Made:
    count = 100_000
    return encoded([node("Add", ["x", "c"], [f"v{i}"]) if i else node("Neg", ["x"], ["v0"]) for i in range(count)], [f"v{i}" for i in range(count)], [constant("c", np.float32(1))])


@named
def many_different_outputs() -> Made:
    count = 30_000
    return encoded([node("Mul", ["x", f"c{i}"], [f"v{i}"]) for i in range(count)], [f"v{i}" for i in range(count)], [constant(f"c{i}", np.float32(i + 2)) for i in range(count)])


@named
def many_initializers() -> Made:
    count = 100_000
    return encoded([node("Sum", ["x"] + [f"c{i}" for i in range(count)], ["y"])], ["y"], [helper.make_tensor(f"c{i}", FLOAT, [1], [float(i)]) for i in range(count)])


@named
def many_unread_initializers() -> Made:
    return encoded([node("Neg", ["x"], ["y"])], ["y"], [helper.make_tensor(f"c{i}", FLOAT, [2], [1.0, float(i)]) for i in range(150_000)])


@named
def equal_constants() -> Made:
    count = 10_000
    nodes = [node("Add", [f"v{i}" if i else "x", f"c{i}"], [f"v{i + 1}"]) for i in range(count)]
    return encoded(nodes, [f"v{count}"], [constant(f"c{i}", np.ones((1, 1000), np.float32)) for i in range(count)], feeds={"x": np.ones((2, 1000), np.float32)})


@named
def equal_nodes() -> Made:
    count = 40_000
    nodes = [node("Neg", ["x"], [f"v{i}"]) for i in range(count)] + [node("Sum", [f"v{i}" for i in range(count)], ["y"])]
    return encoded(nodes, ["y"])


@named
def nodes_that_nobody_reads() -> Made:
    return encoded([node("Neg", [f"v{i}" if i else "x"], [f"v{i + 1}"]) for i in range(50_000)] + [node("Abs", ["x"], ["y"])], ["y"])


@named
def copies_of_copies() -> Made:
    return encoded([node("Identity", [f"v{i}" if i else "x"], [f"v{i + 1}"]) for i in range(50_000)] + [node("Abs", ["v50000"], ["y"])], ["y"])


@named
def nodes_backwards() -> Made:
    return encoded([node("Neg", [f"v{i}" if i else "x"], [f"v{i + 1}"]) for i in reversed(range(40_000))], ["v40000"])


@named
def types_that_the_file_declares() -> Made:
    count = 100_000
    return encoded([node("Neg", ["x"], ["y"])], ["y"], value_info=[info(f"v{i}", dims=["a", "b", 3]) for i in range(count)])


@named
def nodes_of_unknown_operators() -> Made:
    return encoded([node(f"Unknown{i}", [f"v{i}" if i else "x"], [f"v{i + 1}"]) for i in range(50_000)], ["v50000"])


@named
def nodes_with_attributes() -> Made:
    nodes = [node("LeakyRelu", [f"v{i}" if i else "x"], [f"v{i + 1}"], alpha=0.1 + i * 1e-6) for i in range(20_000)]
    for made in nodes:
        made.doc_string = "words " * 20
    return encoded(nodes, ["v20000"])


@named
def a_split_into_many() -> Made:
    count = 20_000
    nodes = [node("Split", ["x"], [f"v{i}" for i in range(count)], num_outputs=count, axis=1), node("Sum", [f"v{i}" for i in range(count)], ["y"])]
    return encoded(nodes, ["y"], feeds={"x": np.ones((1, count), np.float32)})


@named
def shapes_of_shapes() -> Made:
    nodes, last = [], "x"
    for i in range(6_000):
        nodes += [node("Shape", [last], [f"s{i}"]), node("Reshape", [last, f"s{i}"], [f"r{i}"]), node("Neg", [f"r{i}"], [f"v{i}"])]
        last = f"v{i}"
    return encoded(nodes, [last])


@named
def nodes_whose_shapes_depend_on_values() -> Made:
    nodes, last = [], "x"
    for i in range(300):
        nodes += [node("NonZero", [last], [f"z{i}"]), node("Cast", [f"z{i}"], [f"c{i}"], to=FLOAT), node("ReduceSum", [f"c{i}"], [f"r{i}"], keepdims=0)]
        nodes.append(node("Add", [last, f"r{i}"], [f"v{i}"]))
        last = f"v{i}"
    return encoded(nodes, [last], inputs=[info("x", dims=["n"])], feeds={"x": np.ones(4, np.float32)})


# Large constants.


def product(value: Any, operator: str = "MatMul", rows: int = 2, **attributes: Any) -> Made:
    return encoded([node(operator, ["x", "w"], ["y"], **attributes)], ["y"], [constant("w", value)], feeds={"x": np.ones((rows, value.shape[1 if attributes.get("transB") else 0]), np.float32)})


@named
def a_product_with_a_large_constant() -> Made:
    return product(weights(2048, 8192), rows=64)


@named
def a_product_with_a_turned_constant() -> Made:
    return product(weights(8192, 2048), "Gemm", rows=64, transB=1)


@named
def a_product_with_half_a_constant() -> Made:
    nodes = [node("Cast", ["w"], ["v"], to=FLOAT), node("MatMul", ["x", "v"], ["y"])]
    return encoded(nodes, ["y"], [constant("w", weights(2048, 8192, kind=np.float16))], feeds={"x": np.ones((8, 2048), np.float32)})


@named
def a_product_with_scaled_columns() -> Made:
    nodes = [node("MatMul", ["x", "w"], ["p"]), node("Mul", ["p", "s"], ["y"])]
    return encoded(nodes, ["y"], [constant("w", weights(2048, 8192)), constant("s", weights(8192) + 1)], feeds={"x": np.ones((8, 2048), np.float32)})


@named
def a_product_with_scaled_double_columns() -> Made:
    nodes = [node("MatMul", ["x", "w"], ["p"]), node("Mul", ["p", "s"], ["y"])]
    inputs = [info("x", TensorProto.DOUBLE, ["n", "m"])]
    return encoded(nodes, ["y"], [constant("w", weights(4096, 4096, kind=np.float64)), constant("s", weights(4096, kind=np.float64) + 1)], inputs, {"x": np.ones((8, 4096))})


@named
def a_convolution_with_a_norm() -> Made:
    nodes = [node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]), node("BatchNormalization", ["c", "s", "b", "m", "v"], ["y"])]
    constants = [constant("w", weights(2048, 1024, 3, 3))] + [constant(n, np.abs(weights(2048)) + 1) for n in "sbmv"]
    return encoded(nodes, ["y"], constants, inputs=[info("x", dims=[1, 1024, 4, 4])], feeds={"x": np.ones((1, 1024, 4, 4), np.float32)})


@named
def a_product_of_bytes() -> Made:
    nodes = [node("DynamicQuantizeLinear", ["x"], ["q", "qs", "qz"]), node("MatMulInteger", ["q", "w", "qz"], ["y"])]
    return encoded(nodes, ["y"], [constant("w", weights(4096, 8192, kind=np.int8))], feeds={"x": np.ones((8, 4096), np.float32)})


@named
def weights_that_are_codes() -> Made:
    nodes = [node("DequantizeLinear", ["q", "s"], ["w"]), node("MatMul", ["x", "w"], ["y"])]
    return encoded(nodes, ["y"], [constant("q", weights(2048, 8192, kind=np.int8)), constant("s", np.float32(0.01))], feeds={"x": np.ones((8, 2048), np.float32)})


@named
def recurrent_weights() -> Made:
    nodes = [node("LSTM", ["x", "w", "r"], ["y"], hidden_size=1500)]
    return encoded(nodes, ["y"], [constant("w", weights(1, 6000, 1500)), constant("r", weights(1, 6000, 1500))], inputs=[info("x", dims=[2, 1, 1500])], feeds={"x": np.ones((2, 1, 1500), np.float32)})


@named
def a_constant_at_an_odd_place() -> Made:
    encoded_, feeds = product(weights(2048, 8192), rows=1)
    # A field before the graph moves what follows by one byte at a time.
    return encoded_ + bytes([3 << 3 | 2, 1]) + b"v", feeds


@named
def numbers_one_by_one() -> Made:
    floats = helper.make_tensor("f", FLOAT, [6_000_000], np.ones(6_000_000, np.float32).tolist())
    integers = helper.make_tensor("i", INT64, [4_000_000], np.arange(4_000_000).tolist())
    return encoded([node("Gather", ["f", "x"], ["a"]), node("Gather", ["i", "x"], ["b"])], ["a", "b"], [floats, integers], inputs=[info("x", INT64, ["n"])], feeds={"x": np.array([1, 2])})


@named
def many_strings() -> Made:
    texts = helper.make_tensor("t", 8, [700_000], [f"a text of some length {i}".encode() for i in range(700_000)])
    return encoded([node("Gather", ["t", "x"], ["y"])], ["y"], [texts], inputs=[info("x", INT64, ["n"])], feeds={"x": np.array([1, 2])})


@named
def many_flags() -> Made:
    flags = onnx.TensorProto(name="f", data_type=9, dims=[200_000_000], raw_data=bytes(200_000_000))
    return encoded([node("Gather", ["f", "x"], ["y"])], ["y"], [flags], inputs=[info("x", INT64, ["n"])], feeds={"x": np.array([1, 2])})


@named
def a_sparse_constant() -> Made:
    sparse = onnx.SparseTensorProto(dims=[8192, 4096])
    sparse.values.CopyFrom(constant("w", np.ones(2_000_000, np.float32)))
    sparse.indices.CopyFrom(constant("i", np.arange(2_000_000) * 16))
    return encoded([node("MatMul", ["x", "w"], ["y"])], ["y"], feeds={"x": np.ones((2, 8192), np.float32)}, sparse_initializer=[sparse])


@named
def a_table_of_words() -> Made:
    count = 300_000
    table = node("LabelEncoder", ["x"], ["y"], domain="ai.onnx.ml", keys_strings=[f"word {i}" for i in range(count)], values_int64s=list(range(count)))
    return encoded([table], ["y"], inputs=[info("x", 8, ["n"])], feeds={"x": np.array(["word 7"], object)})


@named
def a_pool_of_words() -> Made:
    count = 300_000
    pool = node(
        "TfIdfVectorizer", ["x"], ["y"], mode="TF", min_gram_length=1, max_gram_length=1, max_skip_count=0, ngram_counts=[0],
        ngram_indexes=[i % 100 for i in range(count)], pool_strings=[f"word {i}" for i in range(count)])  # fmt: skip
    return encoded([pool], ["y"], inputs=[info("x", 8, ["n"])], feeds={"x": np.array(["word 7"], object)})


@named
def a_large_ensemble() -> Made:
    # Complete trees of seven nodes.
    trees = 60_000
    index = np.arange(7 * trees)
    inner = index % 7 < 3
    attributes: dict[str, Any] = dict(
        nodes_treeids=index // 7, nodes_nodeids=index % 7, nodes_featureids=index % 4, nodes_truenodeids=np.where(inner, index % 7 * 2 + 1, 0),
        nodes_falsenodeids=np.where(inner, index % 7 * 2 + 2, 0), target_treeids=index[~inner] // 7, target_nodeids=index[~inner] % 7,
        target_ids=np.zeros(4 * trees, np.int64))  # fmt: skip
    attributes = {name: values.tolist() for name, values in attributes.items()}
    attributes.update(
        nodes_values=np.linspace(0, 1, 7 * trees).tolist(), nodes_modes=["BRANCH_LEQ" if i else "LEAF" for i in inner],
        target_weights=[1.0] * (4 * trees), n_targets=1)  # fmt: skip
    return encoded([node("TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", **attributes)], ["y"])


# What is computed beforehand.


@named
def products_of_constants() -> Made:
    nodes = [node("MatMul", [f"v{i}" if i else "w", "w"], [f"v{i + 1}"]) for i in range(100)]
    return encoded([*nodes, node("Add", ["x", "v100"], ["y"])], ["y"], [constant("w", weights(1200, 1200))], feeds={"x": np.ones((1, 1), np.float32)})


@named
def constants_that_are_turned() -> Made:
    nodes = []
    for i in range(12):
        nodes += [node("Transpose", [f"w{i}"], [f"t{i}"], perm=[1, 0]), node("MatMul", [f"v{i}" if i else "x", f"t{i}"], [f"v{i + 1}"])]
    return encoded(nodes, ["v12"], [constant(f"w{i}", weights(1500, 1500)) for i in range(12)], feeds={"x": np.ones((2, 1500), np.float32)})


@named
def constants_that_grow() -> Made:
    nodes = [node("ConstantOfShape", ["s"], ["c"]), node("Exp", ["c"], ["e"]), node("CumSum", ["e", "zero"], ["u"], reverse=1), node("Add", ["x", "u"], ["y"])]
    return encoded(nodes, ["y"], [constant("s", np.array([2000, 2000])), constant("zero", np.array(0))], feeds={"x": np.ones((1, 1), np.float32)})


@named
def many_small_folds() -> Made:
    nodes = []
    for i in range(30_000):
        nodes.append(node("Add", [f"v{i}" if i else "one", "one"], [f"v{i + 1}"]))
    return encoded([*nodes, node("Mul", ["x", "v30000"], ["y"])], ["y"], [constant("one", np.float32(1))])


@named
def texts_that_are_joined() -> Made:
    words = helper.make_tensor("w", 8, [100_000], [b"a word"] * 100_000)
    nodes = [node("StringConcat", [f"v{i}" if i else "w", "w"], [f"v{i + 1}"]) for i in range(8)]
    return encoded([*nodes, node("Gather", ["v8", "x"], ["y"])], ["y"], [words], inputs=[info("x", INT64, ["n"])], feeds={"x": np.array([1])})


# Graphs in graphs.


@named
def functions_of_functions() -> Made:
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("local", 1)]
    functions = [helper.make_function("local", "f0", ["x"], ["y"], [node("Sin", ["x"], ["y"])], opsets)]
    for level in range(1, 15):
        calls = [node(f"f{level - 1}", ["x"], ["t"], domain="local"), node(f"f{level - 1}", ["t"], ["y"], domain="local")]
        functions.append(helper.make_function("local", f"f{level}", ["x"], ["y"], calls, opsets))
    return encoded([node("f14", ["x"], ["y"], domain="local")], ["y"], functions=functions)


@named
def many_functions() -> Made:
    opsets = [helper.make_opsetid("", 21)]
    functions = [helper.make_function("local", f"f{i}", ["x"], ["y"], [node("Sin", ["x"], ["t"]), node("Neg", ["t"], ["y"])], opsets) for i in range(10_000)]
    return encoded([node(f"f{i}", [f"v{i}" if i else "x"], [f"v{i + 1}"], domain="local") for i in range(10_000)], ["v10000"], functions=functions)


@named
def a_function_of_many_calls() -> Made:
    body = [node("Sin", [f"t{i}" if i else "x"], [f"t{i + 1}"]) for i in range(300)]
    functions = [helper.make_function("local", "f", ["x"], ["t300"], body, [helper.make_opsetid("", 21)])]
    return encoded([node("f", [f"v{i}" if i else "x"], [f"v{i + 1}"], domain="local") for i in range(100)], ["v100"], functions=functions)


@named
def nested_branches() -> Made:
    inner = branch([node("Neg", ["x"], ["o"])])
    for _ in range(30):
        other = branch([node("Abs", [f"a{i}" if i else "x"], [f"a{i + 1}"]) for i in range(200)], "a200")
        inner = branch([node("If", ["c"], ["o"], then_branch=inner, else_branch=other)])
    return encoded(inner.node, ["o"], inputs=[info("c", 9, []), info("x", dims=["n", "m"])], feeds={"c": np.array(True), **X})


@named
def many_branches() -> Made:
    nodes = []
    for i in range(1_500):
        both = [branch([node(kind, [f"v{i}" if i else "x"], ["a"]), node("Abs", ["a"], ["b"]), node("Exp", ["b"], ["o"])]) for kind in ("Neg", "Sin")]
        nodes.append(node("If", ["c"], [f"v{i + 1}"], then_branch=both[0], else_branch=both[1]))
    return encoded(nodes, ["v1500"], inputs=[info("c", 9, []), info("x", dims=["n", "m"])], feeds={"c": np.array(True), **X})


@named
def branches_that_are_known() -> Made:
    nodes = []
    for i in range(1_500):
        both = [branch([node(kind, [f"v{i}" if i else "x"], ["a"]), node("Tanh", ["a"], ["o"])]) for kind in ("Neg", "Sin")]
        nodes += [node("Size", [f"v{i}" if i else "x"], [f"s{i}"]), node("Less", [f"s{i}", "k"], [f"c{i}"])]
        nodes.append(node("If", [f"c{i}"], [f"v{i + 1}"], then_branch=both[0], else_branch=both[1]))
    return encoded(nodes, ["v1500"], [constant("k", np.array(100))])


@named
def a_loop_of_many_nodes() -> Made:
    count = 15_000
    inner = [node("Identity", ["c"], ["d"])] + [node("Sin", [f"t{i}" if i else "v"], [f"t{i + 1}"]) for i in range(count)]
    body = helper.make_graph(inner, "b", [info("i", INT64, []), info("c", 9, []), info("v")], [info("d", 9, []), onnx.ValueInfoProto(name=f"t{count}")])
    return encoded([node("Loop", ["n", "", "x"], ["y"], body=body)], ["y"], inputs=[info("n", INT64, []), info("x", dims=["n", "m"])], feeds={"n": np.array(2), **X})


@named
def constants_of_outer_graphs() -> Made:
    count = 3_000
    nodes = []
    for i in range(100):
        inner = [node("Add", [f"a{k}" if k else (f"v{i}" if i else "x"), f"c{(i * 30 + k) % count}"], [f"a{k + 1}"]) for k in range(60)]
        nodes.append(node("If", ["c"], [f"v{i + 1}"], then_branch=branch(inner, "a60"), else_branch=branch([node("Neg", ["x"], ["o"])])))
    return encoded(nodes, ["v100"], [constant(f"c{i}", np.float32(i)) for i in range(count)], inputs=[info("c", 9, []), info("x", dims=["n", "m"])], feeds={"c": np.array(True), **X})


# Programs of torch.export.


@named
def a_program_of_many_nodes() -> Made:
    return hostile_pt2.Program(hostile_pt2.chain(30_000, "relu")).archive(), {"x": np.ones(2, np.float32)}


@named
def a_program_of_many_tensors() -> Made:
    program = hostile_pt2.Program(hostile_pt2.chain(1, "relu"))
    program.graph["tensor_values"].update({f"t{i}": hostile_pt2.meta([1, 2, 3]) for i in range(100_000)})
    return program.archive(), {"x": np.ones(2, np.float32)}


@named
def a_program_of_many_weights() -> Made:
    program = hostile_pt2.Program(hostile_pt2.chain(1, "relu"))
    for i in range(10_000):
        program.weight(f"w{i}", [2], [1], bytes(8))
    return program.archive(), {"x": np.ones(2, np.float32)}


@named
def a_program_with_a_long_list() -> Made:
    made = hostile_pt2.chain(1, "relu")
    made[0]["inputs"].append({"name": "more", "arg": {"as_ints": [1] * 2_000_000}, "kind": 1})
    return hostile_pt2.Program(made).archive(), {"x": np.ones(2, np.float32)}
