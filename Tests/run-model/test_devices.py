"""`run-model devices`."""

import json
import os
import re

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
