"""Graphs that are made in code, and models that are written."""

import copy
import gc
import pickle
import weakref

import numpy as np
import onnx
import pytest

import pinion

F = np.float32


def product():
    graph = pinion.Graph("g")
    x = graph.input("x", F, ["batch", 3])
    y = graph.node("MatMul", x, np.arange(12, dtype=F).reshape(3, 4))
    return graph, x, y


def test_a_graph_and_its_types():
    graph, x, y = product()
    assert x.shape == ("batch", 3) and y.shape == ("batch", 4) and y.dtype == np.dtype(F) and x.name == "x"
    assert str(y.info).endswith(": float32[batch,4]") and "float32[batch,4]" in repr(y)
    best, places = graph.node("TopK", y, np.array([2]), outputs=["best", None], axis=-1)
    assert best.name == "best" and best.shape == ("batch", 2) and places.dtype == np.dtype(np.int64)
    graph.output(best)
    graph.output(places, "places")
    assert "TopK" in graph.text()
    session = graph.session(threads=1)
    assert session.output_names == ["best", "places"]
    values, indices = session.run({"x": np.array([[0, 0, 1]], F)})
    assert values.tolist() == [[11, 10]] and indices.tolist() == [[3, 2]]


def test_inputs_of_all_kinds():
    graph = pinion.Graph()
    assert graph.input("a", F).shape is None
    assert graph.input("b", "int64", [None, 2]).shape == (None, 2)
    assert graph.input("c", pinion.ElementType.BFLOAT16, []).shape == ()
    assert graph.input("d", str, [1]).info.element_type == pinion.ElementType.STRING
    assert graph.input("e", type="seq(float32[?])").info.kind is pinion.Kind.SEQUENCE
    assert graph.input("f", type="optional(int64[...])").info.optional
    default = graph.input("g", default=np.array([5, 6], F))
    assert default.shape == (2,)
    graph.output(graph.node("Neg", default), "y")
    session = graph.session()
    assert not next(i for i in session.inputs if i.name == "a").optional
    assert next(i for i in session.inputs if i.name == "g").optional


def test_defaults_are_given_or_left_out():
    graph = pinion.Graph()
    bias = graph.input("b", default=np.array([5, 6], F))
    graph.output(graph.node("Add", graph.input("x", F, [2]), bias), "y")
    session = graph.session()
    x = np.zeros(2, F)
    assert session.run({"x": x})[0].tolist() == [5, 6]
    assert session.run({"x": x, "b": np.array([1, 2], F)})[0].tolist() == [1, 2]


def test_attributes_of_all_kinds():
    graph = pinion.Graph()
    x = graph.input("x", F, [2, 6])
    assert graph.node("Transpose", x, perm=[1, 0]).shape == (6, 2)
    assert graph.node("Transpose", x, perm=np.array([1, 0]).tolist()).shape == (6, 2)
    assert graph.node("Cast", x, to=np.int64).dtype == np.dtype(np.int64)
    assert graph.node("Cast", x, to=pinion.ElementType.FLOAT16).dtype == np.dtype(np.float16)
    assert graph.node("LeakyRelu", x, alpha=0.5).shape == (2, 6)
    assert graph.node("ReduceSum", x, keepdims=False).shape == ()
    assert graph.node("Constant", value_floats=[1.0, 2]).shape == (2,)
    assert graph.node("Constant", value_ints=[]).shape == (0,)
    assert graph.node("Constant", value_strings=["a", "b"]).dtype == np.dtype(object)
    assert graph.node("ConstantOfShape", np.array([2, 3]), value=np.array([7], np.int32)).dtype == np.dtype(np.int32)
    assert graph.node("Optional", type=pinion.TypeText("seq(float32[?])")).info.kind is pinion.Kind.OPTIONAL
    assert graph.node("ReduceSum", x, opset=11, attributes={"axes": [1]}).shape == (2, 1)
    gelu = graph.node("Gelu", x, domain="com.microsoft")
    assert gelu.shape == (2, 6)
    # An attribute that is None is not there.
    assert graph.node("Softmax", x, axis=None).shape == (2, 6)
    text = graph.input("s", str, [1])
    graph.node("StringNormalizer", text, case_change_action="LOWER", stopwords=["a", b"the"])


def test_branches_and_loops():
    graph = pinion.Graph()
    x, yes, n = graph.input("x", F, ["n"]), graph.input("yes", bool, []), graph.input("n", np.int64, [])
    then, other = graph.subgraph("then"), graph.subgraph("else")
    then.output(then.node("Add", x, np.array(1, F)))
    other.output(other.node("Mul", x, np.array(2, F)))
    chosen = graph.node("If", yes, then_branch=then, else_branch=other)
    assert chosen.shape == ("n",)
    body = graph.subgraph()
    i, going, total = body.input("i", np.int64, []), body.input("c", bool, []), body.input("t", F, ["n"])
    body.output(going)
    body.output(body.node("Add", total, chosen))
    body.output(i)
    last, seen = graph.node("Loop", n, None, x, outputs=2, body=body)
    graph.output(last, "last")
    graph.output(seen, "seen")
    session = graph.session()
    given = {"x": np.array([1, 2], F), "n": np.array(3)}
    last, seen = session.run({**given, "yes": np.array(True)})
    assert last.tolist() == [7, 11] and seen.tolist() == [0, 1, 2]
    last, _ = session.run({**given, "yes": np.array(False)})
    assert last.tolist() == [7, 14]


@pytest.mark.parametrize(
    ("error", "part", "make"),
    [
        (pinion.UnsupportedError, "not known", lambda g, x: g.node("Dance", x)),
        (pinion.UnsupportedError, "opset 99", lambda g, x: g.node("Relu", x, opset=99)),
        (pinion.InvalidModelError, "unknown attribute 'axes'", lambda g, x: g.node("Softmax", x, axes=1)),
        (pinion.InvalidModelError, "'axis' is STRING, expected INT", lambda g, x: g.node("Softmax", x, axis="last")),
        (pinion.InvalidModelError, "input 'B' is missing", lambda g, x: g.node("MatMul", x)),
        (pinion.InvalidModelError, "2 inputs", lambda g, x: g.node("Relu", x, x)),
        (pinion.InvalidModelError, "2 outputs", lambda g, x: g.node("Relu", x, outputs=2)),
        (pinion.InvalidModelError, "no outputs", lambda g, x: g.model()),
        (pinion.InvalidShapeError, "expected float32", lambda g, x: g.node("Add", x, np.array([1]))),
        (pinion.InvalidShapeError, "float32[batch,3]", lambda g, x: g.node("MatMul", x, np.ones((4, 5), F))),
        (pinion.UnsupportedError, "there is MatMul", lambda g, x: g.node("Matmul", x, x)),
        (pinion.InvalidShapeError, "axis 5", lambda g, x: g.node("Softmax", x, axis=5)),
        (pinion.InvalidArgumentError, "dimension 0 of input 'y' is a float", lambda g, x: g.input("y", F, [1.5])),
        (pinion.InvalidArgumentError, "an output is 'x' of another graph", lambda g, x: pinion.Graph().output(x)),
        (pinion.InvalidArgumentError, "another graph", lambda g, x: pinion.Graph().node("Relu", x)),
        (pinion.InvalidArgumentError, "name already", lambda g, x: g.input("x", F, [1])),
        (pinion.InvalidArgumentError, "needs the type", lambda g, x: g.input("y")),
        (pinion.InvalidArgumentError, "no element type", lambda g, x: g.input("y", "float33", [1])),
        (pinion.InvalidArgumentError, "no type", lambda g, x: g.input("y", type="float32")),
        (pinion.InvalidArgumentError, "extent of -3", lambda g, x: g.input("y", F, [-3])),
        (pinion.InvalidArgumentError, "expected a GraphValue", lambda g, x: g.node("Relu", 1.5)),
        (pinion.InvalidArgumentError, "attribute 'axis' is", lambda g, x: g.node("Softmax", x, axis=[object()])),
        (pinion.InvalidArgumentError, "attribute 'axis' is", lambda g, x: g.node("Softmax", x, axis=object())),
        (pinion.InvalidArgumentError, "64 bits", lambda g, x: g.node("Softmax", x, axis=1 << 70)),
        (pinion.InvalidArgumentError, "64 bits", lambda g, x: g.node("Transpose", x, perm=[1 << 70, 0])),
        (pinion.InvalidArgumentError, "GraphValue", lambda g, x: g.output(3)),
        (pinion.InvalidArgumentError, "outermost", lambda g, x: g.subgraph().set_opset("", 20)),
        (pinion.InvalidArgumentError, "no subgraph", lambda g, x: g.node("If", x, else_branch=pinion.Graph(), then_branch=g.subgraph())),
        (pinion.UnsupportedError, "opset 99", lambda g, x: pinion.Graph(opset=99)),
    ],
)
def test_mistakes_are_said_at_once(error, part, make):
    graph, x, y = product()

    def statements():
        # An array that is given has become a constant before.
        return [line for line in graph.text().splitlines() if "constant" not in line]

    before = statements()
    with pytest.raises(error) as caught:
        make(graph, x)
    assert part in str(caught.value)
    assert statements() == before
    graph.output(y, "y")
    assert graph.session().run({"x": np.zeros((1, 3), F)})[0].shape == (1, 4)


def test_errors_name_the_node():
    graph, x, _ = product()
    with pytest.raises(pinion.InvalidShapeError) as caught:
        graph.node("Add", x, np.array([1]), name="sum")
    assert caught.value.node == "sum" and caught.value.operator == "Add" and "float32[batch,3]" in str(caught.value)


class Array(np.ndarray):
    """An array that can be watched."""


def test_memory_is_copied_or_shared():
    for is_copied in (True, False):
        graph = pinion.Graph()
        weights = Array(4, F)
        weights[:] = 1
        gone = weakref.ref(weights)
        constant = graph.constant(weights.view(np.ndarray), copy=is_copied)
        graph.output(graph.node("Add", graph.input("x", F, [4]), constant), "y")
        if is_copied:
            weights[:] = 100
        del constant, weights
        session = graph.session()
        del graph
        gc.collect()
        assert session.run({"x": np.zeros(4, F)})[0].tolist() == [1, 1, 1, 1]
        assert (gone() is None) == is_copied
        del session
        gc.collect()
        assert gone() is None


def test_models_are_pickled_and_graphs_are_not():
    graph, _, y = product()
    graph.output(y, "y")
    graph.set_metadata("author", "nobody")
    model = graph.model()
    x = np.ones((2, 3), F)
    expected = pinion.Session(model).run({"x": x})[0]
    assert copy.copy(model) is model and "made in code" in repr(model)
    again = pickle.loads(pickle.dumps(model))
    assert again.metadata.properties == {"author": "nobody"}
    assert pinion.Session(again).run({"x": x})[0].tolist() == expected.tolist()
    with pytest.raises(TypeError):
        copy.copy(graph)


def test_saving(tmp_path):
    graph, _, y = product()
    graph.output(y, "y")
    graph.set_metadata("author", "nobody")
    model = graph.model()
    path = tmp_path / "m.onnx"
    model.save(path)
    onnx.checker.check_model(path, full_check=True)
    proto = onnx.load(path)
    assert proto.producer_name == "pinion" and proto.graph.name == "g" and proto.opset_import[0].version == 21
    assert [(p.key, p.value) for p in proto.metadata_props] == [("author", "nobody")]
    assert proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    x = np.ones((2, 3), F)
    expected = pinion.Session(model).run({"x": x})[0]
    assert np.array_equal(pinion.Session(path).run({"x": x})[0], expected)
    model.save(path, opset=23)
    assert onnx.load(path).opset_import[0].version == 23
    with pytest.raises(pinion.InvalidArgumentError):
        model.save(path, external_data="perhaps")
    with pytest.raises(pinion.InvalidArgumentError):
        model.save(path, opset=20)
    with pytest.raises(pinion.InputOutputError):
        model.save(tmp_path / "none" / "m.onnx")
    with pytest.raises(pinion.InputOutputError):
        model.save(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.onnx"]


def test_external_data_is_what_onnx_reads(tmp_path):
    graph = pinion.Graph()
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal(shape).astype(F) for shape in [(40, 50), (3,), (300,), (64, 64)]]
    for i, array in enumerate(weights):
        graph.output(graph.constant(array, f"w{i}"))
    path = tmp_path / "m.onnx"
    graph.model().save(path, external_data="always")
    onnx.checker.check_model(path)
    held = {t.name: t for t in onnx.load(path, load_external_data=False).graph.initializer}
    assert [held[f"w{i}"].data_location for i in range(4)] == [1, 0, 1, 1]
    for i in (0, 2, 3):
        entry = {e.key: e.value for e in held[f"w{i}"].external_data}
        assert entry["location"] == "m.onnx.data"
        assert int(entry["offset"]) % (4096 if weights[i].nbytes >= 4096 else 64) == 0
    loaded = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
    for i, array in enumerate(weights):
        assert np.array_equal(loaded[f"w{i}"], array)
    session = pinion.Session(path)
    assert all(np.array_equal(a, b) for a, b in zip(session.run({}), weights))


def test_more_than_protobuf_holds(tmp_path):
    """A constant of more than 2 GB that nobody has made: a file of zeros that is mapped."""
    count = (1 << 31) // 4 + 8
    array = np.memmap(tmp_path / "zeros", F, "w+", shape=(count,))
    graph = pinion.Graph()
    weights = graph.constant(array, "w", copy=False)
    graph.output(graph.node("Slice", weights, np.array([count - 2]), np.array([count])), "y")
    model = graph.model()
    with pytest.raises(pinion.UnsupportedError, match="protobuf"):
        model.save(tmp_path / "m.onnx", external_data="never")
    assert not (tmp_path / "m.onnx").exists()
    model.save(tmp_path / "m.onnx")
    assert (tmp_path / "m.onnx").stat().st_size < 1000
    assert (tmp_path / "m.onnx.data").stat().st_size == count * 4
    onnx.checker.check_model(tmp_path / "m.onnx")
    assert pinion.Session(tmp_path / "m.onnx", optimization=0).run({})[0].tolist() == [0, 0]

def test_texts_end_where_c_ends_them(tmp_path):
    graph = pinion.Graph()
    x = graph.input("x", np.float32, [2])
    words = graph.input("words", pinion.ElementType.STRING, [2])
    for call in (
        lambda: graph.input("a\0b", np.float32, [2]),
        lambda: graph.node("Relu\0junk", x),
        lambda: graph.node("StringNormalizer", words, stopwords=["a\0b"]),
        lambda: graph.set_metadata("key", "a\0b"),
        lambda: pinion.Model(b"", external_data_folder="a\0b"),
    ):
        with pytest.raises(pinion.InvalidArgumentError, match="NUL"):
            call()
    graph.output(graph.node("Relu", x), "y")
    with pytest.raises(pinion.InvalidArgumentError, match="NUL"):
        graph.model().save(tmp_path / "a\0b.onnx")
    assert not list(tmp_path.iterdir())
