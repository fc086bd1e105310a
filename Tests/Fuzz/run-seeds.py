"""run-seeds.py FOLDER: writes ONNX's small backend-test models and small exported programs as a corpus to start from; needs the Python package onnx."""
import json
import pathlib
import sys
import warnings
import zipfile

import numpy as np

warnings.filterwarnings("ignore")
from onnx.backend.test.case.node import collect_testcases  # noqa: E402

folder = pathlib.Path(sys.argv[1])
with np.errstate(all="ignore"):
    for case in collect_testcases(None):
        data = case.model.SerializeToString()
        if len(data) <= 4096:
            (folder / case.name).write_bytes(data)


def program(nodes, inputs, tensors, outputs):
    """The JSON of a small exported program; nodes are (target, arguments, output)."""

    def tensor(name):
        return {"as_tensor": {"name": name}}

    def meta(dtype, sizes):
        sizes = [{"as_int": size} for size in sizes]
        return {"dtype": dtype, "sizes": sizes, "strides": [], "storage_offset": {"as_int": 0}, "layout": 7}

    graph = {
        "inputs": [tensor(name) for name in inputs],
        "outputs": [tensor(name) for name in outputs],
        "nodes": [
            {
                "target": target,
                "inputs": [{"name": key, "arg": value, "kind": 1} for key, value in arguments.items()],
                "outputs": [tensor(output)],
                "name": output,
            }
            for target, arguments, output in nodes
        ],
        "tensor_values": {name: meta(*value) for name, value in tensors.items()},
    }
    signature = {
        "input_specs": [{"user_input": {"arg": tensor(name)}} for name in inputs],
        "output_specs": [{"user_output": {"arg": tensor(name)}} for name in outputs],
    }
    return {"graph_module": {"graph": graph, "signature": signature}, "schema_version": {"major": 8, "minor": 20}}


x, y, one = {"as_tensor": {"name": "x"}}, {"as_tensor": {"name": "y"}}, {"as_int": 1}
aten = "torch.ops.aten."
programs = {
    "add": program([(aten + "add.Tensor", {"self": x, "other": one}, "y")], ["x"], {"x": (7, [2, 2]), "y": (7, [2, 2])}, ["y"]),
    "write": program(
        [
            (aten + "clone.default", {"self": x}, "y"),
            (aten + "select.int", {"self": y, "dim": one, "index": one}, "z"),
            (aten + "zero_.default", {"self": {"as_tensor": {"name": "z"}}}, "w"),
        ],
        ["x"],
        {"x": (7, [2, 2]), "y": (7, [2, 2]), "z": (7, [2]), "w": (7, [2])},
        ["y"],
    ),
    "index": program(
        [(aten + "index.Tensor", {"self": x, "indices": {"as_optional_tensors": [{"as_none": True}, {"as_tensor": {"name": "y"}}]}}, "z")],
        ["x", "y"],
        {"x": (7, [2, 2]), "y": (5, [2]), "z": (7, [2, 2])},
        ["z"],
    ),
}
for name, content in programs.items():
    with zipfile.ZipFile(folder / f"pt2-{name}", "w") as archive:
        archive.writestr("m/archive_format", "pt2")
        archive.writestr("m/models/model.json", json.dumps(content))
