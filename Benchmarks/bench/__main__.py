"""The machine, the kernels, and whole models beside onnxruntime and OpenVINO.

    make bench ARGUMENTS='FOLDER --only REGEX'

FOLDER holds NAME/model.onnx and NAME/inputs.npz, an array for each input. Each runtime has a process of its own for each model, and they take
turns in slices, so that what slows the machine slows all of them; ratios are of medians of slices, with the bounds of 95 in 100 resampled rounds.
With one thread it is the processor's time that counts. Prints a table and writes JSON and a page of HTML.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from typing import Any

from . import intervals, models, page, programs, runtimes


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", help="of models; without it the machine, the kernels and the overhead are measured alone")
    parser.add_argument("--only", default="", metavar="REGEX", help="models whose name matches")
    parser.add_argument("--threads", default="1,2", help="numbers of threads, each a table (default 1,2)")
    parser.add_argument("--runtimes", default="pinion,onnxruntime,openvino")
    parser.add_argument("--rounds", type=int, default=9, help="slices of each runtime")
    parser.add_argument("--slice", type=float, default=0.15, metavar="SECONDS")
    parser.add_argument("--timeout", type=float, default=300, metavar="SECONDS", help="for load and first run")
    parser.add_argument("--no-callers", action="store_true", help="leave out several runs at once")
    parser.add_argument("--no-kernels", action="store_true", help="leave out kernels, overhead and calls")
    parser.add_argument("--decode", default="gpt2.*decode|llama.*decode", metavar="REGEX", help="models that Benchmarks/decode.py decodes with")
    parser.add_argument("--tokens", type=int, default=200, help="that are decoded")
    parser.add_argument("--run-model", default=os.path.join(programs.ROOT, ".build", "release", "run-model"), help="for roofs of models")
    parser.add_argument("--prefix", default=os.path.join(programs.ROOT, ".build", "stage"), help="where the library is installed, for the overhead")
    parser.add_argument("--json", default=os.path.join(programs.ROOT, ".build", "bench", "bench.json"), metavar="FILE")
    parser.add_argument("--html", default=os.path.join(programs.ROOT, ".build", "bench", "bench.html"), metavar="FILE")
    arguments = parser.parse_args()
    threads = [int(count) for count in arguments.threads.split(",")]
    names = arguments.runtimes.split(",")
    unknown = [name for name in names if name not in runtimes.LOADERS]
    if unknown or "pinion" not in names:
        parser.error(f"--runtimes is {arguments.runtimes}; expected pinion and some of {', '.join(runtimes.LOADERS)}")
    out = os.path.dirname(os.path.abspath(arguments.json))
    os.makedirs(out, exist_ok=True)

    report: dict[str, Any] = {"processor": programs.processor(), "versions": runtimes.versions(names), "models": [], "kernels": [], "decoding": {}}
    report["machine"] = programs.machine(out, max(threads))
    print_machine(report)
    if not arguments.no_kernels:
        report["kernels"] = programs.kernels(out)
        report["overhead"] = programs.overhead(arguments.prefix, out)
        report["calls"] = programs.calls()
        print_kernels(report)
    save(report, arguments)
    plan = models.Plan(names, arguments.rounds, arguments.slice, arguments.timeout)
    folders = folders_of(arguments.folder, arguments.only) if arguments.folder else []
    print_head(names) if folders else None
    for count in threads:
        for folder in folders:
            row = models.measure(folder, count, plan, not arguments.no_callers and count == 1)
            if count == 1 and os.path.exists(arguments.run_model):
                nodes = models.profile(arguments.run_model, folder, count)
                if nodes:
                    row["roof"] = models.roof(nodes, peaks(report), bandwidth(report))
            report["models"].append(row)
            print_row(row, names)
            save(report, arguments)
    for folder in folders:
        if re.search(arguments.decode, os.path.basename(folder)):
            report["decoding"][os.path.basename(folder)] = programs.decoding(os.path.join(folder, "model.onnx"), arguments.tokens)
    save(report, arguments)
    print_end(report, threads)
    return 0 if not arguments.folder or any("ratio" in row for row in report["models"]) or len(names) == 1 else 1


def peaks(report: dict[str, Any]) -> dict[str, float]:
    """Billions of operations a second of one thread, at the level in use."""
    found: dict[str, float] = report["machine"]["threads"][0]["arithmetic"][report["machine"]["isa"]]
    return found


def bandwidth(report: dict[str, Any]) -> float:
    """Billions of bytes a second that one thread reads from memory."""
    return float(report["machine"]["threads"][0]["bytes"]["memory"]["read"])


def folders_of(folder: str, only: str) -> list[str]:
    if not os.path.isdir(folder):
        sys.exit(f"bench: {folder} is no folder")
    names = [name for name in sorted(os.listdir(folder)) if re.search(only, name) and os.path.exists(os.path.join(folder, name, "model.onnx"))]
    if not names:
        sys.exit(f"bench: {folder} has no NAME/model.onnx that matches")
    return [os.path.join(folder, name) for name in names]


def save(report: dict[str, Any], arguments: argparse.Namespace) -> None:
    """After each model, so that what was measured is there however the program ends."""
    for path in (arguments.json, arguments.html):
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(arguments.json, "w") as file:
        json.dump(report, file, indent=1)
    with open(arguments.html, "w") as file:
        file.write(page.html(report))


def print_machine(report: dict[str, Any]) -> None:
    print(report["processor"], "-", ", ".join(f"{name} {version}" for name, version in report["versions"].items()))
    for row in report["machine"]["threads"]:
        numbers = ", ".join(f"{kind} {rate:.0f}" for kind, rate in row["arithmetic"][report["machine"]["isa"]].items())
        places = ", ".join(f"{place} {rates['read']:.0f}" for place, rates in row["bytes"].items())
        print(f"{row['threads']} threads, {report['machine']['isa']}: G operations/s {numbers}; reads GB/s {places}")


def print_kernels(report: dict[str, Any]) -> None:
    print(f"\n{'kernel, one thread':44} {'us':>10} {'Gop/s':>8} {'GB/s':>7} {'of peak':>8}")
    for row in report["kernels"]:
        rate, speed = row["operations"] / row["seconds"] / 1e9, row["bytes"] / row["seconds"] / 1e9
        print(f"{row['kernel']:44} {row['seconds'] * 1e6:10.1f} {rate:8.1f} {speed:7.1f} {page.share(row, report):8.0%}")
    if report["overhead"]:
        print(f"\na call with one node {report['overhead']['call_ns']:.0f} ns, each further node {report['overhead']['node_ns']:.1f} ns")


def print_head(names: list[str]) -> None:
    print(f"\n{'model (median ms)':38} {'t':>2}" + "".join(f"{name:>12}" for name in names) + "   ratio to the better peer, roof")


def print_row(row: dict[str, Any], names: list[str]) -> None:
    cells = "".join(f"{row['runtimes'][name]['median'][0] * 1e3:12.3f}" if "median" in row["runtimes"][name] else f"{'x':>12}" for name in names)
    end = f"  {row['ratio'][0]:5.2f} [{row['ratio'][1]:.2f}, {row['ratio'][2]:.2f}] {row['better_peer']}" if "ratio" in row else ""
    if "roof" in row and "median" in row["runtimes"]["pinion"]:
        end += f", {row['roof']['seconds'] / row['runtimes']['pinion']['median'][0]:.0%} of the roof"
    print(f"{row['model']:38} {row['threads']:2}{cells}{end}", flush=True)


def print_end(report: dict[str, Any], threads: list[int]) -> None:
    for count in threads:
        rows = [row for row in report["models"] if row["threads"] == count and "ratio" in row]
        if not rows:
            continue
        ratios = [row["ratio"][0] for row in rows]
        print(f"\n{count} threads: geometric mean {intervals.geometric_mean(ratios):.3f} of {len(rows)} models against the better peer")
        below = sorted((row["ratio"][0], row["model"], row["better_peer"]) for row in rows if row["ratio"][0] < 1)
        print(f"below 1.0: {len(below)}")
        for ratio, model, peer in below:
            print(f"  {ratio:5.2f} {model} ({peer})")
    for model, numbers in report["decoding"].items():
        print(f"decoding {model}: " + ", ".join(f"{name} {value}" for name, value in numbers.items()))


if __name__ == "__main__":
    sys.exit(main())
