"""Programs beside this package: compiled ones, and the older scripts whose text output is read."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
KERNELS = os.path.join(ROOT, "Sources", "CKernels")


def build(name: str, out: str) -> str:
    """Compiles bench/NAME.c with the kernels' sources, each only where it or a header is newer than its object; gives the program's path."""
    objects = os.path.join(out, "objects")
    os.makedirs(objects, exist_ok=True)
    # The flags of Package.swift.
    flags = ["-std=gnu17", "-O3", "-fno-math-errno", "-fno-trapping-math", "-I" + KERNELS, "-I" + os.path.join(KERNELS, "include")]
    makefile = os.path.join(objects, "Makefile")
    with open(makefile, "w") as file:
        file.write(f"SOURCES := $(wildcard {KERNELS}/*/*.c)\nHEADERS := $(wildcard {KERNELS}/*/*.h)\n")
        file.write(f"OBJECTS := $(patsubst {KERNELS}/%.c,{objects}/%.o,$(SOURCES))\n")
        file.write(f"{out}/%: {HERE}/%.c $(OBJECTS)\n\tclang {' '.join(flags)} $< $(OBJECTS) -lm -lpthread -o $@\n")
        file.write(f"{objects}/%.o: {KERNELS}/%.c $(HEADERS)\n\t@mkdir -p $(@D)\n\tclang {' '.join(flags)} -c $< -o $@\n.SECONDARY:\n")
    program = os.path.join(out, name)
    subprocess.run(["make", "--silent", "-j2", "-f", makefile, program], check=True)
    return program


def machine(out: str, threads: int) -> dict[str, Any]:
    """Peaks of arithmetic and memory, see machine.c."""
    text = subprocess.run([build("machine", out), str(threads)], check=True, capture_output=True, text=True).stdout
    found: dict[str, Any] = json.loads(text)
    return found


def processor() -> str:
    with open("/proc/cpuinfo") as file:
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return f"{names[0] if names else 'unknown'}, {os.cpu_count()} processors"


def kernels(out: str) -> list[dict[str, Any]]:
    """Times of kernels alone, see kernels.c."""
    text = subprocess.run([build("kernels", out)], check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in text.splitlines()]


def overhead(prefix: str, out: str) -> dict[str, float] | None:
    """Nanoseconds of a call with one node and of each further node, see overhead.c; None without an installed library."""
    program = os.path.join(out, "overhead")
    source = os.path.join(ROOT, "Benchmarks", "overhead.c")
    libraries = [os.path.join(prefix, "lib")]
    if not os.path.exists(os.path.join(libraries[0], "libpinion.so")):
        return None
    command = ["cc", "-std=c99", "-O2", "-I" + os.path.join(prefix, "include"), source, "-o", program, "-L" + libraries[0], "-lpinion"]
    subprocess.run(command + ["-Wl,-rpath," + libraries[0]], check=True)
    text = subprocess.run([program], capture_output=True, text=True).stdout
    match = re.search(r"one node: (\d+) ns; each further node: ([\d.]+) ns", text)
    return {"call_ns": float(match[1]), "node_ns": float(match[2])} if match else None


def calls() -> str:
    """What a call from Python takes beside onnxruntime, as Benchmarks/calls.py prints it."""
    return script("calls.py")


def decoding(model: str, tokens: int) -> dict[str, Any]:
    """Benchmarks/decode.py on a model: milliseconds a token of each way, and its ratios."""
    text = script("decode.py", model, "--tokens", str(tokens))
    found: dict[str, Any] = {name: float(value) for name, value in re.findall(r"^(\w+) +[\d.]+ ms, ([\d.]+) ms a token", text, re.MULTILINE)}
    for name, pattern in (
        ("growing_by_fixed", r"growing / fixed ([\d.]+)"),
        ("ratio", r"onnxruntime / pinion ([\d.]+)"),
        ("state_ratio", r"onnxruntime / state ([\d.]+)"),
    ):
        match = re.search(pattern, text)
        if match:
            found[name] = float(match[1])
    return found


def script(name: str, *arguments: str) -> str:
    path = os.path.join(ROOT, "Benchmarks", name)
    result = subprocess.run([sys.executable, path, *arguments], capture_output=True, text=True)
    return result.stdout if result.returncode == 0 else result.stdout + result.stderr[-300:]
