"""The same models as .pt2 and as ONNX in the same process: one thread, slices in turn.

    PYTHONPATH=bindings/python PINION_LIBRARY=.build/release/libpinion.so python Benchmarks/formats.py PT2 ONNX [REGEX]

PT2 holds folders NAME with model.pt2 and inputs.npz, ONNX the files NAME.onnx that torch.onnx.export has made of the same programs. Prints
the nodes at level 2 and the least processor time of a run in microseconds, so that a loaded machine disturbs little, and how far the
results are apart, relative to the largest number.
"""
import math
import pathlib
import re
import subprocess
import sys
import time

import numpy as np

import pinion

SLICE, ROUNDS = 0.005, 120


def nodes(path):
    text = subprocess.run([".build/release/run-model", "inspect", path, "--optimized"], capture_output=True, text=True, check=True).stdout
    return int(re.search(r"^nodes\s+(\d+)", text, re.MULTILINE).group(1))


def runner(path, arrays):
    session = pinion.Session(path, threads=1)
    names = [value.name for value in session.inputs if not value.optional][: len(arrays)]
    given = dict(zip(names, arrays))
    outputs = [name for name in session.output_names if not name.endswith(".new")]
    return lambda: session.run(given, outputs)


def least(runs):
    """The least processor time of each, where each gets a slice in turn."""
    counts = []
    for run in runs:
        start = time.process_time()
        run()
        counts.append(max(1, int(SLICE / max(time.process_time() - start, 1e-6))))
    best = [math.inf] * len(runs)
    for turn in range(ROUNDS):
        order = range(len(runs)) if turn % 2 == 0 else reversed(range(len(runs)))
        for index in order:
            start = time.process_time()
            for _ in range(counts[index]):
                runs[index]()
            best[index] = min(best[index], (time.process_time() - start) / counts[index])
    return best


def distance(first, second):
    worst = 0.0
    for a, b in zip(first, second):
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        worst = max(worst, float(np.max(np.abs(a - b), initial=0.0)) / max(1e-30, float(np.max(np.abs(b), initial=0.0))))
    return worst


def main():
    programs, exports = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    wanted = re.compile(sys.argv[3] if len(sys.argv) > 3 else "")
    print("| model | nodes .pt2 | nodes ONNX | .pt2 µs | ONNX µs | .pt2 / ONNX | apart |\n|---|---|---|---|---|---|---|")
    ratios = []
    for file in sorted(exports.glob("*.onnx")):
        folder = programs / file.stem
        if not wanted.search(file.stem) or not (folder / "model.pt2").exists():
            continue
        data = np.load(folder / "inputs.npz")
        arrays = [data[name] for name in data.files]
        runs = [runner(str(folder / "model.pt2"), arrays), runner(str(file), arrays)]
        apart = distance(*(run() for run in runs))
        first, second = least(runs)
        ratios.append(first / second)
        counts = nodes(folder / "model.pt2"), nodes(file)
        print(f"| {file.stem} | {counts[0]} | {counts[1]} | {first * 1e6:.1f} | {second * 1e6:.1f} | {first / second:.3f} | {apart:.0e} |", flush=True)
    if ratios:
        print(f"\n{len(ratios)} models, geometric mean {math.exp(sum(map(math.log, ratios)) / len(ratios)):.3f}, largest {max(ratios):.3f}")


if __name__ == "__main__":
    main()
