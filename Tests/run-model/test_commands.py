"""Each subcommand on small models, and the ways in which loading and running fail."""

import json
import math
import pathlib
import re
import subprocess

import numpy as np
import onnx
import pytest
from onnx import helper


def test_help_and_version(run_model):
    result = run_model("--help")
    assert result.status == 0
    commands = ["run", "bench", "inspect", "plan", "check", "profile", "generate", "convert", "operators", "devices"]
    for command in commands:
        assert re.search(rf"^  {command} ", result.out, re.M)
        text = run_model(command, "--help")
        assert text.status == 0 and "Example" in text.out and f"run-model {command}" in text.out
    for status in ["0 ", "1 ", "2 ", "3 ", "64 "]:
        assert f"\n  {status}" in result.out
    assert run_model("--version").out.startswith("run-model ")


def test_wrong_command(run_model):
    result = run_model("dance")
    assert result.status == 64 and "did you mean" not in result.error()
    assert "did you mean 'bench'?" in run_model("bnch").error()
    assert "did you mean 'inspect'?" in run_model("insepct", "model.onnx").error()
    assert "run-model inspect model.onnx" in run_model("model.onnx").error()
    assert run_model("run").status == 64


def test_wrong_option(run_model, double):
    result = run_model("run", double, "--theads", "2")
    assert result.status == 64 and "--threads" in result.error()


# Loading


def test_a_model_from_standard_input(run_model, double, folder):
    whole = run_model("run", double, "--input", "1,2,3").out
    with double.open("rb") as file:
        assert run_model("run", "-", "--input", "1,2,3", stdin=file).out == whole
    for data, status in [(double.read_bytes(), 0), (b"", 2), (double.read_bytes()[:-20], 2), (bytes(3 << 20), 2)]:
        (folder / "piped").write_bytes(data)
        with subprocess.Popen(["cat", folder / "piped"], stdout=subprocess.PIPE) as cat:
            result = run_model("run", "-", "--input", "1,2,3", stdin=cat.stdout)
        assert result.status == status
        assert result.out == whole if status == 0 else "standard input" in result.error()


def test_messages_name_a_path_once(run_model, folder):
    assert run_model("inspect", folder / "none.onnx").error().count("none.onnx") == 1


def test_missing_and_damaged_models(run_model, folder, double):
    result = run_model("run", folder / "none.onnx")
    assert result.status == 2 and "No such file" in result.error()
    (folder / "empty.onnx").touch()
    assert run_model("inspect", folder / "empty.onnx").status == 2
    (folder / "random.onnx").write_bytes(bytes(range(256)) * 8)
    (folder / "cut.onnx").write_bytes(double.read_bytes()[:-20])
    for command in ["run", "bench", "inspect", "plan", "profile"]:
        for name in ["random.onnx", "cut.onnx"]:
            result = run_model(command, folder / name)
            assert result.status == 2 and name in result.error()
    assert run_model("inspect", folder).status == 2


def test_external_data_elsewhere(run_model, save, folder):
    made = onnx.load(save([helper.make_node("Add", ["x", "b"], ["y"])], [("x", "f4", [2])], [("y", "f4", [2])], [("b", np.ones(2, "f4"))]))
    (folder / "data").mkdir()
    onnx.save(made, folder / "data" / "far.onnx", save_as_external_data=True, location="b.bin", size_threshold=0)
    (folder / "data" / "far.onnx").rename(folder / "far.onnx")
    result = run_model("run", folder / "far.onnx", "--input", "x=[1,2]")
    assert result.status == 2 and "No such file" in result.error()
    result = run_model("run", folder / "far.onnx", "--external-data", folder / "data", "--input", "x=[1,2]")
    assert result.status == 0 and "  2 3\n" in result.out
    (folder / "b.bin").symlink_to(folder / "data" / "b.bin")
    assert run_model("inspect", folder / "far.onnx").status == 0
    (folder / "model").mkdir()
    (folder / "far.onnx").rename(folder / "model" / "far.onnx")
    (folder / "model" / "b.bin").symlink_to("../data/b.bin")
    result = run_model("inspect", folder / "model" / "far.onnx")
    assert result.status == 2 and "--external-data" in result.error()


def test_all_unsupported_operators_are_listed(run_model, save):
    nodes = [
        helper.make_node("Frobnicate", ["x"], ["a"], "first", domain="strange"),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Twiddle", ["b"], ["y"], "second", domain="strange"),
    ]
    model = save(nodes, [("x", "f4", [1])], [("y", "f4", [1])], domains=["strange"])
    for command in ["inspect", "run"]:
        result = run_model(command, model)
        assert result.status == 2 and "2 nodes are not supported" in result.error()
        lines = result.err.splitlines()
        assert len(lines) == 3
        assert "first" in lines[1] and "strange::Frobnicate" in lines[1]
        assert "second" in lines[2] and "strange::Twiddle" in lines[2]


# run


def test_print_limit_and_nan(run_model, save):
    model = save([helper.make_node("Sqrt", ["x"], ["y"])], [("x", "f4", [4])], [("y", "f4", [4])])
    assert run_model("run", model, "--input", "4,9,-1,16", "--print-limit", "2").out == (
        "y  float32[4]  min 2  mean 3  max 4  1 NaN\n  2 3 … 2 more\n"
    )
    assert run_model("run", model, "--input", "4,9,16,25", "--print-limit", "0").out == "y  float32[4]  min 2  mean 3.5  max 5\n"


def test_sequences_are_printed(run_model, save):
    sequence = helper.make_tensor_sequence_value_info("y", onnx.TensorProto.FLOAT, None)
    model = save([helper.make_node("SequenceConstruct", ["x", "x"], ["y"])], [("x", "f4", [2])], [sequence])
    result = run_model("run", model, "--input", "1,2")
    assert result.out.splitlines()[0].startswith("y  sequence of 2")
    assert result.out.count("float32[2]  min 1  mean 1.5  max 2") == 2
    result = run_model("run", model, "--input", "1,2", "--output", "y=y.npy")
    assert result.status == 3 and "no .npy file holds" in result.error()


def test_json_of_a_run(run_model, save, folder):
    model = save(
        [helper.make_node("Div", ["x", "z"], ["q"]), helper.make_node("Cast", ["x"], ["i"], to=onnx.TensorProto.INT64),
         helper.make_node("Greater", ["x", "z"], ["g"]), helper.make_node("Cast", ["g"], ["t"], to=onnx.TensorProto.STRING),
         helper.make_node("SequenceConstruct", ["i", "i"], ["s"])],
        [("x", "f4", [4]), ("z", "f4", [4])],
        [("q", "f4", [4]), ("i", "i8", [4]), ("g", "?", [4]),
         helper.make_tensor_value_info("t", onnx.TensorProto.STRING, [4]),
         helper.make_tensor_sequence_value_info("s", onnx.TensorProto.INT64, None)],
    )  # fmt: skip
    arguments = ["run", model, "--input", "x=1,-1,0,9007199254740992", "--input", "z=0,0,0,10", "--json"]
    report = json.loads(run_model(*arguments).out)
    values = {output["name"]: output["value"] for output in report["outputs"]}
    assert report["model"] == str(model) and list(values) == ["q", "i", "g", "t", "s"]
    assert np.float32(values["q"]["data"][3]) == np.float32(9007199254740992) / np.float32(10)
    data = ["Infinity", "-Infinity", "NaN", values["q"]["data"][3]]
    assert values["q"] == {"kind": "tensor", "element": "float32", "dims": [4], "data": data}
    assert values["i"]["data"] == [1, -1, 0, 9007199254740992]
    assert values["g"]["data"] == [True, False, False, True]
    assert all(type(text) is str for text in values["t"]["data"])
    assert values["s"] == {"kind": "sequence", "of": "int64[...]", "values": [values["i"]] * 2} | {"of": values["s"]["of"]}
    saved = json.loads(run_model(*arguments, "-o", f"q={folder}/q.npy").out)["outputs"]
    assert saved[0] == {"name": "q", "type": "float32[4]", "file": f"{folder}/q.npy"} and "value" in saved[1]
    assert run_model(*arguments, "--top-k", "1").status == 64


def test_sequences_and_maps_are_saved(run_model, save, folder):
    maps = onnx.helper.make_map_type_proto(onnx.TensorProto.INT64, helper.make_tensor_type_proto(onnx.TensorProto.FLOAT, []))
    model = save(
        [helper.make_node("SequenceConstruct", ["x", "x"], ["s"]),
         helper.make_node("ZipMap", ["x"], ["m"], domain="ai.onnx.ml", classlabels_int64s=[7, 5, 3])],
        [("x", "f4", [1, 3])],
        [helper.make_tensor_sequence_value_info("s", onnx.TensorProto.FLOAT, None),
         onnx.helper.make_value_info("m", helper.make_sequence_type_proto(maps))],
        domains=["ai.onnx.ml"],
    )  # fmt: skip
    assert run_model("run", model, "--input", "1,2,3", "--outputs", folder / "all.npz").status == 0
    with np.load(folder / "all.npz") as saved:
        assert sorted(saved.files) == ["m/0/keys", "m/0/values", "s/0", "s/1"]
        np.testing.assert_array_equal(saved["s/1"], [[1, 2, 3]])
        np.testing.assert_array_equal(saved["m/0/keys"], [7, 5, 3])
        np.testing.assert_array_equal(saved["m/0/values"], [1, 2, 3])
    assert run_model("run", model, "--input", "1,2,3", "-o", f"s={folder}/s.npz").status == 0
    with np.load(folder / "s.npz") as saved:
        assert sorted(saved.files) == ["s/0", "s/1"]
    result = run_model("run", model, "--input", "1,2,3", "-o", f"s={folder}/s.npy")
    assert result.status == 3 and "a .npz file does" in result.error()


def test_top_k(run_model, identity, folder):
    (folder / "labels.txt").write_text("cat\ndog\nbird\n")
    model = identity("f4", ["n", 4])
    arguments = ["run", model, "--input", "1,3,2,0", "--top-k", "2", "--labels", folder / "labels.txt"]
    assert run_model(*arguments).out == "y  top 2 of 4\n             3  dog\n             2  bird\n"
    weights = np.exp([1, 3, 2, 0])
    share = 100 * weights / weights.sum()
    assert run_model(*arguments, "--softmax").out == f"y  top 2 of 4\n        {share[1]:.1f} %  dog\n        {share[2]:.1f} %  bird\n"
    result = run_model("run", model, "--input", "[[0,0,0,9],[1,0,0,0]]", "--top-k", "1")
    assert result.out == "y  top 1 of 4, row 0\n             9  class 3\ny  top 1 of 4, row 1\n             1  class 0\n"
    assert run_model(*arguments[:-1], folder / "none.txt").status == 3


@pytest.mark.parametrize("dims", [[1, 4, 1, 1], [1, 1, 4], [4], [1, 4]])
def test_top_k_finds_the_classes(run_model, identity, dims):
    result = run_model("run", identity("f4", dims), "--input", "1,3,2,0", "--top-k", "2")
    assert result.out == "y  top 2 of 4\n             3  class 1\n             2  class 2\n"


def test_top_k_of_few_elements(run_model, identity, save):
    # The first of several axes is the batch, however long.
    result = run_model("run", identity("f4", [3, 1]), "--input", "1,3,2", "--top-k", "2")
    assert result.out.splitlines() == [line for row, x in enumerate("132") for line in [f"y  top 1 of 1, row {row}", f"             {x}  class 0"]]
    assert run_model("run", identity("f4", []), "--input", "5", "--top-k", "2").out == "y  top 1 of 1\n             5  class 0\n"
    for element, dims, text in [("f4", [0, 3], None), ("?", [1, 2], "true,false")]:
        result = run_model("run", identity(element, dims), "--input", text or "zeros", "--top-k", "2")
        assert result.status == 0 and result.out == "" and "there is no top 2" in result.err


def endless(save):
    """A Loop that counts as far as it is told, by a body that never says stop."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Add", ["sum", "one"], ["next"])],
        "body",
        [
            helper.make_tensor_value_info("i", onnx.TensorProto.INT64, []),
            helper.make_tensor_value_info("go", onnx.TensorProto.BOOL, []),
            helper.make_tensor_value_info("sum", onnx.TensorProto.FLOAT, []),
        ],
        [
            helper.make_tensor_value_info("go_on", onnx.TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", onnx.TensorProto.FLOAT, []),
        ],
        [onnx.numpy_helper.from_array(np.array(1, "f4"), "one")],
    )
    return save(
        [helper.make_node("Loop", ["", "go", "x"], ["y"], body=body)],
        [("go", "?", []), ("x", "f4", [])],
        [("y", "f4", [])],
    )


def test_timeout(run_model, save):
    result = run_model("run", endless(save), "--input", "go=true", "--input", "x=0", "--timeout", "0.2")
    assert result.status == 3 and "deadline" in result.error()


def test_byte_budget(run_model, save):
    model = save([helper.make_node("Expand", ["x", "n"], ["y"])], [("x", "f4", [1]), ("n", "i8", [1])], [("y", "f4", None)])
    arguments = ["run", model, "--input", "x=1", "--input", "n=1000000"]
    assert run_model(*arguments, "--byte-budget", "100MB").status == 0
    result = run_model(*arguments, "--byte-budget", "1MiB")
    assert result.status == 3 and "budget" in result.error()


def test_a_run_that_fails_says_where(run_model, save):
    model = save([helper.make_node("Gather", ["x", "i"], ["y"], "pick")], [("x", "f4", [3]), ("i", "i8", [1])], [("y", "f4", [1])])
    result = run_model("run", model, "--input", "x=1,2,3", "--input", "i=7")
    assert result.status == 3 and "pick" in result.error() and "Gather" in result.error()


def test_wrong_shape(run_model, double, folder):
    np.save(folder / "x.npy", np.zeros((2, 4), "f4"))
    result = run_model("run", double, "--input", f"x={folder}/x.npy")
    assert result.status == 3 and "expected float32[batch,3]" in result.error()


def test_outputs_that_cannot_be_written(run_model, double, folder):
    for option in [["--output", f"y={folder}/none/y.npy"], ["--outputs", f"{folder}/none/y.npz"]]:
        result = run_model("run", double, "--input", "1,2,3", *option)
        assert result.status == 3 and "cannot write" in result.error()


def test_levels_of_optimization_and_threads_agree(run_model, double):
    texts = {
        run_model("run", double, "--input", "1,2,3", "--optimization", level, "--threads", threads).out
        for level in [0, 1, 2]
        for threads in [1, 2, 3]
    }
    assert len(texts) == 1


# bench


def test_bench(run_model, double):
    result = run_model("bench", double, "--warmup", "0", "--runs", "20")
    assert result.status == 0
    for word in ["load", "prepare", "plan", "first run", "latency", "median", "p90", "p99", "runs/s", "memory"]:
        assert word in result.out
    assert "\r" not in result.err and "20 in" in result.out


def test_bench_json(run_model, double):
    result = run_model("bench", double, "--dim", "batch=4", "--duration", "0.1", "--threads", "1", "--json")
    report = json.loads(result.out)
    latency = report["latency_ns"]
    assert 0 < latency["min"] <= latency["p50"] == latency["median"] <= latency["p90"] <= latency["p99"]
    assert math.isclose(report["runs_per_second"], 1e9 / latency["mean"])
    bins = report["histogram"]
    assert sum(bin["runs"] for bin in bins) == report["runs"] and bins[0]["from_ns"] == latency["min"]
    assert all(a["to_ns"] <= b["from_ns"] * (1 + 1e-9) for a, b in zip(bins, bins[1:]))
    assert report["threads"] == 1 and report["runs"] > 10 and report["peak_bytes"] > 1_000_000
    assert report["inputs"] == [{"name": "x", "type": "float32[4,3]", "source": "random"}]
    assert all(report[key] > 0 for key in ["load_ns", "prepare_ns", "plan_ns", "first_run_ns"])


def test_bench_prepares(run_model, double):
    arguments = ["bench", double, "--dim", "batch=4", "--warmup", "0", "--runs", "3"]
    assert "prepared" in run_model(*arguments, "--prepare").out
    assert json.loads(run_model(*arguments, "--prepare", "--json").out)["prepared_ns"] > 0
    assert json.loads(run_model(*arguments, "--json").out)["prepared_ns"] is None


def test_bench_of_several_streams(run_model, double):
    result = run_model("bench", double, "--streams", "3", "--warmup", "0", "--runs", "20", "--threads", "1", "--json")
    report = json.loads(result.out)
    assert report["streams"] == 3 and report["runs"] == 60
    text = run_model("bench", double, "--streams", "2", "--warmup", "0", "--runs", "10", "--histogram")
    assert "20 in" in text.out and "2 at a time" in text.out
    lines = [line.split() for line in text.out.splitlines() if line.startswith("  from ") or line.startswith("  over ")]
    assert sum(int(line[3]) for line in lines) == 20 and any("#" in line[-1] for line in lines)
    assert run_model("bench", double, "--streams", "0").status == 64


def test_bench_does_not_measure_single_pixels_unasked(run_model, save):
    model = save([helper.make_node("Relu", ["x"], ["y"])], [("x", "f4", ["n", 3, "h", "w"])], [("y", "f4", ["n", 3, "h", "w"])])
    options = ["--warmup", "0", "--runs", "2"]
    refused = run_model("bench", model, *options)
    assert refused.status == 64 and "one pixel" in refused.error() and "--yes" in refused.error()
    assert run_model("bench", model, *options, "--yes").status == 0
    assert run_model("bench", model, *options, "--dim", "h=4", "--dim", "w=5").status == 0


def test_bench_of_outputs_without_fixed_memory(run_model, save):
    model = save([helper.make_node("NonZero", ["x"], ["y"])], [("x", "f4", [3])], [("y", "i8", [1, "n"])])
    assert run_model("bench", model, "--warmup", "0", "--runs", "3", "--input", "x=1,0,2").status == 0


# inspect


def mlp(save):
    return save(
        [
            helper.make_node("MatMul", ["x", "w"], ["h"], "product"),
            helper.make_node("Add", ["h", "b"], ["s"], "bias"),
            helper.make_node("Relu", ["s"], ["r"], "first"),
            helper.make_node("Relu", ["r"], ["y"], "second"),
        ],
        [("x", "f4", ["batch", 64])],
        [("y", "f4", ["batch", 10])],
        [("w", np.ones((64, 10), "f4")), ("b", np.ones(10, "f4"))],
    )


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


# plan


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
    assert not planned(run_model, model)["complete"]


def test_plan_of_shapes_that_do_not_fit(run_model, save):
    result = run_model("plan", mlp(save), "--shape", "x=7x65")
    assert result.status == 3 and "MatMul" in result.error() or "65" in result.error()


def test_plan_of_huge_shapes_takes_no_memory(run_model, double):
    report = json.loads(run_model("plan", double, "--dim", "batch=1000000000000", "--json").out)
    assert report["peak_bytes"] >= 12_000_000_000_000


# check


def test_check_npz(run_model, double, folder):
    x = np.array([[1, 2, 3]], "f4")
    np.savez(folder / "x.npz", x=x)
    np.savez(folder / "y.npz", y=2 * x)
    arguments = ["check", double, "--inputs", folder / "x.npz", "--expected", folder / "y.npz"]
    result = run_model(*arguments)
    assert result.status == 0 and result.out == "  ok     y  float32[1,3]  equal\n"
    np.savez(folder / "y.npz", y=2 * x + np.array([[0, 0.01, 0]], "f4"))
    result = run_model(*arguments)
    assert result.status == 1 and "WRONG  y" in result.out and "1 of 3 beyond the tolerance, the worst at 1: 4, expected 4.01" in result.out
    assert run_model(*arguments, "--rtol", "0.01").status == 0
    assert run_model(*arguments, "--atol", "0.02", "--rtol", "0").status == 0
    assert run_model(*arguments, "--atol", "0.005", "--rtol", "0").status == 1


def test_check_json(run_model, double, folder):
    np.savez(folder / "y.npz", y=np.array([[2, 4, 6.5]], "f4"))
    result = run_model("check", double, "--input", "1,2,3", "--expected", folder / "y.npz", "--json")
    report = json.loads(result.out)
    assert result.status == 1 and report["right"] is False and report["rtol"] == 1e-3
    [case] = report["sets"]
    [output] = case["outputs"]
    assert case["folder"] is None and (output["name"], output["right"], output["beyond_tolerance"]) == ("y", False, 1)
    assert output["worst_error"] == 0.5 and math.isclose(output["worst_relative_error"], 0.5 / 6.5)
    result = run_model("check", double, "--input", "1,2,3.25", "--expected", folder / "y.npz", "--json")
    assert result.status == 0 and json.loads(result.out)["right"] is True
    result = run_model("check", double, "--input", "1,2,inf", "--expected", folder / "y.npz", "--json")
    assert json.loads(result.out)["sets"][0]["outputs"][0]["worst_error"] == "Infinity"


def test_check_names_an_element_that_violates(run_model, double, folder):
    # The first element is furthest from what is expected, and within 1e-3 of it; the second is 0.001 from 0.
    np.savez(folder / "y.npz", y=np.array([[200, 0, 2]], "f4"))
    result = run_model("check", double, "--input", "100.05,0.0005,1", "--expected", folder / "y.npz")
    assert result.status == 1
    assert "worst error 0.1, relative 0.0005" in result.out
    assert "1 of 3 beyond the tolerance, the worst at 1: 0.001" in result.out and result.out.rstrip().endswith("expected 0")


@pytest.mark.parametrize("expected", [np.zeros((1, 4)), np.zeros((3,)), np.array([[1, np.nan, 3]]), np.full((1, 3), np.inf)])
def test_check_finds_shapes_nan_and_infinities(run_model, double, folder, expected):
    np.savez(folder / "y.npz", y=expected.astype("f4"))
    result = run_model("check", double, "--input", "0.5,1,1.5", "--expected", folder / "y.npz")
    assert result.status == 1 and "WRONG" in result.out


def test_check_takes_nan_for_nan(run_model, double, folder):
    np.savez(folder / "y.npz", y=np.array([[np.nan, np.inf, -np.inf]], "f4"))
    assert run_model("check", double, "--input", "nan,inf,-inf", "--expected", folder / "y.npz").status == 0


def test_check_data_sets(run_model, double, folder):
    for index, expected in enumerate([[2, 4, 6], [2, 4, 7]]):
        data = folder / f"test_data_set_{index}"
        data.mkdir()
        for name, values in [("input_0.pb", [1, 2, 3]), ("output_0.pb", expected)]:
            (data / name).write_bytes(onnx.numpy_helper.from_array(np.array([values], "f4")).SerializeToString())
    result = run_model("check", double, "--data", folder)
    assert result.status == 1
    assert [line.split()[0] for line in result.out.splitlines() if line.startswith(" ")] == ["ok", "WRONG"]
    assert run_model("check", double, "--data", folder / "test_data_set_0").status == 0
    (folder / "test_data_set_0" / "input_0.pb").write_bytes(b"\xff")
    assert run_model("check", double, "--data", folder / "test_data_set_0").status == 3


def test_check_of_nothing(run_model, double, folder):
    assert run_model("check", double).status == 64
    assert run_model("check", double, "--data", folder).status == 3
    assert run_model("check", double, "--data", folder / "none").status == 3
    np.savez(folder / "y.npz", z=np.zeros(1))
    result = run_model("check", double, "--input", "1,2,3", "--expected", folder / "y.npz")
    assert result.status == 3 and "no output" in result.error()


# profile


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


# operators


def test_operators(run_model):
    out = run_model("operators").out
    count = int(out.split()[0])
    lines = [line.split() for line in out.splitlines() if line.startswith("  ")]
    entries = [line for line in lines if line[0] != "version"]
    assert len(entries) == count > 150 and "ai.onnx" in out.splitlines()
    assert ["22", "Conv"] in entries
    newest = {schema.name: schema.since_version for schema in onnx.defs.get_all_schemas() if schema.domain == ""}
    listed = out.split("\nai.onnx\n")[1].split("\n\n")[0]
    for line in listed.splitlines()[1:]:
        version, name = line.split()
        # This one is onnxruntime's, which put it into the standard's domain.
        assert name == "SimplifiedLayerNormalization" or int(version) <= newest[name]


def test_operators_as_a_page(run_model):
    out = run_model("operators", "--markdown").out
    assert out.startswith("# Operators\n") and "\n## ai.onnx: " in out
    assert re.search(r"^\| Conv \| 22 \| X, W, B\? \| Y \|$", out, re.M)
    page = pathlib.Path(__file__).parents[2] / "Documentation/Operators.md"
    assert out == page.read_text(), "Documentation/Operators.md is not what `run-model operators --markdown` prints"


# Writing


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
    assert result.status == 2 and "No such file" in result.error()
    assert run_model("convert", double).status == 64
    assert run_model("convert", double, folder / "m.onnx", "--opset", "20").status == 64
    assert run_model("convert", double, folder / "m.onnx", "--external", "sometimes").status == 64
    assert not (folder / "m.onnx").exists()
