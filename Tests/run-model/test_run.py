"""`run-model run`: models, printed and saved outputs, limits, and the ways in which loading and running fail."""

import json
import subprocess

import numpy as np
import onnx
import pytest
from models import endless
from onnx import helper


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


def test_outputs_of_one_file(run_model, save, folder):
    nodes = [helper.make_node("Neg", ["x"], ["y"]), helper.make_node("Abs", ["x"], ["z"])]
    model = save(nodes, [("x", "f4", [2])], [("y", "f4", [2]), ("z", "f4", [2])])
    run = ["run", model, "--input", "1,-2", "-o"]
    assert run_model(*run, f"y={folder}/o.npz", "-o", f"z={folder}/o.npz").out == ""
    with np.load(folder / "o.npz") as saved:
        assert {name: saved[name].tolist() for name in saved.files} == {"y": [-1, 2], "z": [1, 2]}
    for options, word in [
        ([f"y={folder}/a.npy", "-o", f"y={folder}/b.npy"], "twice"),
        ([f"y={folder}/a.npy", "-o", f"z={folder}/a.npy"], "holds several"),
        ([f"y={folder}/a.txt"], ".npy and .npz"),
    ]:
        result = run_model(*run, *options)
        assert result.status == 64 and word in result.error()
    assert [path.name for path in folder.glob("*.n*")] == ["o.npz"]


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
