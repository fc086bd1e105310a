"""Small models whose instructions are counted: one of each way through the library that a slip could make longer."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Model = tuple[onnx.ModelProto, list[int]]


def make(nodes: list[Any], shape: list[int], constants: dict[str, Any], out: str) -> Model:
    """The model and its input's shape; every number in it is the same each time."""
    graph = helper.make_graph(
        nodes, "counted", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)], [onnx.ValueInfoProto(name=out)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), shape


def models() -> dict[str, Model]:
    chance = np.random.default_rng(1)

    def weights(*shape: int) -> Any:
        return (chance.standard_normal(shape) * 0.1).astype(np.float32)

    node = helper.make_node
    found = {"calls of 50 nodes": make([node("Neg", [f"v{i}" if i else "x"], [f"v{i + 1}"]) for i in range(50)], [4], {}, "v50")}
    found["perceptron"] = make(
        [node("Gemm", ["x", "w0", "b0"], ["a"]), node("Relu", ["a"], ["b"]), node("Gemm", ["b", "w1", "b1"], ["c"]), node("Softmax", ["c"], ["y"])],
        [3, 40], {"w0": weights(40, 64), "b0": weights(64), "w1": weights(64, 10), "b1": weights(10)}, "y",
    )  # fmt: skip
    found["convolutions"] = make(
        [
            node("Conv", ["x", "w0"], ["a"], pads=[1, 1, 1, 1], strides=[2, 2]), node("Relu", ["a"], ["b"]),
            node("Conv", ["b", "w1"], ["c"], pads=[1, 1, 1, 1], group=16), node("Sigmoid", ["c"], ["s"]), node("Mul", ["c", "s"], ["d"]),
            node("Conv", ["d", "w2"], ["e"]), node("Conv", ["e", "w3"], ["f"], pads=[1, 1, 1, 1]), node("Add", ["e", "f"], ["g"]),
            node("MaxPool", ["g"], ["h"], kernel_shape=[2, 2], strides=[2, 2]), node("GlobalAveragePool", ["h"], ["y"]),
        ],
        [1, 3, 30, 30], {"w0": weights(16, 3, 3, 3), "w1": weights(16, 1, 3, 3), "w2": weights(24, 16, 1, 1), "w3": weights(24, 24, 3, 3)}, "y",
    )  # fmt: skip
    found["attention"] = make(
        [
            node("LayerNormalization", ["x", "g", "z"], ["n"]), node("MatMul", ["n", "wq"], ["q"]), node("MatMul", ["n", "wk"], ["k"]),
            node("MatMul", ["n", "wv"], ["v"]), node("Reshape", ["q", "heads"], ["q4"]), node("Reshape", ["k", "heads"], ["k4"]),
            node("Reshape", ["v", "heads"], ["v4"]), node("Transpose", ["q4"], ["qt"], perm=[0, 2, 1, 3]),
            node("Transpose", ["k4"], ["kt"], perm=[0, 2, 3, 1]), node("Transpose", ["v4"], ["vt"], perm=[0, 2, 1, 3]),
            node("MatMul", ["qt", "kt"], ["s"]), node("Mul", ["s", "scale"], ["t"]), node("Softmax", ["t"], ["p"]), node("MatMul", ["p", "vt"], ["c"]),
            node("Transpose", ["c"], ["ct"], perm=[0, 2, 1, 3]), node("Reshape", ["ct", "flat"], ["o"]), node("MatMul", ["o", "wo"], ["r"]),
            node("Add", ["x", "r"], ["u"]), node("MatMul", ["u", "w1"], ["h"]), node("Gelu", ["h"], ["i"]), node("MatMul", ["i", "w2"], ["y"]),
        ],
        [1, 13, 32],
        {
            "g": weights(32), "z": weights(32), "wq": weights(32, 32), "wk": weights(32, 32), "wv": weights(32, 32), "wo": weights(32, 32),
            "w1": weights(32, 64), "w2": weights(64, 32), "heads": np.array([1, 13, 4, 8]), "flat": np.array([1, 13, 32]),
            "scale": np.float32(0.35),
        }, "y",
    )  # fmt: skip
    found["quantised"] = make(
        [
            node("QuantizeLinear", ["x", "s", "z"], ["a"]), node("DequantizeLinear", ["a", "s", "z"], ["b"]),
            node("DequantizeLinear", ["w", "ws", "wz"], ["c"]), node("Conv", ["b", "c"], ["d"], pads=[1, 1, 1, 1]), node("Relu", ["d"], ["e"]),
            node("QuantizeLinear", ["e", "s", "z"], ["f"]), node("DequantizeLinear", ["f", "s", "z"], ["y"]),
        ],
        [1, 8, 14, 14],
        {"s": np.float32(0.05), "z": np.uint8(128), "w": chance.integers(-127, 127, (16, 8, 3, 3)).astype(np.int8), "ws": np.float32(0.01), "wz": np.int8(0)}, "y",
    )  # fmt: skip
    found["recurrent"] = make(
        [node("LSTM", ["x", "w", "r"], ["y", "", ""], hidden_size=24)], [9, 1, 16], {"w": weights(1, 96, 16), "r": weights(1, 96, 24)}, "y"
    )
    body = helper.make_graph(
        [node("Add", ["state", "step"], ["next"]), node("Identity", ["go"], ["on"])], "body",
        [helper.make_tensor_value_info("i", TensorProto.INT64, []), helper.make_tensor_value_info("go", TensorProto.BOOL, []), helper.make_tensor_value_info("state", TensorProto.FLOAT, [7])],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, []), helper.make_tensor_value_info("next", TensorProto.FLOAT, [7])],
        [numpy_helper.from_array(np.ones(7, np.float32), "step")],
    )  # fmt: skip
    found["loop"] = make([node("Loop", ["times", "", "x"], ["y"], body=body)], [7], {"times": np.array(20)}, "y")
    return found
