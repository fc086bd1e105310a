#!/usr/bin/env python3
"""The kernels that take most of the time of a folder's models, and what share of the machine's limit each reaches.

    python3 Benchmarks/heaviest.py FOLDER [--run-model .build/release/run-model] [--only REGEX] [--count 20] [--least 0.05]

FOLDER holds NAME/model.onnx and NAME/inputs.npz. Each model is profiled for at least so many seconds, on one thread, and counts the same: a
kernel's weight is the sum of its shares of the models' times. Its limit is the time that its arithmetic takes at the machine's peak for the
element type, or its bytes from memory, whichever is longer; operands that lie in a cache may be faster than that.
"""

import argparse
import collections
import json
import pathlib
import re
import subprocess

UNITS = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def machine(run_model, model, inputs):
    """Operations a second in float32, those on bytes, and bytes a second from memory, as `run-model profile` measures them."""
    text = subprocess.run([run_model, "profile", model, "--inputs", inputs, "--runs", "1"], check=True, capture_output=True, text=True).stdout
    found = re.search(r"one thread: ([\d.]+) ([kMGT]) float32 operations/s, of bytes ([\d.]+); ([\d.]+) ([kMGT])B/s", text)
    if not found:
        raise SystemExit("run-model profile says nothing of the machine")
    unit = UNITS[found[2]]
    return float(found[1]) * unit, float(found[3]) * unit, float(found[4]) * UNITS[found[5]]


def profile(run_model, folder, least):
    """The nodes of a model's profile, or None where it cannot be run."""
    command = [run_model, "profile", str(folder / "model.onnx"), "--inputs", str(folder / "inputs.npz"), "--json", "--runs"]
    first = subprocess.run([*command, "1"], capture_output=True, text=True)
    if first.returncode:
        return None
    runs = max(int(least * 1e9 / max(json.loads(first.stdout)["run_ns"], 1)), 3)
    return json.loads(subprocess.run([*command, str(min(runs, 1000))], check=True, capture_output=True, text=True).stdout)["nodes"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--run-model", default=str(pathlib.Path(__file__).parent.parent / ".build/release/run-model"))
    parser.add_argument("--only", default="")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--least", type=float, default=0.05, metavar="SECONDS")
    arguments = parser.parse_args()
    folders = sorted(path.parent for path in arguments.folder.glob("*/model.onnx") if re.search(arguments.only, path.parent.name))
    peak = None
    weights, limits, models = collections.Counter(), collections.Counter(), collections.defaultdict(collections.Counter)
    counted = 0
    for folder in folders:
        nodes = profile(arguments.run_model, folder, arguments.least)
        total = sum(node["own_ns"] for node in nodes or [])
        if not total:
            print(f"{folder.name}: no profile")
            continue
        peak = peak or machine(arguments.run_model, str(folder / "model.onnx"), str(folder / "inputs.npz"))
        counted += 1
        for node in nodes:
            kernel = (node["operator"].rpartition("::")[2], node.get("kernel") or "", node.get("element") or "")
            rate = peak[1] if kernel[2] in ("int8", "uint8") else peak[0] / 2 if kernel[2] == "float64" else peak[0]
            share = node["own_ns"] / total
            limit = max(node.get("operations", 0) / rate, node.get("bytes", 0) / peak[2]) * 1e9
            weights[kernel] += share
            limits[kernel] += share * min(limit / max(node["own_ns"], 1), 1)
            models[kernel][folder.name] += share
    if not peak:
        raise SystemExit("no model has a profile")
    print(f"{counted} models; {peak[0] / 1e9:.0f} GFLOP/s, {peak[1] / 1e9:.0f} Gop/s on bytes, {peak[2] / 1e9:.1f} GB/s")
    print("| operator | kernel | element | share of all time | of the limit | most in |\n|---|---|---|---|---|---|")
    for kernel, weight in weights.most_common(arguments.count):
        most = ", ".join(f"{name} {share:.2f}" for name, share in models[kernel].most_common(2))
        print(f"| {kernel[0]} | {kernel[1]} | {kernel[2]} | {100 * weight / counted:.1f} % | {100 * limits[kernel] / weight:.0f} % | {most} |")


if __name__ == "__main__":
    main()
