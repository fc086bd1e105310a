"""Names in a model's file: each is given once (https://onnx.ai/onnx/repo-docs/IR.html, single static assignment), and errors quote them as text."""

import pytest
from onnx import TensorProto, helper

import pinion


def load(nodes, initializers=()):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "g", [value("x", TensorProto.FLOAT, [2])], [value("y", TensorProto.FLOAT, [2])], list(initializers))
    return pinion.Session(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8).SerializeToString())


def test_names_given_twice_are_refused():
    weight = helper.make_tensor("w", TensorProto.FLOAT, [2], [1.0, 2.0])
    relu = helper.make_node("Relu", ["x"], ["y"])
    with pytest.raises(pinion.InvalidModelError, match="nodes 0 and 1 both give 'y'"):
        load([relu, helper.make_node("Neg", ["x"], ["y"])])
    with pytest.raises(pinion.InvalidModelError, match="gives 'x', which is an input"):
        load([helper.make_node("Neg", ["x"], ["x"]), relu])
    with pytest.raises(pinion.InvalidModelError, match="gives 'w', which is an input or initializer"):
        load([helper.make_node("Neg", ["x"], ["w"]), helper.make_node("Add", ["x", "w"], ["y"])], [weight])
    # Empty names are outputs that nobody wants.
    split = helper.make_node("Split", ["x"], ["", "z"], num_outputs=2)
    assert load([split, helper.make_node("Add", ["x", "z"], ["y"])]).run({"x": [1, 2]})[0].tolist() == [3, 4]


def test_errors_quote_the_names_of_tensors():
    short = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1, 3], raw_data=b"abc")
    with pytest.raises(pinion.InvalidModelError, match="tensor 'w' has 3 bytes"):
        load([helper.make_node("Add", ["x", "w"], ["y"])], [short])
