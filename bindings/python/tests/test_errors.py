import pickle

import numpy as np
import pytest
from conftest import FLOAT, STRING, identity, model, tensor
from onnx import helper

import pinion

BUILT_IN = {
    pinion.InvalidArgumentError: ValueError,
    pinion.InvalidModelError: ValueError,
    pinion.UnsupportedError: NotImplementedError,
    pinion.InvalidShapeError: ValueError,
    pinion.InvalidValueError: ValueError,
    pinion.OutOfMemoryError: MemoryError,
    pinion.BudgetExceededError: RuntimeError,
    pinion.DeadlineExceededError: TimeoutError,
    pinion.CancelledError: RuntimeError,
    pinion.InputOutputError: OSError,
    pinion.NotFoundError: KeyError,
    pinion.InternalError: RuntimeError,
}


@pytest.mark.parametrize(("cls", "built_in"), BUILT_IN.items())
def test_classes(cls, built_in):
    assert issubclass(cls, pinion.Error) and issubclass(cls, built_in)
    details = {"node": "n", "operator": "Add", "opset": 18, "inputs": ["float32[2]"], "others": [{"message": "more"}]}
    error = cls("a sentence", details)
    assert str(error) == "a sentence (node 'n'; operator Add; opset 18; inputs float32[2])\nmore"
    assert (error.message, error.node, error.operator) == ("a sentence", "n", "Add")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is cls and again.details == details
    with pytest.raises(built_in):
        raise error


def test_codes_are_distinct():
    assert sorted(cls.code for cls in BUILT_IN) == list(range(1, 13))


def test_missing_and_unknown_inputs(add_model, x):
    session = pinion.Session(add_model)
    with pytest.raises(pinion.InvalidArgumentError, match="missing input 'x'"):
        session.run({})
    with pytest.raises(KeyError, match=r"'z'.*'x', 'b'"):
        session.run({"x": x, "z": x})
    with pytest.raises(pinion.NotFoundError, match=r"'q'.*'y'"):
        session.run({"x": x}, ["q"])
    session.run({"x": x})


def test_none_is_an_input_left_out(add_model, x):
    session = pinion.Session(add_model)
    with pytest.raises(pinion.InvalidArgumentError, match="missing input 'x', which is None"):
        session.run({"x": None})
    np.testing.assert_array_equal(session.run({"x": x, "b": None})[0], session.run({"x": x})[0])


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ((None, {"x": 1}), r"the inputs come first"),
        ((["y"], {"x": 1}), "the inputs come first"),
        ((np.zeros((3, 2), np.float32),), r"session.run\({'x': ..., 'b': ...}\), not as ndarray"),
        (([np.zeros((3, 2), np.float32)],), "not as list"),
        ((None,), "not as NoneType"),
        (({"x": np.zeros((3, 2), np.float32)}, "y"), r"session.run\(inputs, \['y'\]\)"),
    ],
)
def test_calls_as_other_runtimes_have_them(add_model, arguments, part):
    session = pinion.Session(add_model)
    for run in (session.run, session.run_values):
        with pytest.raises(pinion.InvalidArgumentError, match=part) as caught:
            run(*arguments)
        assert "0." not in str(caught.value)
    with pytest.raises(pinion.InvalidArgumentError, match="inputs come by name"):
        session.bind(np.zeros((3, 2), np.float32))


@pytest.mark.parametrize("path", ["", "a\0b", "\ud800"])
def test_paths_that_are_none(path):
    with pytest.raises(pinion.InvalidArgumentError):
        pinion.Session(path)


def test_outputs_come_by_name(add_model, x):
    session, y = pinion.Session(add_model), np.zeros((3, 2), np.float32)
    with pytest.raises(pinion.InvalidArgumentError, match="out is a list"):
        session.run({"x": x}, out=[y])
    with pytest.raises(pinion.InvalidArgumentError, match="outputs is a list"):
        session.bind({"x": x}, [y])


@pytest.mark.parametrize("count", [1, 40])
def test_strings_that_utf8_cannot_hold(count):
    session = pinion.Session(identity(STRING, ("n",)))
    with pytest.raises(pinion.InvalidArgumentError, match="UTF-8"):
        session.run({"x": np.array(["\ud800"] * count, object)})


def test_an_output_of_another_type_than_declared():
    made = model([helper.make_node("ArgMax", ["x"], ["y"])], [tensor("x")], [tensor("y", FLOAT, None)])
    for level in range(3):
        with pytest.raises(pinion.InvalidModelError, match=r"'y' is declared as a tensor of float32.*int64"):
            pinion.Session(made, optimization=level)


def test_memory_that_does_not_fit_is_named(add_model, x):
    with pytest.raises(pinion.InvalidShapeError, match=r"float32\[2, 2\] for 'y'$"):
        pinion.Session(add_model).run({"x": x}, out={"y": np.zeros((2, 2), np.float32)})


def test_attributes_of_other_runtimes(add_model):
    session = pinion.Session(add_model)
    with pytest.raises(AttributeError, match=r"get_inputs\(\) it has the property inputs"):
        session.get_inputs()
    with pytest.raises(AttributeError, match=r"no attribute 'nothing'$"):
        session.nothing  # noqa: B018
    assert not hasattr(session, "get_outputs")


def test_an_array_of_another_type_is_told_what_to_do(add_model, x):
    with pytest.raises(pinion.InvalidShapeError, match=r"; \.astype\(np\.float32\) converts 'x'$") as caught:
        pinion.Session(add_model).run({"x": x.astype(np.float64)})
    assert ".astype" in pickle.loads(pickle.dumps(caught.value)).message
    with pytest.raises(pinion.InvalidShapeError) as caught:
        pinion.Session(add_model).run({"x": np.zeros((3, 3), np.float32)})
    assert ".astype" not in str(caught.value)


def test_messages_print_no_arrays(add_model):
    big = np.full((40, 2), 0.12345, np.float32)
    for wrong in (np.array([big, None], object), big.astype("datetime64[s]"), np.zeros(2, "V4")):
        with pytest.raises(pinion.InvalidArgumentError, match=r"\.astype") as caught:
            pinion.Session(add_model).run({"x": wrong})
        assert "0.123" not in str(caught.value) and len(str(caught.value)) < 250


def test_representations(add_model, x):
    session = pinion.Session(add_model)
    assert repr(session) == "<pinion.Session (x: float32[n,2], b: float32[2]) -> (y: float32[n,2])>"
    assert repr(session.model) == "<pinion.Model of bytes (x: float32[n,2], b: float32[2]) -> (y: float32[n,2])>"
    assert repr(session.inputs[0]) == "<pinion.ValueInfo x: float32[n,2]>"
    assert repr(session.bind({"x": x})) == "<pinion.Binding (x: float32[3, 2]) -> (y: float32[3, 2])>"
    token = pinion.CancelToken()
    assert repr(token) == "<pinion.CancelToken, not set>"
    token.cancel()
    assert repr(token) == "<pinion.CancelToken, set>"


def test_wrong_shape_and_type(add_model, x):
    session = pinion.Session(add_model)
    for wrong in (np.zeros((3, 3), np.float32), np.zeros(2, np.float32), x.astype(np.float64), x.astype(np.int32)):
        with pytest.raises(pinion.InvalidShapeError) as caught:
            session.run({"x": wrong})
        assert caught.value.code == 4 and "x" in caught.value.message
    session.run({"x": x})


def test_all_unsupported_operators_are_reported():
    made = model(
        [
            helper.make_node("NoSuchOperator", ["x"], ["a"], name="first"),
            helper.make_node("Relu", ["a"], ["b"], name="known"),
            helper.make_node("Frobnicate", ["b"], ["y"], name="second"),
        ],
        [tensor("x")],
        [tensor("y")],
    )
    with pytest.raises(NotImplementedError) as caught:
        pinion.Session(made)
    error = caught.value
    assert isinstance(error, pinion.UnsupportedError) and error.code == 3
    found = {(problem["node"], problem["operator"]) for problem in [error.details, *error.others] if problem["operator"]}
    assert found == {("first", "NoSuchOperator"), ("second", "Frobnicate")}
    assert "Frobnicate" in str(error)


@pytest.mark.parametrize("garbage", [b"", b"\x00", b"no model", b"\xff" * 1000, bytes(range(256)) * 20])
def test_garbage(garbage):
    with pytest.raises(pinion.Error):
        pinion.Session(garbage)


def test_truncated_models_never_kill(add_model, x):
    for end in range(0, len(add_model), 3):
        try:
            pinion.Session(add_model[:end]).run({"x": x})
        except pinion.Error:
            pass


def test_missing_file(tmp_path):
    with pytest.raises(OSError) as caught:
        pinion.Session(tmp_path / "none.onnx")
    assert caught.type is pinion.InputOutputError and "none.onnx" in str(caught.value)


def test_a_folder_is_no_model(tmp_path):
    with pytest.raises(pinion.Error):
        pinion.Session(tmp_path)


def test_bad_arguments(add_model, x):
    with pytest.raises(pinion.InvalidArgumentError):
        pinion.Session(7)
    with pytest.raises(pinion.NotFoundError):
        pinion.Session(add_model, device="abacus")
    with pytest.raises(pinion.InvalidArgumentError):
        pinion.Session(add_model, optimization=9)
    with pytest.raises(pinion.InvalidArgumentError):
        pinion.Session(add_model, threads=-1)
    with pytest.raises(pinion.InvalidArgumentError):
        pinion.Session(add_model, threads=2**40)
    with pytest.raises(pinion.InvalidArgumentError):
        pinion.Session(add_model).run({"x": x}, timeout=-1)
    with pytest.raises(pinion.InvalidArgumentError):
        pinion.Session(add_model).run({"x": x}, timeout=float("nan"))


def test_a_session_is_usable_after_failures(add_model, x):
    session = pinion.Session(add_model)
    for _ in range(20):
        with pytest.raises(pinion.Error):
            session.run({"x": np.zeros((1, 9), np.float32)})
        np.testing.assert_array_equal(session.run({"x": x})[0], x + np.array([10, 20], np.float32))


def test_nodes_in_any_order():
    """The file's order is no matter: 3 - |x| * 2."""
    nodes = [
        helper.make_node("Sub", ["three", "b"], ["y"]),
        helper.make_node("Mul", ["a", "two"], ["b"]),
        helper.make_node("Abs", ["x"], ["a"]),
    ]
    constants = [helper.make_tensor(name, FLOAT, [], [value]) for name, value in (("two", 2.0), ("three", 3.0))]
    session = pinion.Session(model(nodes, [tensor("x")], [tensor("y")], constants))
    [y] = session.run({"x": np.array([[-4, 0.5]], np.float32)})
    assert y.tolist() == [[-5, 2]]


def test_nodes_in_a_circle():
    nodes = [
        helper.make_node("Add", ["x", "b"], ["a"], name="first"),
        helper.make_node("Neg", ["a"], ["b"], name="second"),
        helper.make_node("Neg", ["b"], ["y"], name="third"),
    ]
    with pytest.raises(pinion.InvalidModelError, match=r"in a circle: 'first' \(Add\), 'second' \(Neg\), 'third' \(Neg\)"):
        pinion.Model(model(nodes, [tensor("x")], [tensor("y")]))
