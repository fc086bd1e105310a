"""Lists and scalars for inputs of declared types: a number that the type does not hold is refused, never cut down, wrapped or made infinite."""

import numpy as np
import pytest

import pinion


def session(dtype):
    graph = pinion.Graph()
    graph.output(graph.node("Identity", graph.input("x", dtype, ["n"])), "y")
    return graph.session()


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        (np.int64, [1.9]),
        (np.int64, [1.7, -2.2]),
        (np.int64, ["5"]),
        (np.int64, [2**63]),
        (np.int64, [float("nan")]),
        (np.uint8, [255.9]),
        (np.uint8, [256]),
        (np.uint8, [-1]),
        (np.uint8, [np.float32(300.5)]),
        (np.bool_, [0.5]),
        (np.bool_, [2]),
        (np.bool_, ["False"]),
        (np.bool_, [None]),
        (np.float32, [1e300]),
        (np.float32, ["1.5"]),
        (np.float32, [None]),
        (np.float16, [1e6]),
    ],
)
def test_other_numbers_are_refused(dtype, values):
    with pytest.raises(pinion.InvalidArgumentError, match="'x'"):
        session(dtype).run({"x": values})


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        (np.int64, [1, -2]),
        (np.int64, [3.0]),
        (np.int64, [True]),
        (np.int64, []),
        (np.uint64, [2**64 - 1]),
        (np.uint8, [0, 255]),
        (np.bool_, [True, 0, 1]),
        (np.float32, [1, 0.1, float("inf"), float("nan")]),
        (np.float16, [1 / 3]),
        (np.float64, [1e300]),
    ],
)
def test_the_same_numbers_are_taken(dtype, values):
    given = session(dtype).run({"x": values})[0]
    assert given.dtype == dtype
    np.testing.assert_array_equal(given, np.array(values, dtype))


@pytest.mark.parametrize("extent", [1 << 70, (1 << 64) + 5, 1 << 63])
def test_extents_of_more_than_64_bits_are_refused(extent):
    relu = session(np.float32)
    for ask in (relu.plan, relu.prepare):
        with pytest.raises(pinion.InvalidArgumentError, match="64 bits"):
            ask({"x": (extent,)})
    with pytest.raises(pinion.InvalidArgumentError, match="64 bits"):
        pinion.Graph().input("x", np.float32, [extent])
    with pytest.raises(pinion.InvalidArgumentError, match="64 bits"):
        pinion.Graph(opset=extent)


def test_plans_are_of_inputs_that_runs_take():
    relu = session(np.float32)
    for given in ((8, 4), ((8,), np.int64), np.zeros((2, 2), np.float32), np.zeros(2, np.int32)):
        with pytest.raises(pinion.InvalidShapeError, match="'x'"):
            relu.plan({"x": given})


def test_limits_of_other_types_are_refused():
    relu = session(np.float32)
    with pytest.raises(pinion.InvalidArgumentError, match="timeout"):
        relu.run({"x": [1]}, timeout="1")
    with pytest.raises(pinion.InvalidArgumentError, match="cancel"):
        relu.run({"x": [1]}, cancel=5)


def test_a_copy_is_exported_by_dlpack():
    held = pinion.Value(np.arange(3, dtype=np.float32))
    with pytest.raises(BufferError, match="copy=True"):
        held.__dlpack__()
    np.testing.assert_array_equal(np.from_dlpack(held, copy=True), [0, 1, 2])
