"""`run-model profile`."""

import json

import numpy as np
import onnx
from models import mlp
from onnx import helper


def test_profile(run_model, save, folder):
    model = mlp(save)
    arguments = ["profile", model, "--dim", "batch=8", "--runs", "4", "--optimization", "0"]
    result = run_model(*arguments, "--trace", folder / "trace.json")
    assert result.status == 0
    for word in ["product", "bias", "MatMul", "share", "%"]:
        assert word in result.out
    trace = json.loads((folder / "trace.json").read_text())["traceEvents"]
    assert [event["name"] for event in trace] == ["product", "bias", "first", "second"]
    assert all(event["ph"] == "X" and event["dur"] >= 0 for event in trace)
    assert all(a["ts"] + a["dur"] <= b["ts"] + 0.002 for a, b in zip(trace, trace[1:]))
    report = json.loads(run_model(*arguments, "--json").out)
    assert report["runs"] == 4 and {node["name"]: node["calls"] for node in report["nodes"]} == dict.fromkeys(
        ["product", "bias", "first", "second"], 4
    )
    assert "3 more" in run_model(*arguments, "--nodes", "1").out


def test_profile_of_work(run_model, save, folder):
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"], "product"),
        helper.make_node("Conv", ["image", "k"], ["b"], "windows"),
        helper.make_node("Exp", ["a"], ["c"], "<exp>"),
    ]
    model = save(
        nodes,
        [("x", "f4", [6, 16]), ("image", "f4", [1, 3, 9, 9])],
        [("c", "f4", None), ("b", "f4", None)],
        [("w", np.ones((16, 5), "f4")), ("k", np.ones((4, 3, 2, 2), "f4"))],
    )
    arguments = ["profile", model, "--runs", "3", "--optimization", "0"]
    report = json.loads(run_model(*arguments, "--json").out)
    work = {node["name"]: (node["operations"] / 3, node["bytes"] / 3, node["element"]) for node in report["nodes"]}
    assert work["product"] == (2 * 6 * 16 * 5, 4 * (6 * 16 + 16 * 5 + 6 * 5), "float32")
    assert work["windows"] == (2 * 64 * 4 * 3 * 4, 4 * (3 * 81 + 48 + 4 * 64), "float32")
    assert work["<exp>"] == (30, 4 * 60, "float32")
    kernels = {node["name"]: node["kernel"] for node in report["nodes"]}
    assert kernels["product"] == "product, B packed" and kernels["windows"] == "product of windows"
    assert report["total_ns"] == sum(node["own_ns"] for node in report["nodes"])
    assert report["total_ns"] + report["between_ns"] == report["run_ns"]

    out = run_model(*arguments, "--html", folder / "page.html").out
    for word in ["between", "GFLOP/s", "GB/s", "of peak", "product of windows"]:
        assert word in out
    page = (folder / "page.html").read_text()
    assert page.count("<rect class=\"box\"") == 3 and page.count("<path class=\"edge\"") == 1
    assert "&lt;exp&gt;" in page and "<exp>" not in page and "http" not in page
    assert run_model("profile", model, "--html", folder / "none" / "page.html").status == 3


def test_profile_counts_a_loop_once(run_model, save):
    body = helper.make_graph(
        [helper.make_node("Exp", ["state"], ["next"], "inside"), helper.make_node("Identity", ["go"], ["on"])],
        "body",
        [
            helper.make_tensor_value_info("i", onnx.TensorProto.INT64, []),
            helper.make_tensor_value_info("go", onnx.TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", onnx.TensorProto.FLOAT, [3]),
        ],
        [helper.make_tensor_value_info("on", onnx.TensorProto.BOOL, []), helper.make_tensor_value_info("next", onnx.TensorProto.FLOAT, [3])],
    )
    model = save(
        [helper.make_node("Loop", ["times", "", "x"], ["y"], "loop", body=body)], [("x", "f4", [3])], [("y", "f4", None)], [("times", np.array(5))]
    )
    report = json.loads(run_model("profile", model, "--runs", "2", "--json").out)
    nodes = {node["name"]: node for node in report["nodes"]}
    assert report["runs"] == 2 and nodes["inside"]["calls"] == 10 and nodes["loop"]["calls"] == 2
    assert nodes["loop"]["ns"] >= nodes["loop"]["own_ns"] + nodes["inside"]["ns"]
    assert report["total_ns"] == sum(node["own_ns"] for node in report["nodes"]) <= report["run_ns"]
