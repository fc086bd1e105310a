"""Instructions that kernels and small models take, against recorded numbers.

    python Tests/Counts/count_tests.py --out FOLDER --prefix WHERE-PINION-IS-INSTALLED [--record] [--only REGEX]

Instructions do not depend on what else the machine does, so that a change of a few per cent shows. They do depend on the compiler: the record names
the one that it was made with, and others are given ten per cent. valgrind counts at the levels scalar and avx2, which are all it knows; perf counts
avx512 where the processor lets it. What cannot be counted is said and skipped. Exit status 1 if a number is outside of its tolerance either way: fewer
are recorded anew (make count-record), so that the next loss shows.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

import count_models
import onnx

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "Benchmarks"))

from bench import programs  # noqa: E402

RECORD = os.path.join(HERE, "counts.json")
TOLERANCE, OTHER_COMPILER = 0.03, 0.10


def environment(isa: str) -> dict[str, str]:
    # The order of hash tables is else another one in each process.
    return {**os.environ, "PINION_ISA": isa, "SWIFT_DETERMINISTIC_HASHING": "1"}


class Counter:
    """A way to count the instructions of the function `measured` of a program at one level; `refusal` says why there is none."""

    def __init__(self, isa: str, kernels: str):
        self.isa = isa
        self.tool = "perf" if isa == "avx512" else "valgrind"
        self.refusal = ""
        if not shutil.which(self.tool):
            self.refusal = f"{self.tool} is not installed"
        elif self.tool == "perf":
            probe = subprocess.run(["perf", "stat", "-x,", "-e", "instructions:u", "true"], capture_output=True, text=True)
            if probe.returncode or not re.search(r"^\d+,", probe.stderr, re.MULTILINE):
                self.refusal = "perf cannot count instructions here"
        if not self.refusal:
            name = subprocess.run([kernels, "--list"], capture_output=True, text=True).stdout.splitlines()[0]
            command = [kernels, name, "0"] if self.tool == "perf" else ["valgrind", "-q", "--tool=none", kernels, name, "0"]
            level = subprocess.run(command, capture_output=True, text=True, env=environment(isa))
            if level.returncode or level.stdout.strip() != isa:
                self.refusal = f"{'valgrind' if self.tool == 'valgrind' else 'the processor'} runs '{level.stdout.strip()}' instead"

    def count(self, command: list[str], times_at: int) -> int:
        """Instructions of `measured`; the argument at `times_at` is how often it runs."""
        if self.tool == "perf":
            return round((self.whole(command, times_at, 101) - self.whole(command, times_at, 1)) / 100)
        command = [*command[:times_at], "1", *command[times_at + 1 :]]
        tool = ["valgrind", "--tool=callgrind", "--toggle-collect=measured", "--callgrind-out-file=/dev/null"]
        # The dynamic linker looks functions up before: what that takes is another number on another machine.
        bound = {**environment(self.isa), "LD_BIND_NOW": "1"}
        result = subprocess.run(tool + command, capture_output=True, text=True, env=bound)
        found = re.search(r"Collected *: *(\d+)", result.stderr)
        if result.returncode or not found or int(found[1]) == 0:
            sys.exit(f"{' '.join(command)} under valgrind: {result.stderr[-500:]}")
        return int(found[1])

    def whole(self, command: list[str], times_at: int, times: int) -> int:
        command = [*command[:times_at], str(times), *command[times_at + 1 :]]
        result = subprocess.run(["perf", "stat", "-x,", "-e", "instructions:u", *command], capture_output=True, text=True, env=environment(self.isa))
        found = re.search(r"^(\d+),", result.stderr, re.MULTILINE)
        if result.returncode or not found:
            sys.exit(f"{' '.join(command)} under perf: {result.stderr[-500:]}")
        return int(found[1])


def build_count_model(prefix: str, out: str) -> str:
    program = os.path.join(out, "count-model")
    library = os.path.join(prefix, "lib")
    command = ["cc", "-O2", "-Wall", "-Wextra", "-I" + os.path.join(prefix, "include"), os.path.join(HERE, "count_model.c"), "-o", program]
    subprocess.run([*command, "-L" + library, "-lpinion", "-Wl,-rpath," + library], check=True)
    return program


def cases(out: str, prefix: str, kernels: str) -> Iterator[tuple[str, list[str], int]]:
    """Each name with the command and the place of the number of times in it."""
    names = subprocess.run([kernels, "--list"], check=True, capture_output=True, text=True).stdout.splitlines()
    for name in names:
        if name.endswith(" small"):
            yield "kernel " + name.removesuffix(" small"), [kernels, name, "1"], 2
    program = build_count_model(prefix, out)
    for name, (model, shape) in count_models.models().items():
        path = os.path.join(out, name.replace(" ", "-") + ".onnx")
        onnx.save(model, path)
        yield "model " + name, [program, path, "1", *map(str, shape)], 2


def compiler() -> str:
    return subprocess.run(["clang", "--version"], check=True, capture_output=True, text=True).stdout.splitlines()[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--only", default="", metavar="REGEX")
    arguments = parser.parse_args()
    os.makedirs(arguments.out, exist_ok=True)
    kernels = programs.build("kernels", arguments.out)
    with open(RECORD) as file:
        record = json.load(file)
    tolerance = TOLERANCE if record["compiler"] == compiler() else OTHER_COMPILER
    if tolerance != TOLERANCE:
        print(f"recorded with {record['compiler']}, this is {compiler()}: {tolerance:.0%} are borne")
    chosen = [case for case in cases(arguments.out, arguments.prefix, kernels) if re.search(arguments.only, case[0])]
    bad = counted = 0
    for isa in ("scalar", "avx2", "avx512"):
        counter = Counter(isa, kernels)
        if counter.refusal:
            print(f"{isa}: not counted, {counter.refusal}")
            continue
        known = record["counts"].setdefault(isa, {})
        for name, command, times_at in chosen:
            number = counter.count(command, times_at)
            counted += 1
            before = known.get(name)
            if arguments.record:
                known[name] = number
                print(f"{isa:7} {name:40} {number:10}" + (f" {number / before - 1:+.1%}" if before else ""), flush=True)
            elif before is None:
                print(f"{isa}: {name}: {number} instructions, none recorded")
                bad += 1
            elif abs(number / before - 1) > tolerance:
                print(f"{isa}: {name}: {number} instructions, recorded {before}: {number / before - 1:+.1%}")
                bad += 1
    if arguments.record:
        with open(RECORD, "w") as file:
            json.dump({"compiler": compiler(), "counts": record["counts"]}, file, indent=1, sort_keys=True)
            file.write("\n")
    print(f"{counted} numbers of instructions, {bad} outside of {tolerance:.0%}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
