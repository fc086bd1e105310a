"""PyTorch's .pt2: nested arguments and results, buffers that a session keeps, sizes that are checked."""

import collections
import copy
import io
import json
import pickle
import zipfile

import numpy as np
import pytest

import pinion


def tensor(name):
    return {"as_tensor": {"name": name}}


def meta(*sizes):
    listed = [{"as_int": size} if isinstance(size, int) else {"as_expr": {"expr_str": f"Symbol('{size}', integer=True)"}} for size in sizes]
    return {"dtype": 7, "sizes": listed, "strides": [], "storage_offset": {"as_int": 0}, "layout": 7}


def leaf():
    return {"type": None, "context": None, "children_spec": []}


def container(kind, context, *children):
    return {"type": kind, "context": json.dumps(context), "children_spec": list(children)}


class Program:
    """A program in torch.export's JSON."""

    def __init__(self):
        self.inputs, self.outputs, self.nodes, self.tensors, self.weights = [], [], [], {}, {}
        self.ranges, self.fields, self.signature = {}, {}, None

    def input(self, name, *sizes):
        self.tensors[name] = meta(*sizes)
        self.inputs.append((tensor(name), {"user_input": {"arg": tensor(name)}}))

    def buffer(self, name, values):
        self.tensors["b_" + name] = meta(len(values))
        self.inputs.append((tensor("b_" + name), {"buffer": {"arg": {"name": "b_" + name}, "buffer_name": name, "persistent": True}}))
        self.weights[name] = np.float32(values)

    def constant(self, value):
        self.inputs.append((value, {"constant_input": {"name": "c", "value": value}}))

    def node(this, target, output, *sizes, **arguments):
        listed = [{"name": name, "arg": tensor(value), "kind": 1} for name, value in arguments.items()]
        this.nodes.append({"target": f"torch.ops.aten.{target}", "inputs": listed, "outputs": [tensor(output)], "name": output})
        this.tensors[output] = meta(*sizes)

    def output(self, argument):
        argument = tensor(argument) if isinstance(argument, str) else argument
        self.outputs.append((argument, {"user_output": {"arg": argument}}))

    def trees(self, arguments, results, names):
        in_spec = container("builtins.tuple", None, container("builtins.tuple", None, *arguments), container("builtins.dict", []))
        self.signature = {"in_spec": json.dumps([1, in_spec]), "out_spec": json.dumps([1, results]), "forward_arg_names": names}

    def bytes(self):
        graph = {
            "inputs": [entry[0] for entry in self.inputs],
            "outputs": [entry[0] for entry in self.outputs],
            "nodes": self.nodes,
            "tensor_values": self.tensors,
            "sym_int_values": {},
        }
        module = {
            "graph": graph,
            "signature": {"input_specs": [entry[1] for entry in self.inputs], "output_specs": [entry[1] for entry in self.outputs]},
            "module_call_graph": [{"fqn": "", "signature": self.signature}],
            "treespec_namedtuple_fields": self.fields,
        }
        program = {
            "graph_module": module,
            "schema_version": {"major": 8, "minor": 20},
            "verifiers": ["TRAINING"],
            "range_constraints": self.ranges,
        }
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as file:
            config = {}
            for index, (name, values) in enumerate(self.weights.items()):
                file.writestr(f"m/data/weights/weight_{index}", values.tobytes())
                described = {**meta(len(values)), "strides": [{"as_int": 1}]}
                config[name] = {"path_name": f"weight_{index}", "use_pickle": False, "tensor_meta": described}
            file.writestr("m/data/weights/model_weights_config.json", json.dumps({"config": config}))
            file.writestr("m/archive_format", "pt2")
            file.writestr("m/byteorder", "little")
            file.writestr("m/models/model.json", json.dumps(program))
        return out.getvalue()


@pytest.fixture
def nested():
    """forward(batch, n): batch is {"a": x, "pair": (y, None)}; gives {"sum": x + y + n, "list": [-x, 3]} as a class Output."""
    program = Program()
    for name in ("batch_a", "batch_pair_0", "n"):
        program.input(name, 2)
        if name == "batch_pair_0":
            program.constant({"as_none": True})
    program.node("add.Tensor", "first", 2, self="batch_a", other="batch_pair_0")
    program.node("add.Tensor", "add", 2, self="first", other="n")
    program.node("neg.default", "neg", 2, self="batch_a")
    program.output("add")
    program.output("neg")
    program.output({"as_int": 3})
    batch = container("builtins.dict", ["a", "pair"], leaf(), container("builtins.tuple", None, leaf(), leaf()))
    results = container("lib.Output", ["sum", "list"], leaf(), container("builtins.list", None, leaf(), leaf()))
    program.trees([batch, leaf()], results, ["batch", "n"])
    return pinion.Session(program.bytes())


X, Y, N = (np.float32(values) for values in ([1, 2], [10, 20], [100, 200]))


def test_nested_arguments_and_results(nested):
    result = nested.run({"batch": {"a": X, "pair": (Y, None)}, "n": N}, nested=True)
    assert list(result) == ["sum", "list"]
    np.testing.assert_array_equal(result["sum"], [111, 222])
    np.testing.assert_array_equal(result["list"][0], [-1, -2])
    assert result["list"][1] == 3
    called = nested({"a": X, "pair": [Y, None]}, n=N)
    np.testing.assert_array_equal(called["sum"], [111, 222])


def test_flat_names_and_paths_are_the_same_values(nested):
    assert [(info.name, info.path) for info in nested.inputs] == [("batch_a", "batch.a"), ("batch_pair_0", "batch.pair.0"), ("n", "n")]
    assert [(info.name, info.path) for info in nested.outputs] == [("add", "sum"), ("neg", "list.0")]
    for names in (("batch_a", "batch_pair_0", "n"), ("batch.a", "batch.pair.0", "n")):
        given = dict(zip(names, (X, Y, N)))
        for _ in range(3):
            np.testing.assert_array_equal(nested.run(given)[0], [111, 222])
        np.testing.assert_array_equal(nested.run(given, ["list.0"])[0], [-1, -2])


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({"a": X}, "keys"),
        ({"a": X, "pair": (Y, None), "b": 1}, "keys"),
        ({"a": X, "pair": (Y,)}, "'batch.pair' has 1 items, expected 2"),
        ({"a": X, "pair": (Y, 3)}, "'batch.pair.1' is 3; the program was exported for None"),
        (X, "expected a dict"),
    ],
)
def test_what_does_not_nest_as_the_module_does(nested, batch, message):
    with pytest.raises(pinion.InvalidArgumentError, match=message):
        nested.run({"batch": batch, "n": N})


def test_named_tuples():
    program = Program()
    program.input("p_x", 2)
    program.input("p_y", 2)
    program.output("p_x")
    program.output("p_y")
    program.fields = {"lib.Point": {"field_names": ["x", "y"]}}
    point = container("collections.namedtuple", "lib.Point", leaf(), leaf())
    program.trees([point], point, ["p"])
    session = pinion.Session(program.bytes())
    Given = collections.namedtuple("Given", "x y")
    result = session(Given(X, Y))
    assert type(result).__name__ == "Point"
    np.testing.assert_array_equal(result.y, Y)


def test_models_without_trees_refuse_to_nest():
    program = Program()
    program.input("x", 2)
    program.output("x")
    session = pinion.Session(program.bytes())
    with pytest.raises(pinion.InvalidArgumentError, match="nest"):
        session.run({"x": X}, nested=True)
    with pytest.raises(pinion.InvalidArgumentError, match="by name"):
        session(X)


def counter(**options):
    """count += x; gives -count."""
    program = Program()
    program.buffer("count", [5])
    program.input("x", 1)
    program.node("add_.Tensor", "added", 1, self="b_count", other="x")
    program.node("neg.default", "y", 1, self="b_count")
    program.output("y")
    return pinion.Session(program.bytes(), **options)


def test_buffers_are_outputs_unless_asked_otherwise():
    session = counter()
    assert session.output_names == ["y", "count.new"]
    assert session.buffers == {}
    first = session.run({"x": np.float32([2])})
    np.testing.assert_array_equal(session.run({"x": np.float32([2]), "count": first[1]})[1], [9])
    with pytest.raises(pinion.UnsupportedError):
        session.reset_buffers()
    assert counter(mutations="dropped").output_names == ["y"]
    with pytest.raises(pinion.InvalidArgumentError, match="mutations"):
        counter(mutations="kept")


def test_a_session_keeps_buffers():
    session = counter(mutations="state")
    assert session.output_names == ["y"] and session.input_names == ["x"]
    seen = [session.run({"x": np.float32([1])})[0][0] for _ in range(4)]
    assert seen == [-6, -7, -8, -9]
    np.testing.assert_array_equal(session.buffers["count"], [9])
    with pytest.raises(TypeError, match="set_buffers"):
        session.buffers["count"] = np.float32([100])
    assert type(pickle.loads(pickle.dumps(session.buffers))) is dict
    session.set_buffers({"count": np.float32([100])})
    assert session.run({"x": np.float32([1])})[0][0] == -101
    session.reset_buffers()
    assert session.run({"x": np.float32([1])})[0][0] == -6
    with pytest.raises(pinion.NotFoundError, match="count"):
        session.set_buffers({"total": X})
    with pytest.raises(pinion.InvalidShapeError):
        session.set_buffers({"count": X})
    for other in (copy.copy(session), pickle.loads(pickle.dumps(session))):
        assert other.run({"x": np.float32([1])})[0][0] == -6
    bound = session.bind({"x": np.float32([1])})
    bound.run()
    np.testing.assert_array_equal(session.buffers["count"], [7])


def test_sizes_are_checked_when_a_run_begins():
    program = Program()
    program.input("a", "s")
    program.input("b", "s")
    program.ranges = {"s": {"min_val": 3, "max_val": 4}}
    program.output("a")
    program.output("b")
    session = pinion.Session(program.bytes())
    for _ in range(3):
        session.run({"a": np.zeros(4, np.float32), "b": np.zeros(4, np.float32)})
        with pytest.raises(pinion.InvalidShapeError, match="is 5, expected 3 to 4"):
            session.run({"a": np.zeros(5, np.float32), "b": np.zeros(5, np.float32)})
        with pytest.raises(pinion.InvalidShapeError, match="where s is 3 by dimension 0 of input 'a'"):
            session.run({"a": np.zeros(3, np.float32), "b": np.zeros(4, np.float32)})
