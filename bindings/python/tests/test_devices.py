"""The list of devices, and sessions on those that are not there."""

import os
import subprocess
import sys

import pytest

import pinion


def test_the_processor_is_the_first_device(add_model, x):
    cpu = pinion.devices()[0]
    assert cpu.name == "cpu" and cpu.why_not == "" and pinion.cpu_isa() in cpu.description
    assert pinion.device_why_not("cpu") == ""
    assert pinion.Session(add_model, device="cpu").run({"x": x})


def run_without_driver(code, **variables):
    """Runs `code` in a process whose driver is a file that is not there."""
    environment = {**os.environ, "PINION_CUDA_DRIVER": "/nowhere/libcuda.so.1", **variables}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout.strip()


def test_without_a_driver_there_is_a_reason():
    out = run_without_driver("import pinion; print(len(pinion.devices())); print(pinion.device_why_not('cuda:0'))")
    count, reason = out.splitlines()
    assert count == "1"
    assert reason.startswith("no NVIDIA driver: PINION_CUDA_DRIVER=/nowhere/libcuda.so.1: ")


def test_a_session_on_a_gpu_is_refused_and_does_not_run_elsewhere(add_model):
    code = f"""
import pinion
try:
    pinion.Session({add_model!r}, device="cuda:0")
except pinion.UnsupportedError as error:
    print(error.message == pinion.device_why_not("cuda:0"))
"""
    assert run_without_driver(code) == "True"


def test_nothing_of_nvidias_is_looked_for_before_somebody_asks(add_model):
    """What the dynamic loader was asked for, as it tells with LD_DEBUG=libs."""

    def looked_for(code):
        code = f"import pinion; {code}"
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PINION_")}
        environment |= {key: value for key, value in os.environ.items() if key == "PINION_LIBRARY"} | {"LD_DEBUG": "libs"}
        process = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert "find library=" in process.stderr
        return [name for name in ("libcuda", "libnvrtc", "libcublasLt") if f"find library={name}." in process.stderr]

    assert looked_for(f"pinion.Session({add_model!r})") == []
    assert "libcuda" in looked_for("pinion.devices()")


@pytest.mark.parametrize("name", ["abacus", "cuda", "cuda:", "cuda:-1", "cuda:01", "cuda:x", "cuda:99999999999999999999", ""])
def test_names_that_no_device_has(add_model, name):
    with pytest.raises(pinion.NotFoundError):
        pinion.Session(add_model, device=name)
    assert "no device of that name" in pinion.device_why_not(name)
