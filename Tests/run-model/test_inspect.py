"""`run-model inspect`."""

import json
import re

from models import endless, mlp
from onnx import helper


def test_inspect(run_model, save):
    out = run_model("inspect", mlp(save)).out
    for part in ["tests", "IR 9, ai.onnx 20", "x  float32[batch,64]", "y  float32[batch,10]", "2  Relu", "1  MatMul", "2.6 kB"]:
        assert part in out, part


def test_inspect_json(run_model, save):
    report = json.loads(run_model("inspect", mlp(save), "--json").out)
    assert report["producer"] == "tests" and report["opsets"] == {"ai.onnx": 20} and report["nodes"] == 4
    assert report["operators"] == {"Relu": 2, "Add": 1, "MatMul": 1}
    assert report["weight_bytes"] == 2600 and report["weight_bytes_by_type"] == {"float32": 2600}
    assert report["weights"][0] == {"name": "w", "element": "float32", "dims": [64, 10], "bytes": 2560}
    assert report["inputs"] == [{"name": "x", "type": "float32[batch,64]"}]


def test_inspect_parts(run_model, save):
    model = mlp(save)
    assert run_model("inspect", model, "--operators").out.split() == ["nodes", "operator", "2", "Relu", "1", "Add", "1", "MatMul"]
    assert run_model("inspect", model, "--weights").out.splitlines()[1].split() == ["2.56", "kB", "float32[64,10]", "w"]
    text = run_model("inspect", model, "--text").out
    assert text.startswith("graph ") and text.rstrip().endswith("}")
    assert re.search(r"MatMul\S*\(%x, %w\) \"product\"", text)
    assert "Relu" in run_model("inspect", model, "--optimized", "--optimization", "0").out


def test_inspect_counts_graphs_inside_nodes(run_model, save):
    report = json.loads(run_model("inspect", endless(save), "--json").out)
    assert report["operators"].get("Loop") == 1 and report["operators"].get("Add") == 1


def test_control_characters_of_a_model_do_not_reach_the_terminal(run_model, save):
    model = save([helper.make_node("Relu", ["\x1b[31mx"], ["y\n"])], [("\x1b[31mx", "f4", [1])], [("y\n", "f4", [1])])
    for result in [run_model("inspect", model), run_model("run", model, "--input", "1"), run_model("run", model)]:
        assert "\x1b" not in result.out + result.err
