"""`run-model plan`."""

import json

import numpy as np
import onnx
from models import mlp
from onnx import helper


def test_plan(run_model, save):
    report = json.loads(run_model("plan", mlp(save), "--dim", "batch=5", "--json", "--nodes", "--optimization", "0").out)
    assert report["inputs"] == {"x": "float32[5,64]"} and report["outputs"] == {"y": "float32[5,10]"}
    assert report["complete"] and report["peak_bytes"] >= 200 and report["node_count"] == 4
    assert report["nodes"][0] == {"name": "product", "operator": "MatMul", "outputs": ["float32[5,10]"]}
    text = run_model("plan", mlp(save), "--shape", "x=7x64", "--nodes").out
    assert "y  float32[7,10]" in text and "peak memory" in text and "operations" in text


def test_plan_with_values_that_decide_shapes(run_model, save):
    model = save([helper.make_node("Reshape", ["x", "s"], ["y"])], [("x", "f4", [6]), ("s", "i8", [2])], [("y", "f4", None)])
    assert json.loads(run_model("plan", model, "--input", "s=2,3", "--json").out)["outputs"] == {"y": "float32[2,3]"}
    report = json.loads(run_model("plan", model, "--json").out)
    assert report["outputs"] == {"y": None} and not report["complete"]


def planned(run_model, model, *arguments):
    report = json.loads(run_model("plan", model, *arguments, "--json", "--nodes").out)
    del report["inputs"]
    return report


def test_plan_by_value_is_that_by_type(run_model, save, folder):
    model = mlp(save)
    np.save(folder / "x.npy", np.ones((5, 64), "f4"))
    by_type = planned(run_model, model, "--dim", "batch=5")
    assert by_type["complete"] and by_type["node_count"] > 0 and by_type["operations"] > 0
    assert planned(run_model, model, "--input", folder / "x.npy") == by_type
    assert planned(run_model, model, "--input", "ones", "--dim", "batch=5") == by_type


def profiled(run_model, model, *arguments):
    report = json.loads(run_model("profile", model, *arguments, "--runs", "1", "--json").out)
    return sorted((node["operator"], node["name"]) for node in report["nodes"])


def test_plan_by_value_has_the_nodes_of_a_run(run_model, save, folder):
    nodes = [
        helper.make_node("Mul", ["s", "two"], ["t"], "shape"),
        helper.make_node("Abs", ["x"], ["a"], "before"),
        helper.make_node("Reshape", ["a", "t"], ["b"], "reshape"),
        helper.make_node("Exp", ["b"], ["c"], "after"),
        helper.make_node("Shape", ["c"], ["d"], "extents"),
        helper.make_node("Expand", ["one", "d"], ["e"], "expand"),
        helper.make_node("Add", ["c", "e"], ["y"], "sum"),
    ]
    model = save(
        nodes,
        [("x", "f4", [24]), ("s", "i8", [2])],
        [("y", "f4", None)],
        [("two", np.array([2, 2])), ("one", np.ones(1, "f4"))],
    )
    arguments = ["--input", "s=3,2", "--optimization", "0"]
    report = planned(run_model, model, *arguments)
    assert report["complete"] and report["outputs"] == {"y": "float32[6,4]"}
    assert sorted((node["operator"], node["name"]) for node in report["nodes"]) == profiled(run_model, model, *arguments)
    assert planned(run_model, model, *arguments, "--input", "x=ones") == report
    assert not planned(run_model, model, "--optimization", "0")["complete"]
    result = run_model("plan", model, "--input", "s=3,5")
    assert result.status == 3 and "Reshape" in result.error()


def test_plan_of_control_flow_that_values_decide(run_model, save):
    def branch(name, op):
        out = helper.make_tensor_value_info(f"{name}_out", onnx.TensorProto.FLOAT, None)
        return helper.make_graph([helper.make_node(op, ["x"], [f"{name}_out"], name)], name, [], [out])

    nodes = [
        helper.make_node("Equal", ["rate", "known"], ["is"], "equal"),
        helper.make_node("If", ["is"], ["y"], "if", then_branch=branch("then", "Exp"), else_branch=branch("else", "Abs")),
    ]
    model = save(nodes, [("rate", "i8", []), ("x", "f4", [3])], [("y", "f4", None)], [("known", np.array(16000))])
    for rate, taken in [(16000, "then"), (8000, "else")]:
        arguments = ["--input", f"rate={rate}"]
        report = planned(run_model, model, *arguments)
        assert report["complete"] and report["outputs"] == {"y": "float32[3]"}
        names = sorted(node["name"] for node in report["nodes"])
        assert names == sorted(["equal", "if", taken])
        # A run's own plan knows the rate: the branch stands in the place of the If, and nothing reads the condition any more.
        assert [name for _, name in profiled(run_model, model, *arguments)] == [taken]
    # Both branches give the same type, so that no shape depends on which is taken.
    report = planned(run_model, model)
    assert report["complete"] and report["outputs"] == {"y": "float32[3]"}


def test_plan_of_shapes_that_do_not_fit(run_model, save):
    result = run_model("plan", mlp(save), "--shape", "x=7x65")
    assert result.status == 3 and "MatMul" in result.error() or "65" in result.error()


def test_plan_of_huge_shapes_takes_no_memory(run_model, double):
    report = json.loads(run_model("plan", double, "--dim", "batch=1000000000000", "--json").out)
    assert report["peak_bytes"] >= 12_000_000_000_000
