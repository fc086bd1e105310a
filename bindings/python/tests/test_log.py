"""The logger `pinion`."""

import logging

import numpy as np
import pytest
from onnx import TensorProto, helper

import pinion


def square(name="n"):
    """y = x b, whose dimensions bear one name; b is [1,3] or the like of x."""
    return pinion.Model(
        helper.make_model(
            helper.make_graph(
                [helper.make_node("Mul", ["x", "b"], ["y"])],
                "g",
                [helper.make_tensor_value_info("x", TensorProto.FLOAT, [name]), helper.make_tensor_value_info("b", TensorProto.FLOAT, [name])],
                [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            ),
            opset_imports=[helper.make_opsetid("", 20)],
        ).SerializeToString()
    )


def run(model, x, b):
    return pinion.Session(model).run({"x": np.zeros(x, np.float32), "b": np.zeros(b, np.float32)})


def test_levels(caplog):
    with caplog.at_level(logging.INFO, "pinion"):
        run(square(), 3, 3)
    assert [(record.name, record.levelno) for record in caplog.records] == [("pinion", logging.INFO)] * 2
    assert caplog.messages[0].startswith("loaded a model from memory: 1 nodes in ") and "1 nodes became 1 in" in caplog.messages[1]
    caplog.clear()
    with caplog.at_level(logging.DEBUG, "pinion"):
        model = square()
        run(model, 3, 3)
        with pytest.raises(pinion.InvalidShapeError):
            run(model, 3, 2)
    runs = [text for text in caplog.messages if text.startswith("ran in ")]
    assert len(runs) == 1 and runs[0].endswith("us: x float32[3], b float32[3]")
    assert any(text.startswith("running: ") and "Mul" in text for text in caplog.messages)
    caplog.clear()
    run(square(), 3, 3)
    assert not caplog.messages


@pytest.mark.parametrize("name", ["?", "-1", "None"])
def test_what_says_nothing_is_no_name(caplog, name):
    """Paddle calls every open dimension "?": a warning would come with each of its models, and a second program."""
    model = square(name)
    assert model.inputs[0].shape == (None,)
    with caplog.at_level(logging.WARNING, "pinion"):
        [y] = run(model, 3, 1)
    assert y.shape == (3,) and not caplog.messages


def test_warning_comes_once(caplog):
    model = square()
    session = pinion.Session(model)
    for _ in range(2):
        session.run({"x": np.zeros(3, np.float32), "b": np.zeros(1, np.float32)})
    [record] = caplog.records
    assert record.levelno == logging.WARNING and "'n'" in record.getMessage()


def test_wrong_arguments_are_told(caplog):
    """Also where only the number or the names of the arguments are wrong; each error is one record."""
    x = np.zeros(3, np.float32)
    with caplog.at_level(logging.DEBUG, "pinion"):
        session = pinion.Session(square())
        for call in [
            lambda: session.run({}),
            lambda: session.run({"x": x}),
            lambda: session.run({"x": x, "b": None}),
            lambda: session.run({"x": x, "b": x, "c": x}),
            lambda: session.run({"x": x, "b": x}, ["z"]),
            lambda: session.run({"x": x, "b": x}, "y"),
            lambda: session.run([x, x]),
            lambda: session.run({"x": x, "b": x}, out={"z": x}),
            lambda: session.run_values({"x": x}),
            lambda: session(x, x),
            lambda: session.bind({"x": x}),
            lambda: session.bind({"x": x, "b": [0.0]}),
            lambda: session.bind({"x": x, "b": x}, {"z": x}),
            lambda: session.bind({"x": x, "b": x.astype(np.float64)}),
        ]:
            caplog.clear()
            with pytest.raises(pinion.Error) as caught:
                call()
            assert caplog.messages == [f"running: {caught.value}"]
