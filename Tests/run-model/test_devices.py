"""`run-model devices`."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import numpy as np
import onnx
import pytest

#: No driver here, whatever the machine has.
NOWHERE = {**os.environ, "PINION_CUDA_DRIVER": "/nowhere/libcuda.so.1"}


def processor_flags():
    with open("/proc/cpuinfo") as file:
        return next(line.split(":")[1].split() for line in file if line.startswith("flags"))


def test_the_processor_is_first(run_model):
    result = run_model("devices", env=NOWHERE)
    assert result.status == 0
    first, kernels, features, *_ = result.out.splitlines()
    assert first.startswith("cpu ") and f", {len(os.sched_getaffinity(0))} processors" in kernels.replace("1 processor", "1 processors")
    assert re.search(r"kernels for (scalar|avx2|avx512)", kernels)
    assert ("avx2" in features.split()) == ("avx2" in processor_flags())
    assert re.search(r"^no GPU: .*libcuda", result.out, re.M)


def test_devices_as_json(run_model):
    report = json.loads(run_model("devices", "--json", env=NOWHERE).out)
    assert ("fma" in report["cpu"]["features"]) == ("fma" in processor_flags())
    assert report["gpus"] == [] and "libcuda" in report["why_no_gpu"]
    assert all(size > 0 for size in report["cpu"]["caches"].values())


@pytest.fixture(scope="session")
def with_fake_driver(run_model, tmp_path_factory):
    """Runs the command with a driver, and a compiler of kernels, that do everything on the processor."""
    if shutil.which("clang++") is None:
        pytest.skip("clang++ makes the fake driver")
    root = pathlib.Path(__file__).parents[2]
    library = tmp_path_factory.mktemp("fake-cuda") / "libcuda.so.1"
    sources = sorted((root / "Tests/FakeCUDA").glob("*.cpp"))
    options = ["-std=c++17", "-O0", "-fPIC", "-shared", f"-I{root}/Sources/CCUDA/include"]
    subprocess.run(["clang++", *options, *map(str, sources), "-o", str(library)], check=True)

    def run(*arguments, **variables):
        files = {"PINION_CUDA_DRIVER": str(library), "PINION_NVRTC": str(library)}
        return run_model(*arguments, env={**os.environ, **files, **variables})

    return run


def test_gpus_are_listed_with_capability_and_memory(with_fake_driver):
    lines = with_fake_driver("devices", FAKE_DEVICES="2", FAKE_CAPABILITY="89").out.splitlines()
    for ordinal in (0, 1):
        place = lines.index(f"cuda:{ordinal}  Fake GPU {ordinal}, compute capability 8.9, 4 multiprocessors, 0.2 GiB")
        assert f"finds cuda:{ordinal} (Fake GPU {ordinal}) but does not run models on it yet" in lines[place + 1]
    assert not any(line.startswith("no GPU") for line in lines)
    report = json.loads(with_fake_driver("devices", "--json").out)
    assert [gpu["name"] for gpu in report["gpus"]] == ["cuda:0"] and report["why_no_gpu"] is None
    assert "does not run models on it yet" in report["gpus"][0]["why_not"]


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"FAKE_DEVICES": "0"}, "no GPU: the NVIDIA driver finds no GPU"),
        (
            {"FAKE_VERSION": "11040"},
            "no GPU: the NVIDIA driver is too old: it is for CUDA 11.4, Pinion needs one for CUDA 12.0 or later",
        ),
        ({"FAKE_CAPABILITY": "61"}, "not usable: Fake GPU 0 has compute capability 6.1, Pinion needs 7.5 or later"),
        (
            {"PINION_NVRTC": "/nowhere/libnvrtc.so.13"},
            "not usable: NVRTC, which compiles the kernels, was not found: PINION_NVRTC=/nowhere/libnvrtc.so.13",
        ),
    ],
)
def test_why_a_gpu_is_not_usable(with_fake_driver, variables, sentence):
    result = with_fake_driver("devices", **variables)
    assert result.status == 0
    assert any(line.strip().startswith(sentence) for line in result.out.splitlines()), result.out


def test_a_session_on_a_gpu_ends_with_the_sentence(with_fake_driver, save):
    model = save([onnx.helper.make_node("Relu", ["x"], ["y"])], [("x", np.float32, [2])], [("y", np.float32, [2])])
    result = with_fake_driver("run", model, "--device", "cuda:0")
    assert result.status != 0 and not result.out
    assert "does not run models on it yet" in result.error()
