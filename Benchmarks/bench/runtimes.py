"""The runtimes that are compared, each as a function that loads a model and gives what makes callers of it, all with the same inputs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Inputs = Mapping[str, Any]
Run = Callable[[], Any]
# A caller has what it needs for itself alone, so that several may run at once.
MakeCaller = Callable[[], Run]


def load_pinion(path: str, threads: int, inputs: Inputs) -> MakeCaller:
    import pinion

    session = pinion.Session(path, threads=threads)
    feeds = {name: inputs[name] for name in session.input_names if name in inputs}
    return lambda: lambda: session.run(feeds)


def load_onnxruntime(path: str, threads: int, inputs: Inputs) -> MakeCaller:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 4
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = {info.name for info in session.get_inputs()}
    feeds = {name: value for name, value in inputs.items() if name in names}
    return lambda: lambda: session.run(None, feeds)


def load_openvino(path: str, threads: int, inputs: Inputs) -> MakeCaller:
    """In float32: without the hint it would take a narrower type where the processor has one, and say nothing."""
    import openvino

    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    model = core.compile_model(core.read_model(path), "CPU", settings)
    feeds: dict[Any, Any] = {}
    for port in model.inputs:
        for name in port.get_names():
            if name in inputs:
                value = inputs[name]
                feeds[port] = value if value.dtype.kind in "OUS" else openvino.Tensor(np.ascontiguousarray(value))
    ports = list(model.outputs)

    def caller() -> Run:
        request = model.create_infer_request()

        def run() -> list[Any]:
            results = request.infer(feeds)
            return [np.asarray(results[port]) for port in ports]

        return run

    return caller


LOADERS: dict[str, Callable[[str, int, Inputs], MakeCaller]] = {
    "pinion": load_pinion,
    "onnxruntime": load_onnxruntime,
    "openvino": load_openvino,
}


def versions(runtimes: list[str]) -> dict[str, str]:
    import importlib

    found = {}
    for name in runtimes:
        module = importlib.import_module(name)
        found[name] = str(getattr(module, "__version__", "?"))
    return found


def read_inputs(folder: str) -> dict[str, Any]:
    with np.load(os.path.join(folder, "inputs.npz"), allow_pickle=True) as file:
        return {name: file[name] for name in file.files}


def peak_bytes() -> int:
    """The most memory that this process has held."""
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
