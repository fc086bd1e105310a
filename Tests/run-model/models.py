"""Models of several tests."""

import numpy as np
import onnx
from onnx import helper


def mlp(save):
    return save(
        [
            helper.make_node("MatMul", ["x", "w"], ["h"], "product"),
            helper.make_node("Add", ["h", "b"], ["s"], "bias"),
            helper.make_node("Relu", ["s"], ["r"], "first"),
            helper.make_node("Relu", ["r"], ["y"], "second"),
        ],
        [("x", "f4", ["batch", 64])],
        [("y", "f4", ["batch", 10])],
        [("w", np.ones((64, 10), "f4")), ("b", np.ones(10, "f4"))],
    )


def endless(save):
    """A Loop that counts as far as it is told, by a body that never says stop."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Add", ["sum", "one"], ["next"])],
        "body",
        [
            helper.make_tensor_value_info("i", onnx.TensorProto.INT64, []),
            helper.make_tensor_value_info("go", onnx.TensorProto.BOOL, []),
            helper.make_tensor_value_info("sum", onnx.TensorProto.FLOAT, []),
        ],
        [
            helper.make_tensor_value_info("go_on", onnx.TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", onnx.TensorProto.FLOAT, []),
        ],
        [onnx.numpy_helper.from_array(np.array(1, "f4"), "one")],
    )
    return save(
        [helper.make_node("Loop", ["", "go", "x"], ["y"], body=body)],
        [("go", "?", []), ("x", "f4", [])],
        [("y", "f4", [])],
    )
