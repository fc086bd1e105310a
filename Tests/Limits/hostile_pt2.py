"""Programs of torch.export that ask for what no host gives: long lists, long names, nested trees, weights that lie in one place."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable
from typing import Any

import numpy as np

FLOAT = 7


def sizes(numbers: Iterable[int]) -> list[dict[str, int]]:
    return [{"as_int": number} for number in numbers]


def meta(dims: Iterable[int], strides: Iterable[int] = ()) -> dict[str, Any]:
    return {"dtype": FLOAT, "sizes": sizes(dims), "strides": sizes(strides), "storage_offset": {"as_int": 0}, "layout": 7}


def tensor(name: str) -> dict[str, Any]:
    return {"as_tensor": {"name": name}}


def node(target: str, inputs: Iterable[str], output: str, **arguments: Any) -> dict[str, Any]:
    given = [{"name": "self" if i == 0 else f"arg{i}", "arg": tensor(name), "kind": 1} for i, name in enumerate(inputs)]
    given += [{"name": name, "arg": value, "kind": 1} for name, value in arguments.items()]
    return {"target": target if "." in target else f"torch.ops.aten.{target}.default", "inputs": given, "outputs": [tensor(output)], "name": output}


class Program:
    """A program whose graph is a list of nodes on one input `x` of two elements."""

    def __init__(self, nodes: list[Any], output: str = "y") -> None:
        self.graph: dict[str, Any] = {
            "inputs": [tensor("x")], "outputs": [tensor(output)], "nodes": nodes, "tensor_values": {"x": meta([2]), output: meta([2])}, "sym_int_values": {}}  # fmt: skip
        signature = {"input_specs": [{"user_input": {"arg": tensor("x")}}], "output_specs": [{"user_output": {"arg": tensor(output)}}]}
        self.root: dict[str, Any] = {
            "graph_module": {"graph": self.graph, "signature": signature}, "schema_version": {"major": 8, "minor": 20}, "verifiers": ["TRAINING"],
            "torch_version": "2.13.0", "range_constraints": {}}  # fmt: skip
        self.weights: dict[str, Any] = {}
        self.files: dict[str, bytes] = {}

    def weight(self, name: str, dims: list[int], strides: list[int], data: bytes) -> None:
        graph, signature = self.graph, self.root["graph_module"]["signature"]
        graph["tensor_values"][name] = meta(dims)
        graph["inputs"].append(tensor(name))
        signature["input_specs"].append({"buffer": {"arg": {"name": name}, "buffer_name": name, "persistent": True}})
        entry = {"path_name": "storage", "is_param": True, "use_pickle": False, "tensor_meta": meta(dims, strides)}
        self.weights[name] = entry
        self.files["m/data/weights/storage"] = data

    def tree(self, text: Any) -> None:
        self.root["graph_module"]["module_call_graph"] = [{"fqn": "", "signature": {"in_spec": json.dumps(text), "out_spec": "", "forward_arg_names": []}}]

    def archive(self, text: str | None = None, config: str | None = None) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("m/data/weights/model_weights_config.json", config or json.dumps({"config": self.weights}))
            for name, data in self.files.items():
                archive.writestr(name, data)
            archive.writestr("m/archive_format", "pt2")
            archive.writestr("m/byteorder", "little")
            archive.writestr("m/models/model.json", text or json.dumps(self.root))
        return buffer.getvalue()


def chain(count: int, target: str) -> list[Any]:
    return [node(target, [f"v{i}" if i else "x"], f"v{i + 1}" if i + 1 < count else "y") for i in range(count)]


def nesting() -> Iterable[tuple[str, bytes, dict[str, Any]]]:
    """Lists, trees and graphs inside each other."""
    x = {"x": np.ones(2, np.float32)}
    program = Program(chain(1, "relu"))
    for deep in (100, 127, 128, 100_000):
        yield f"pt2, lists {deep} deep", program.archive("[" * deep + "]" * deep), x
        yield f"pt2, objects {deep} deep", program.archive('{"a":' * deep + "1" + "}" * deep), x
    deep_tree: Any = {"type": None, "context": None, "children_spec": []}
    for _ in range(60):
        deep_tree = {"type": "builtins.list", "context": "null", "children_spec": [deep_tree]}
    program = Program(chain(1, "relu"))
    program.tree([1, deep_tree])
    yield "pt2, an input 60 deep", program.archive(), x
    for deep in (2, 10, 31, 40, 120):
        body: dict[str, Any] = Program(chain(1, "relu")).graph
        for _ in range(deep):
            arguments = [
                {"name": "", "arg": tensor("x"), "kind": 1}, {"name": "", "arg": {"as_graph": {"name": "t", "graph": body}}, "kind": 1},
                {"name": "", "arg": {"as_graph": {"name": "e", "graph": body}}, "kind": 1}, {"name": "", "arg": {"as_tensors": [{"name": "x"}]}, "kind": 1}]  # fmt: skip
            call = {"target": "torch.ops.higher_order.cond", "inputs": arguments, "outputs": [tensor("y")], "name": "y"}
            program = Program([call])
            body = program.graph
            if deep > 10:
                arguments[2]["arg"] = {"as_graph": {"name": "e", "graph": Program(chain(1, "relu")).graph}}
        yield f"pt2, conditions {deep} deep", program.archive(), x


def lists() -> Iterable[tuple[str, bytes, dict[str, Any]]]:
    """Targets that become lists as long as numbers of the program say."""

    def ints(*numbers: int) -> dict[str, Any]:
        return {"as_ints": list(numbers)}

    def number(value: int) -> dict[str, Any]:
        return {"as_int": value}

    big, many = 1 << 31, 1 << 24
    calls: list[tuple[list[int], str, dict[str, Any]]] = [
        ([big, big], "diagonal", {}),
        ([8 * many, 8 * many], "diagonal", {}),
        ([big], "unfold", {"dimension": number(0), "size": number(64), "step": number(1)}),
        ([3 * many], "unfold", {"dimension": number(0), "size": number(1), "step": number(1)}),
        ([4], "as_strided", {"size": ints(big, 0), "stride": ints(1, 1)}),
        ([4], "as_strided", {"size": ints(8192, 8192), "stride": ints(0, 0)}),
        ([8191, 2], "pdist", {}),
        ([1, big, 2], "group_norm", {"num_groups": number(1)}),
        ([1, 2 * many, 2], "group_norm", {"num_groups": number(1)}),
        ([1, 1, big], "adaptive_max_pool1d", {"output_size": ints(3)}),
        ([1, 1, many, 64], "adaptive_max_pool2d", {"output_size": ints(3, 5)}),
        ([2], "linspace", {"start": number(0), "end": number(1), "steps": number(many - 1)}),
        ([2], "tril_indices", {"row": number(4095), "col": number(4095), "offset": number(4095)}),
        ([2], "fft_fftfreq", {"n": number(many - 1)}),
        ([1, 1, many // 64 + 63], "im2col", {"kernel_size": ints(1, 1), "dilation": ints(1, 1), "padding": ints(0, 0), "stride": ints(1, 1)}),
        ([2], "repeat", {"repeats": ints(big)}),
    ]
    for index, (dims, target, arguments) in enumerate(calls):
        made = node(target, ["x"], "y", **arguments)
        made["inputs"][0]["name"] = "input" if target == "group_norm" else "self"
        program = Program([made])
        program.graph["tensor_values"]["x"] = meta(dims)
        if target.startswith("adaptive_max"):
            made["outputs"].append(tensor("places"))
            program.graph["tensor_values"]["places"] = {**meta([1, 1, 3]), "dtype": 5}
        yield f"pt2, numbers {index}: {target} of {dims}", program.archive(), {"x": np.ones(2, np.float32)}
    # Each input's size is a symbol of its own.
    count = 20_000
    program = Program(chain(1, "relu"))
    names = [f"x{i}" for i in range(count)]
    program.graph["inputs"] += [tensor(name) for name in names]
    for index, name in enumerate(names):
        described = meta([2])
        described["sizes"] = [{"as_expr": {"expr_str": f"Symbol('s{index}', positive=True, integer=True)", "hint": None}}]
        program.graph["tensor_values"][name] = described
    program.root["graph_module"]["signature"]["input_specs"] += [{"user_input": {"arg": tensor(name)}} for name in names]
    yield f"pt2, {count} symbols", program.archive(), {name: np.ones(2, np.float32) for name in ["x", *names]}


def texts() -> Iterable[tuple[str, bytes, dict[str, Any]]]:
    """What JSON makes of few ideas."""
    x = {"x": np.ones(2, np.float32)}
    program = Program(chain(1, "relu"))
    plain = json.dumps(program.root)
    million = 1_000_000
    yield "pt2, a long text", program.archive(plain[:-1] + ', "more": "' + "a" * (20 * million) + '"}'), x
    yield "pt2, a long text of escapes", program.archive(plain[:-1] + ', "more": "' + "\\u00e9" * (3 * million) + '"}'), x
    yield "pt2, much space", program.archive(plain[:-1] + ', "more":' + " " * (40 * million) + "1}"), x
    yield "pt2, a long number", program.archive(plain[:-1] + ', "more":' + "1" * (20 * million) + "}"), x
    yield "pt2, a long list", program.archive(plain[:-1] + ', "more": [' + "1," * (4 * million) + "1]}"), x
    yield "pt2, a wide object", program.archive(plain[:-1] + "," + ",".join(f'"m{i}":1' for i in range(million)) + "}"), x
    yield "pt2, a list without end", program.archive(plain[:-1] + ', "more": [' + "1," * million), x


def programs() -> Iterable[tuple[str, bytes, dict[str, Any]]]:
    """Name, file and inputs."""
    x = {"x": np.ones(2, np.float32)}
    yield "pt2, one node", Program(chain(1, "relu")).archive(), x
    for count in (1_000, 20_000, 200_000):
        yield f"pt2, {count} nodes", Program(chain(count, "relu")).archive(), x
        yield f"pt2, {count} nodes of one unknown target", Program(chain(count, "nothing")).archive(), x
        unknown = [node(f"nothing{i}", ["x"], f"v{i}") for i in range(count)] + chain(1, "relu")
        yield f"pt2, {count} nodes of unknown targets", Program(unknown).archive(), x
    million = 1_000_000
    program = Program(chain(1, "relu"))
    program.graph["tensor_values"].update({f"t{i}": meta([1, 2, 3]) for i in range(200_000)})
    yield "pt2, many tensors", program.archive(), x
    program = Program(chain(1, "relu"))
    program.graph["tensor_values"]["t"] = meta([1] * million)
    yield "pt2, a tensor of a million dimensions", program.archive(), x
    for argument in ("as_ints", "as_floats", "as_bools"):
        made = chain(1, "relu")
        made[0]["inputs"].append({"name": "more", "arg": {argument: [1 if argument != "as_bools" else True] * (2 * million)}, "kind": 1})
        yield f"pt2, a long argument {argument}", Program(made).archive(), x
    program = Program(chain(1, "relu"))
    program.root["range_constraints"] = {f"s{i}": {"min_val": 0, "max_val": 9} for i in range(300_000)}
    yield "pt2, many ranges", program.archive(), x
    leaf: dict[str, Any] = {"type": None, "context": None, "children_spec": []}
    for count, length in ((1, 1), (100_000, 10), (20_000, 20_000)):
        inner = {"type": "builtins.list", "context": "null", "children_spec": [leaf] * count}
        tree: Any = {"type": "builtins.dict", "context": json.dumps(["k" * length]), "children_spec": [inner]}
        program = Program(chain(1, "relu"))
        names = [f"x{i}" for i in range(count - 1)]
        program.graph["inputs"] += [tensor(name) for name in names]
        program.graph["tensor_values"].update({name: meta([2]) for name in names})
        program.root["graph_module"]["signature"]["input_specs"] += [{"user_input": {"arg": tensor(name)}} for name in names]
        program.tree([1, tree])
        yield f"pt2, {count} inputs below a name of {length}", program.archive(), {**x, **{name: x["x"] for name in names[:10]}}
    for dims, strides in (([2**10, 2**10], [0, 0]), ([2**14, 2**14], [0, 0]), ([2**20, 2**20], [0, 0]), ([2**31, 2**31], [0, 0]), ([2**40], [0]), ([2**12] * 3, [0] * 3), ([4096, 4096], [1, 0])):
        made = [node("relu", ["x"], "y")]
        program = Program(made)
        program.weight("w", dims, strides, bytes(1 << 16))
        yield f"pt2, a weight of {dims} in one place", program.archive(), x
    program = Program(chain(1, "relu"))
    program.weight("w", [2], [1], bytes(8))
    entries = ",".join(f'"w{i}": {json.dumps(program.weights["w"])}' for i in range(100_000))
    yield "pt2, many weights", program.archive(config='{"config": {' + entries + "}}"), x
    program = Program(chain(1, "relu"))
    program.files = {f"m/{i}": b"" for i in range(60_000)}
    yield "pt2, many members", program.archive(), x
    program = Program(chain(1, "relu"))
    program.files = {"m/" + "n" * 60_000 + str(i): b"" for i in range(200)}
    yield "pt2, long names of members", program.archive(), x
