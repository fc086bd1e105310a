"""Whole graphs in which values share memory, or names of dimensions say too much."""

import numpy as np
import onnx
import pytest
from conftest import FLOAT, INT64, STRING, model, tensor
from onnx import TensorProto, helper

import pinion

LEVELS = [0, 1, 2]
A = np.array([[1, -2, 3], [-4, 5, -6]], np.float32)


def node(name, inputs, outputs, **attributes):
    return helper.make_node(name, inputs.split(), outputs.split(), **attributes)


def integers(name, values):
    return helper.make_tensor(name, INT64, [len(values)], values)


@pytest.mark.parametrize("level", LEVELS)
def test_output_behind_a_view_is_not_overwritten(level):
    """y is |a| in another shape whatever becomes of x."""
    made = model(
        [node("Abs", "a", "x"), node("Reshape", "x s", "y"), node("Neg", "x", "z")],
        [tensor("a", FLOAT, (2, 3))],
        [tensor("y", FLOAT, (3, 2)), tensor("z", FLOAT, (2, 3))],
        [integers("s", [3, 2])],
    )
    y, z = pinion.Session(made, optimization=level).run({"a": A})
    np.testing.assert_array_equal(y, np.abs(A).reshape(3, 2))
    np.testing.assert_array_equal(z, -np.abs(A))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", ["Loop", "Scan"])
def test_carried_value_behind_a_view_is_not_overwritten(kind, level):
    """The state is doubled in each of three steps; a scan output shows it flat before it is doubled again."""
    nodes = [node("Add", "state state", "doubled"), node("Flatten", "doubled", "flat", axis=0), node("Neg", "doubled", "negated")]
    results = [tensor("doubled", FLOAT, (2, 3)), tensor("flat", FLOAT, (1, 6)), tensor("negated", FLOAT, (2, 3))]
    condition = tensor("c", TensorProto.BOOL, ())
    if kind == "Loop":
        nodes.append(node("Identity", "c", "c_out"))
        inputs = [tensor("i", INT64, ()), condition, tensor("state", FLOAT, (2, 3))]
        body = helper.make_graph(nodes, "body", inputs, [tensor("c_out", TensorProto.BOOL, ()), *results])
        outer = helper.make_node("Loop", ["three", "", "a"], ["last", "flats", "negated"], body=body)
    else:
        inputs = [tensor("state", FLOAT, (2, 3)), tensor("slice", INT64, ())]
        body = helper.make_graph([*nodes, node("Identity", "slice", "unused")], "body", inputs, results)
        outer = helper.make_node("Scan", ["a", "steps"], ["last", "flats", "negated"], body=body, num_scan_inputs=1)
    outputs = [tensor("last", FLOAT, (2, 3)), tensor("flats", FLOAT, None), tensor("negated", FLOAT, None)]
    made = model([outer], [tensor("a", FLOAT, (2, 3))], outputs, [helper.make_tensor("three", INT64, [], [3]), integers("steps", [0, 1, 2])])
    last, flats, negated = pinion.Session(made, optimization=level).run({"a": A})
    np.testing.assert_array_equal(last, 8 * A)
    np.testing.assert_array_equal(flats, np.stack([(2 * A).reshape(1, 6), (4 * A).reshape(1, 6), (8 * A).reshape(1, 6)]))
    np.testing.assert_array_equal(negated, np.stack([-2 * A, -4 * A, -8 * A]))


def overwrite_each_in_turn(values, feeds):
    """Writes to each output and expects all others, and what was fed, to stay."""
    before = [np.array(value) for value in values]
    fed = {name: np.array(value) for name, value in feeds.items()}
    for index, value in enumerate(values):
        value[...] = 77
        for other, (now, then) in enumerate(zip(values, before)):
            if other > index:
                np.testing.assert_array_equal(now, then)
    for name, value in feeds.items():
        np.testing.assert_array_equal(value, fed[name])


@pytest.mark.parametrize("level", LEVELS)
def test_outputs_share_no_memory(level):
    """The same value as several outputs: named twice, given by both branches, a weight, an input, and in a sequence."""
    branch = helper.make_graph([], "branch", [], [tensor("x", FLOAT, (2, 3)), tensor("x", FLOAT, (2, 3)), tensor("w", FLOAT, (2, 3))])
    other = helper.make_graph([], "other", [], [tensor("a", FLOAT, (2, 3)), tensor("a", FLOAT, (2, 3)), tensor("w", FLOAT, (2, 3))])
    nodes = [
        node("Abs", "a", "x"),
        helper.make_node("If", ["c"], ["p", "q", "r"], then_branch=branch, else_branch=other),
        node("SequenceConstruct", "x a w x", "s"),
        node("SequenceAt", "s one", "t"),
        node("Identity", "w", "v"),
    ]
    tensors = [tensor(name, FLOAT, (2, 3)) for name in ["x", "p", "q", "r", "t", "v", "a"]]
    sequence = helper.make_tensor_sequence_value_info("s", FLOAT, None)
    weight = helper.make_tensor("w", FLOAT, [2, 3], np.arange(6))
    made = model(
        nodes,
        [tensor("a", FLOAT, (2, 3)), tensor("c", TensorProto.BOOL, ())],
        [*tensors, sequence],
        [weight, helper.make_tensor("one", INT64, [], [1])],
    )
    session = pinion.Session(made, optimization=level)
    w = np.arange(6, dtype=np.float32).reshape(2, 3)
    for condition, chosen in [(True, np.abs(A)), (False, A), (True, np.abs(A))]:
        feeds = {"a": A.copy(), "c": np.array(condition)}
        *values, elements = session.run(feeds)
        for value, expected in zip(values, [np.abs(A), chosen, chosen, w, A, w, A]):
            np.testing.assert_array_equal(value, expected)
        for value, expected in zip(elements, [np.abs(A), A, w, np.abs(A)]):
            np.testing.assert_array_equal(value, expected)
        overwrite_each_in_turn([*values, *elements], feeds)


@pytest.mark.parametrize("declared", [("P",), None, (5,)])
@pytest.mark.parametrize("level", LEVELS)
def test_scan_outputs_of_no_step_have_the_inferred_shape(declared, level):
    """x is float[2], so the stack of no Neg(x) is float[0, 2], whatever is declared."""
    body = helper.make_graph(
        [node("Neg", "x", "n"), node("Identity", "c", "c_out")],
        "body",
        [tensor("i", INT64, ()), tensor("c", TensorProto.BOOL, ())],
        [tensor("c_out", TensorProto.BOOL, ()), tensor("n", FLOAT, declared)],
    )
    scanned = helper.make_graph([node("Neg", "x", "n")], "body", [tensor("slice", FLOAT, (4,))], [tensor("n", FLOAT, declared)])
    nodes = [
        helper.make_node("Loop", ["trips", ""], ["y"], body=body),
        helper.make_node("Scan", ["steps"], ["z"], body=scanned, num_scan_inputs=1, scan_output_axes=[1]),
    ]
    inputs = [tensor("x", FLOAT, (2,)), tensor("trips", INT64, ()), tensor("steps", FLOAT, ("k", 4))]
    made = model(nodes, inputs, [tensor("y", FLOAT, None), tensor("z", FLOAT, None)])
    session = pinion.Session(made, optimization=level)
    for count in [0, 2, 0]:
        feeds = {"x": np.ones(2, np.float32), "trips": np.array(count), "steps": np.zeros((count, 4), np.float32)}
        y, z = session.run(feeds)
        np.testing.assert_array_equal(y, -np.ones((count, 2), np.float32))
        np.testing.assert_array_equal(z, -np.ones((2, count), np.float32))


@pytest.mark.parametrize("level", LEVELS)
def test_one_name_for_unequal_dimensions(level):
    """Names of dimensions let passes drop the Expand where both are equal; the values must not depend on it."""
    made = model(
        [node("Shape", "b", "s"), node("Expand", "a s", "y"), node("Add", "a b", "z")],
        [tensor("a", FLOAT, ("n", "n")), tensor("b", FLOAT, ("n", "n"))],
        [tensor("y", FLOAT, ("n", "n")), tensor("z", FLOAT, ("n", "n"))],
    )
    session = pinion.Session(made, optimization=level)
    for a, b in [((3, 3), (3, 3)), ((1, 3), (2, 3)), ((1, 1), (2, 3)), ((3, 3), (3, 3)), ((2, 1), (1, 4))]:
        left = np.arange(np.prod(a), dtype=np.float32).reshape(a)
        right = np.arange(np.prod(b), dtype=np.float32).reshape(b)
        y, z = session.run({"a": left, "b": right})
        np.testing.assert_array_equal(y, left * np.ones_like(right))
        np.testing.assert_array_equal(z, left + right)
    with pytest.raises(pinion.InvalidShapeError, match=r"Add|Expand"):
        session.run({"a": np.zeros((2, 3), np.float32), "b": np.zeros((4, 5), np.float32)})


@pytest.mark.parametrize("level", LEVELS)
def test_strings_outlive_what_was_fed(level):
    made = model(
        [node("Identity", "x", "y"), node("Reshape", "x s", "z")],
        [tensor("x", STRING, (2,))],
        [tensor("y", STRING, (2,)), tensor("z", STRING, (1, 2))],
        [integers("s", [1, 2])],
    )
    session = pinion.Session(made, optimization=level)
    kept = [session.run({"x": np.array([f"first {i}" * 9, "second"], object)}) for i in range(50)]
    for i, (y, z) in enumerate(kept):
        assert y.tolist() == [f"first {i}" * 9, "second"] and z.tolist() == [[f"first {i}" * 9, "second"]]


@pytest.mark.parametrize("level", LEVELS)
def test_scan_output_of_a_loop_within_a_loop_without_a_step(level):
    """The inner scan output is float[inner, 2], an extent that no step decides: [0, 0, 2], with no type declared inside."""
    inner = helper.make_graph(
        [node("Neg", "x", "n")],
        "inner",
        [tensor("j", INT64, ()), tensor("d", TensorProto.BOOL, ())],
        [tensor("d", TensorProto.BOOL, ()), onnx.ValueInfoProto(name="n")],
    )
    outer = helper.make_graph(
        [helper.make_node("Loop", ["two", ""], ["rows"], body=inner), node("Abs", "rows", "absolute")],
        "outer",
        [tensor("i", INT64, ()), tensor("c", TensorProto.BOOL, ())],
        [tensor("c", TensorProto.BOOL, ()), onnx.ValueInfoProto(name="absolute")],
    )
    made = model(
        [helper.make_node("Loop", ["trips", ""], ["y"], body=outer)],
        [tensor("x", FLOAT, (2,)), tensor("trips", INT64, ())],
        [tensor("y", FLOAT, None)],
        [helper.make_tensor("two", INT64, [], [2])],
    )
    session = pinion.Session(made, optimization=level)
    for count, shape in [(0, (0, 0, 2)), (3, (3, 2, 2))]:
        (y,) = session.run({"x": np.ones(2, np.float32), "trips": np.array(count)})
        np.testing.assert_array_equal(y, np.ones(shape, np.float32))


@pytest.mark.parametrize("level", LEVELS)
def test_what_a_function_gives_has_the_name_of_the_call(level, tmp_path):
    """Outputs that are a function's, one that a function only passes on, and one that is an output twice."""
    functions = [
        helper.make_function("own", "F", ["i"], ["o"], [node("Relu", "i", "t"), node("Neg", "t", "o")], [helper.make_opsetid("", 18)]),
        helper.make_function("own", "P", ["i"], ["o"], [node("Identity", "i", "o")], [helper.make_opsetid("", 18)]),
    ]
    made = model(
        [node("F", "a", "u", domain="own"), node("F", "u", "v", domain="own"), node("P", "a", "w", domain="own")],
        [tensor("a", FLOAT, (2, 3))],
        [tensor(name, FLOAT, (2, 3)) for name in ("v", "u", "w")],
        domains=[("own", 1)],
        functions=functions,
    )
    source = pinion.Model(made)
    source.save(tmp_path / "m.onnx")
    for each in (source, tmp_path / "m.onnx"):
        session = pinion.Session(each, optimization=level)
        assert session.output_names == ["v", "u", "w"]
        v, u, w = session.run({"a": A})
        np.testing.assert_array_equal(u, -np.maximum(A, 0))
        np.testing.assert_array_equal(v, np.zeros_like(A))
        np.testing.assert_array_equal(w, A)
        [named] = session.run({"a": A}, ["u"])
        np.testing.assert_array_equal(named, u)
