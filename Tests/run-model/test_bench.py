"""`run-model bench`."""

import json
import math

from onnx import helper


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
