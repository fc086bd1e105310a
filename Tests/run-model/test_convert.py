"""`run-model convert`."""

import numpy as np
import onnx
from onnx import helper


def test_convert(run_model, double, folder):
    written = folder / "written.onnx"
    assert run_model("convert", double, written).status == 0
    onnx.checker.check_model(written)
    assert onnx.load(written).opset_import[0].version == max(21, onnx.load(double).opset_import[0].version)
    assert run_model("run", written, "--input", "1,2,3").out == run_model("run", double, "--input", "1,2,3").out
    # From standard input, and over the file itself.
    with double.open("rb") as file:
        assert run_model("convert", "-", folder / "piped.onnx", stdin=file).status == 0
    assert (folder / "piped.onnx").read_bytes() == written.read_bytes()
    assert run_model("convert", written, written).status == 0
    assert (folder / "piped.onnx").read_bytes() == written.read_bytes()
    assert run_model("convert", double, written, "--opset", "24").status == 0
    assert onnx.load(written).opset_import[0].version == 24


def test_convert_puts_weights_beside(run_model, folder):
    weights = np.arange(2048, dtype=np.float32)
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", 1, [2048])],
        [helper.make_tensor_value_info("y", 1, [2048])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    onnx.save(helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21)]), folder / "m.onnx")
    for when, is_there in [("auto", False), ("never", False), ("always", True)]:
        assert run_model("convert", folder / "m.onnx", folder / "out.onnx", "--external", when).status == 0
        assert (folder / "out.onnx.data").exists() == is_there
        assert np.array_equal(onnx.numpy_helper.to_array(onnx.load(folder / "out.onnx").graph.initializer[0]), weights)


def test_convert_says_what_is_wrong(run_model, double, folder):
    assert "regular file" in run_model("convert", double, folder).error()
    result = run_model("convert", double, folder / "none" / "m.onnx")
    assert result.status == 3 and "No such file" in result.error()
    assert run_model("convert", double).status == 64
    assert run_model("convert", double, folder / "m.onnx", "--opset", "20").status == 64
    assert run_model("convert", double, folder / "m.onnx", "--external", "sometimes").status == 64
    assert not (folder / "m.onnx").exists()
