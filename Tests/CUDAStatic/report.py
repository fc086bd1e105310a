#!/usr/bin/env python3
"""Writes Documentation/CUDAKernels.md: what is known of each CUDA kernel without a GPU.

    report.py EMULATED CHECK.json OUTPUT.md

EMULATED is what the emulated tests append to the file that PINION_RESULTS names, CHECK.json what cuda-check.py --json writes. Fails where a
kernel uses local memory, or where no emulated test launches it.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from occupancy import LIMITS

HEAD = """# The CUDA kernels, one by one

Written by `make cuda-report`; no GPU was involved. *Cases* and *worst error*: on the emulator, against plain loops in double precision or
integers and, in the cases whose number is second, against Pinion's operators with their scalar kernels; random shapes with tails, several orders of warps. An error is relative to the expected value, or to 1 where that is less; in brackets what is
allowed. *Registers*, *shared* (bytes a block, dynamic memory included), *warps* and *instructions* are from NVIDIA's compiler. One number
where all agree, else one for each of {architectures}, and `-` where a kernel is not for one. *Warps*: at once on a multiprocessor,
of {warps}. *Instructions*: HMMA and IMMA are the matrix units, LDSM loads their fragments, LDGSTS copies beside the program;
`from 8.0` says for which. No kernel uses local memory on any of them, so none spills.

| kernel | cases | worst error | threads | registers | shared | warps | instructions |
|---|---|---|---|---|---|---|---|
"""
SHOWN = ("HMMA", "IMMA", "LDSM", "LDGSTS")
Entries = dict[int, dict[str, Any]]


def version(architecture: int) -> str:
    return f"{architecture // 10}.{architecture % 10}"


def each(entries: Entries, architectures: list[int], value: Callable[[dict[str, Any]], Any]) -> str:
    """The value of each architecture, or one where all agree."""
    values = [str(value(entries[a])) if a in entries else "-" for a in architectures]
    return values[0] if len(set(values)) == 1 else " ".join(values)


def instructions(entries: Entries) -> str:
    """What matters of the instructions, by runs of architectures that have the same."""
    runs: list[tuple[int, str]] = []
    for architecture in sorted(entries):
        counts = entries[architecture]["instructions"]
        text = " ".join(f"{title} {counts[title]}" for title in SHOWN if counts.get(title))
        if not runs or runs[-1][1] != text:
            runs.append((architecture, text))
    if len(runs) == 1:
        return runs[0][1]
    return "; ".join(f"from {version(first)} {text or 'none'}" for first, text in runs)


def main() -> int:
    emulated, check, output = map(Path, sys.argv[1:4])
    seen: dict[str, list[str]] = {}
    for line in emulated.read_text().splitlines():
        _, name, *rest = line.split()
        seen[name] = rest
    entries: dict[str, Entries] = defaultdict(dict)
    report = json.loads(check.read_text())
    for entry in report:
        entries[entry["kernel"]][entry["architecture"]] = entry
    architectures = sorted({entry["architecture"] for entry in report})
    most = [str(LIMITS[architecture][0]) for architecture in architectures]
    text = HEAD.format(architectures=", ".join(map(version, architectures)), warps=" ".join(most))
    problems = [f"{entry['kernel']} uses local memory on {version(entry['architecture'])}" for entry in report if entry["local_bytes"]]
    for kernel in sorted(set(entries) | set(seen)):
        of = entries[kernel]
        if kernel not in seen:
            problems.append(f"no emulated test launches {kernel}")
        cases, failures, worst, allowed, against_operators = seen.get(kernel, ["0"] * 5)
        error = f"{float(worst):.1e} ({float(allowed):.0e})" if float(worst) else "0"
        if int(failures):
            error += f", {failures} FAILED"
        columns = [
            each(of, [a for a in architectures if a in of], lambda entry: entry["threads"]),
            each(of, architectures, lambda entry: entry["registers"]),
            each(of, [a for a in architectures if a in of], lambda entry: entry["shared_bytes"] + entry["dynamic_bytes"]),
            each(of, architectures, lambda entry: entry["warps"]),
            instructions(of),
        ]
        text += f"| {kernel} | {cases} {against_operators} | {error} | {' | '.join(columns) if of else '- | - | - | - | '} |\n"
    text += f"\n{len(entries)} kernels, {sum(int(rest[0]) for rest in seen.values())} comparisons, {sum(int(rest[4]) for rest in seen.values())} of them with operators.\n"
    output.write_text(text)
    for problem in problems:
        print(f"report: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
