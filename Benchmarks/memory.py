"""Peak memory of load and first run, Pinion against onnxruntime, one thread and a new process each.

    python Benchmarks/memory.py FOLDER [NAME...] [--json FILE]
    python Benchmarks/memory.py FOLDER [NAME...] --sessions 3

FOLDER holds NAME/model.onnx and NAME/inputs.npz. PYTHONPATH and PINION_LIBRARY say which build of Pinion. The peak is VmHWM of the whole
process, interpreter and NumPy included; the second column of each runtime is the peak less what the process held before it loaded the
model. `--sessions N` compares one session of Pinion with N of the same file, each of a model of its own, by the proportional set size
after a run of each: as it is, and once the C library has given back what it keeps of freed memory, which small blocks that each session
makes cut up between runs. The second is what sessions hold.
"""
import argparse
import ctypes
import json
import math
import os
import subprocess
import sys


def field(path, name):
    with open(path) as file:
        for line in file:
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024
    raise KeyError(name)


def child(runtime, folder, sessions):
    import numpy as np

    inputs = dict(np.load(os.path.join(folder, "inputs.npz")))
    model = os.path.join(folder, "model.onnx")
    if runtime == "pinion":
        import pinion

        base = field("/proc/self/status", "VmRSS")
        held = []
        for _ in range(sessions):
            held.append(pinion.Session(model, threads=1))
            held[-1].run(inputs)
    else:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        base = field("/proc/self/status", "VmRSS")
        held = []
        for _ in range(sessions):
            held.append(onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"]))
            held[-1].run(None, inputs)
    numbers = {
        "base": base,
        "peak": field("/proc/self/status", "VmHWM"),
        "rss": field("/proc/self/status", "VmRSS"),
        "pss": field("/proc/self/smaps_rollup", "Pss"),
    }
    ctypes.CDLL(None).malloc_trim(0)
    numbers["held"] = field("/proc/self/smaps_rollup", "Pss")
    print(json.dumps(numbers))


def measure(runtime, folder, sessions=1):
    command = [sys.executable, os.path.abspath(__file__), folder, "--child", runtime, "--sessions", str(sessions)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        return None
    return json.loads(result.stdout.splitlines()[-1])


def peaks(arguments, names):
    rows = []
    peers = {}
    if arguments.peers and os.path.exists(arguments.peers):
        with open(arguments.peers) as file:
            peers = json.load(file)
    for name in names:
        folder = os.path.join(arguments.folder, name)
        ours = measure("pinion", folder)
        theirs = peers.get(name) or measure("onnxruntime", folder)
        peers[name] = theirs
        if ours is None or theirs is None:
            print(f"{name}: {'Pinion' if ours is None else 'onnxruntime'} does not run it", file=sys.stderr)
            continue
        rows.append((ours["peak"] / theirs["peak"], name, ours, theirs))
    if arguments.peers:
        with open(arguments.peers, "w") as file:
            json.dump(peers, file)
    rows.sort(key=lambda row: -row[0])
    print(f"{'model':36} {'ratio':>6} {'Pinion':>8} {'own':>8} {'after':>8} {'ORT':>8} {'own':>8} {'after':>8}  MB")
    for ratio, name, ours, theirs in rows:
        print(f"{name:36} {ratio:6.2f}" + "".join(
            f" {side['peak']:8.1f} {side['peak'] - side['base']:8.1f} {side['rss']:8.1f}" for side in (ours, theirs)))
    if rows:
        mean = math.exp(sum(math.log(row[0]) for row in rows) / len(rows))
        print(f"geometric mean {mean:.3f}, over 1.1: {sum(row[0] > 1.1 for row in rows)} of {len(rows)}")
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump({name: {"pinion": ours, "onnxruntime": theirs} for _, name, ours, theirs in rows}, file, indent=1)


def several(arguments, names):
    rows = []
    for name in names:
        folder = os.path.join(arguments.folder, name)
        one, many = measure("pinion", folder), measure("pinion", folder, arguments.sessions)
        if one and many:
            rows.append((many["held"] / one["held"], name, one, many))
    rows.sort(key=lambda row: -row[0])
    print(f"{'model':36} {'ratio':>6} {'one':>8} {arguments.sessions:>8} {'before the C library gives back':>32}  MB (PSS)")
    for ratio, name, one, many in rows:
        print(f"{name:36} {ratio:6.3f} {one['held']:8.1f} {many['held']:8.1f} {one['pss']:23.1f} {many['pss']:8.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--sessions", type=int, default=1)
    parser.add_argument("--json")
    parser.add_argument("--peers", help="a file with onnxruntime's numbers, read and written, so that they are measured once")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        return child(arguments.child, arguments.folder, arguments.sessions)
    names = arguments.names or sorted(
        name for name in os.listdir(arguments.folder) if os.path.exists(os.path.join(arguments.folder, name, "model.onnx")))
    (several if arguments.sessions > 1 else peaks)(arguments, names)


if __name__ == "__main__":
    main()
