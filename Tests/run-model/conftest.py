import os
import pathlib
import subprocess

import numpy as np
import onnx
import pytest
from onnx import helper

BINARY = os.environ.get("RUN_MODEL")


class Result:
    def __init__(self, process):
        self.status = process.returncode
        self.out = process.stdout
        self.err = process.stderr

    def error(self):
        """The one line with which the command says why it failed."""
        first, *rest = self.err.splitlines()
        assert first.startswith("run-model: error: "), self.err
        assert all(line.startswith("  ") for line in rest), self.err
        return first.removeprefix("run-model: error: ")


@pytest.fixture(scope="session")
def run_model():
    if not BINARY:
        pytest.exit("RUN_MODEL has to name the command to test", returncode=2)

    def run(*arguments, **options):
        process = subprocess.run(
            [BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False, **options
        )
        assert process.returncode in (0, 1, 2, 3, 64), process.stderr
        return Result(process)

    return run


def tensor(name, element, dims):
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(element)), dims)


@pytest.fixture
def save(tmp_path):
    """Saves a graph of nodes and says where."""

    def save(nodes, inputs, outputs, initializers=(), name="model.onnx", opset=20, domains=()):
        graph = helper.make_graph(
            nodes,
            "test",
            [tensor(*info) if isinstance(info, tuple) else info for info in inputs],
            [tensor(*info) if isinstance(info, tuple) else info for info in outputs],
            [onnx.numpy_helper.from_array(array, key) for key, array in initializers],
        )
        opsets = [helper.make_opsetid("", opset)] + [helper.make_opsetid(domain, 1) for domain in domains]
        model = helper.make_model(graph, opset_imports=opsets, producer_name="tests", ir_version=9)
        path = tmp_path / name
        onnx.save(model, path)
        return path

    return save


@pytest.fixture
def double(save):
    """y = x + x, of any batch."""
    return save([helper.make_node("Add", ["x", "x"], ["y"], "twice")], [("x", "f4", ["batch", 3])], [("y", "f4", ["batch", 3])])


@pytest.fixture
def identity(save):
    """y = x of a type and shape."""

    def make(element, dims):
        return save([helper.make_node("Identity", ["x"], ["y"])], [("x", element, dims)], [("y", element, dims)])

    return make


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    return tmp_path
