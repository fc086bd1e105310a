"""Small models, built with onnx.helper."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

FLOAT, INT64, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING


def tensor(name, element_type=FLOAT, shape=("n", 2)):
    return helper.make_tensor_value_info(name, element_type, shape)


def model(nodes, inputs, outputs, initializers=(), opset=18, domains=(), functions=(), ir_version=9, **fields):
    graph = helper.make_graph(list(nodes), "graph", list(inputs), list(outputs), list(initializers))
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(*pair) for pair in domains)]
    made = helper.make_model(graph, opset_imports=imports, functions=list(functions), ir_version=ir_version, **fields)
    return made.SerializeToString()


def identity(element_type, shape):
    return model(
        [helper.make_node("Identity", ["x"], ["y"])],
        [tensor("x", element_type, shape)],
        [tensor("y", element_type, shape)],
        opset=25 if element_type in (TensorProto.INT2, TensorProto.UINT2) else 23,
        ir_version=onnx.IR_VERSION,
    )


def matmul_chain(size, count):
    """`count` products of size x size matrices: work that takes a while."""
    names = ["x", *(f"t{i}" for i in range(count - 1)), "y"]
    nodes = [helper.make_node("MatMul", [a, "x"], [b], name=f"product{i}") for i, (a, b) in enumerate(zip(names, names[1:]))]
    return model(nodes, [tensor("x", FLOAT, (size, size))], [tensor("y", FLOAT, (size, size))])


@pytest.fixture
def add_model():
    """y = x + b with b an initializer that may be fed."""
    bias = helper.make_tensor("b", FLOAT, [2], [10.0, 20.0])
    made = helper.make_model(
        helper.make_graph(
            [helper.make_node("Add", ["x", "b"], ["y"], name="sum")],
            "addition",
            [tensor("x"), tensor("b", FLOAT, (2,))],
            [tensor("y")],
            [bias],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
        producer_name="tests",
        producer_version="7",
        domain="org.example",
        model_version=3,
        doc_string="adds",
    )
    onnx.helper.set_model_props(made, {"author": "nobody", "empty": ""})
    return made.SerializeToString()


@pytest.fixture
def x():
    return np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], np.float32)
