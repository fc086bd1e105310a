"""`run-model check`."""

import json
import math

import numpy as np
import onnx
import pytest


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
