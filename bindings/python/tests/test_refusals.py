"""Models that contradict themselves are refused when they are loaded, as onnx.checker refuses them."""

import itertools

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import pinion

ELEMENTS = [TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL, TensorProto.STRING]


def info(name, element=TensorProto.FLOAT, shape=(2,)):
    return helper.make_tensor_value_info(name, element, shape)


def saved(nodes, inputs, outputs, initializers=(), opset=20, sparse=()):
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(initializers), sparse_initializer=list(sparse))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def is_accepted_by_onnx(model):
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError):
        return False
    return True


def error_of(model):
    """The message with which the model is refused, None where it is loaded."""
    try:
        pinion.Model(model.SerializeToString())
    except pinion.Error as error:
        return str(error)
    return None


def cast(name, element):
    return helper.make_node("Cast", ["x"], [name], to=element)


@pytest.mark.parametrize(("one", "other", "said"), list(itertools.product(ELEMENTS, ELEMENTS, (0, 1))))
def test_branches(one, other, said):
    """Of two element types, declared as they are or all like the first."""
    branches = {
        f"{key}_branch": helper.make_graph([cast(key, given)], key, [], [info(key, [given, one][said])])
        for key, given in (("then", one), ("else", other))
    }
    inputs = [info("x"), info("c", TensorProto.BOOL, ())]
    model = saved([helper.make_node("If", ["c"], ["y"], "choose", **branches)], inputs, [info("y", one)])
    error = error_of(model)
    assert (error is None) == is_accepted_by_onnx(model) == (one == other)
    assert error is None or ("node 'choose'; operator If" in error and "('then') of then_branch" in error and "('else') of else_branch" in error)


@pytest.mark.parametrize(("taken", "given"), list(itertools.product(ELEMENTS, ELEMENTS)))
def test_carried_values(taken, given):
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Cast", ["v"], ["w"], to=given)],
        "body",
        [info("i", TensorProto.INT64, ()), info("go", TensorProto.BOOL, ()), info("v", taken)],
        [info("on", TensorProto.BOOL, ()), info("w", given)],
    )
    model = saved([helper.make_node("Loop", ["n", "", "x"], ["y"], body=body)], [info("x"), info("n", TensorProto.INT64, ())], [info("y")])
    assert (error_of(model) is None) == is_accepted_by_onnx(model) == (taken == given == TensorProto.FLOAT)


W, OTHER = numpy_helper.from_array(np.array([1, 2], np.float32), "w"), numpy_helper.from_array(np.array([3, 4], np.float32), "w")
LONGER = numpy_helper.from_array(np.array([6], np.float32), "w")
ADD = [helper.make_node("Add", ["x", "w"], ["y"])]
SPARSE = helper.make_sparse_tensor(
    numpy_helper.from_array(np.array([5], np.float32), "w"), numpy_helper.from_array(np.array([0], np.int64), "w_places"), [2]
)


@pytest.mark.parametrize(
    ("dense", "sparse", "expected"), [([W, OTHER], [], [3, 4]), ([OTHER, W], [], [1, 2]), ([W, LONGER], [], [6]), ([W], [SPARSE], [5, 0])]
)
def test_last_of_initializers_of_one_name(dense, sparse, expected):
    # As onnxruntime takes it, with a warning; ONNX's checker refuses the file.
    model = saved(ADD, [info("x", shape=(None,))], [info("y", shape=(None,))], dense, sparse=sparse)
    assert not is_accepted_by_onnx(model)
    found = pinion.Session(model.SerializeToString()).run({"x": np.zeros(len(expected), np.float32)})[0]
    assert found.tolist() == expected


@pytest.mark.parametrize(
    ("element", "shape", "fits"),
    [
        (TensorProto.FLOAT, (2,), True),
        (TensorProto.FLOAT, ("n",), True),
        (TensorProto.FLOAT, (None,), True),
        (TensorProto.FLOAT, None, True),
        (TensorProto.FLOAT, (3,), False),
        (TensorProto.FLOAT, (1, 2), False),
        (TensorProto.FLOAT, (), False),
        (TensorProto.INT64, (2,), False),
        (TensorProto.DOUBLE, ("n",), False),
    ],
)
@pytest.mark.parametrize("ir", [3, 8])
def test_initializer_and_input_of_one_name(element, shape, fits, ir):
    model = saved(ADD, [info("x"), info("w", element, shape)], [info("y")], [W], opset=8)
    model.ir_version = ir
    error = error_of(model)
    assert (error is None) == fits
    assert fits or ("initializer 'w' is float32[2], the input of its name is declared as " in error)


def test_names_that_c_cannot_have():
    relu = [helper.make_node("Relu", ["x\0a"], ["y"])], [info("x\0a")], [info("y")]
    assert r"the name of input 'x\0a' has a NUL" in error_of(saved(*relu))
    assert r"the name of output 'y\0' has a NUL" in error_of(saved([helper.make_node("Relu", ["x"], ["y\0"])], [info("x")], [info("y\0")]))
    weight = numpy_helper.from_array(np.ones(2, np.float32), "\0w")
    default = saved([helper.make_node("Add", ["x", "\0w"], ["y"])], [info("x"), info("\0w")], [info("y")], [weight])
    assert r"the name of input '\0w' has a NUL" in error_of(default)
    # What nobody outside names may be called anything.
    inner = saved([helper.make_node("Relu", ["x"], ["h\0"]), helper.make_node("Relu", ["h\0"], ["y"])], [info("x")], [info("y")])
    assert error_of(inner) is None


@pytest.mark.parametrize(("element", "mode"), list(itertools.product([TensorProto.FLOAT, TensorProto.INT32], [None, 0, 1])))
@pytest.mark.parametrize("opset", [10, 13, 20, 27])
def test_remainders(element, mode, opset):
    """Before opset 28, floating-point numbers have `fmod` 1."""
    more = {} if mode is None else {"fmod": mode}
    model = saved([helper.make_node("Mod", ["x", "x"], ["y"], **more)], [info("x", element)], [info("y", element)], opset=opset)
    error = error_of(model)
    assert (error is None) == (element == TensorProto.INT32 or mode == 1)
    assert error is None or "'fmod' is 0, which before opset 28 is for integers alone" in error


@pytest.mark.parametrize("version", [-1, -(2**63), 0, 29, 2**40])
def test_opsets_that_do_not_exist(version):
    model = saved([helper.make_node("Relu", ["x"], ["y"])], [info("x")], [info("y")], opset=version)
    assert f"opset {version}; expected 1 to 28" in error_of(model)


@pytest.mark.parametrize("junk", [b"hello world, not a model", b"lorem ipsum", b"kkkk", b"\x0c", b"{\x0b"])
def test_groups_are_not_onnx(junk):
    with pytest.raises(pinion.InvalidModelError, match=r"no ONNX model or value: at byte .* and ONNX has no groups"):
        pinion.Model(junk)
