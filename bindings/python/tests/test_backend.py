import numpy as np
import onnx
import pytest
from conftest import model, tensor
from onnx import helper

import pinion
import pinion.backend


def test_prepare_and_run(add_model, x):
    prepared = pinion.backend.prepare(onnx.load_from_string(add_model), "CPU", threads=1)
    expected = x + np.array([10, 20], np.float32)
    for inputs in ([x], (x,), {"x": x}, x):
        [y] = prepared.run(inputs)
        np.testing.assert_array_equal(y, expected)
    with pytest.raises(pinion.InvalidArgumentError):
        prepared.run([x, x, x])


def test_run_model(add_model, x):
    [y] = pinion.backend.run_model(onnx.load_from_string(add_model), [x])
    assert y.shape == (3, 2)


def test_run_node(x):
    [y] = pinion.backend.run_node(helper.make_node("Neg", ["x"], ["y"]), [x], opset_version=18)
    np.testing.assert_array_equal(y, -x)
    outputs = pinion.backend.run_node(
        helper.make_node("Add", ["a", "b"], ["c"]), {"a": x, "b": x}, outputs_info=[(np.float32, (3, 2))], opset_version=18
    )
    np.testing.assert_array_equal(outputs.c, 2 * x)


def test_compatible(add_model):
    assert pinion.backend.is_compatible(onnx.load_from_string(add_model))
    odd = model([helper.make_node("NoSuchOperator", ["x"], ["y"])], [tensor("x")], [tensor("y")])
    assert not pinion.backend.is_compatible(onnx.load_from_string(odd))


def test_devices():
    assert pinion.backend.supports_device("CPU") and pinion.backend.supports_device("CPU:0")
    assert not pinion.backend.supports_device("ABACUS")


def test_is_a_backend():
    assert issubclass(pinion.backend.PinionBackend, onnx.backend.base.Backend)
