#!/usr/bin/env python3
"""Writes Documentation/CUDAKernels.md: what is known of each CUDA kernel without a GPU.

    report.py EMULATED CHECK.json OUTPUT.md

EMULATED is what the emulated tests append to the file that PINION_RESULTS names, CHECK.json what cuda-check.py --json writes.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

HEAD = """# The CUDA kernels, one by one

Written by `make cuda-report`; no GPU was involved. *Cases* and *worst error*: on the emulator, against plain loops in double precision or
integers, random shapes with tails, several orders of warps. An error is relative to the expected value, or to 1 where that is less; in brackets what is
allowed. *Registers*, *shared* (bytes a block, dynamic memory included) and *warps* (at once on a multiprocessor, of the most there can be)
are from NVIDIA's compiler, for {architectures}; one number where all agree, else from the least to the most. *Instructions*
are those for 9.0: HMMA and IMMA are the matrix units, LDSM loads their fragments, LDGSTS copies beside the program. No kernel uses
local memory on any of them.

| kernel | cases | worst error | threads | registers | shared | warps at 7.5 / 8.0 / 9.0 | instructions |
|---|---|---|---|---|---|---|---|
"""


def span(values: list[int]) -> str:
    return str(values[0]) if min(values) == max(values) else f"{min(values)}-{max(values)}"


def main() -> int:
    emulated, check, output = map(Path, sys.argv[1:4])
    seen: dict[str, list[str]] = {}
    for line in emulated.read_text().splitlines():
        _, name, *rest = line.split()
        seen[name] = rest
    entries: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    report = json.loads(check.read_text())
    for entry in report:
        entries[entry["kernel"]][entry["architecture"]] = entry
    architectures = sorted({entry["architecture"] for entry in report})
    names = ", ".join(f"{value // 10}.{value % 10}" for value in architectures)
    text = HEAD.format(architectures=names)
    unseen = []
    for kernel in sorted(set(entries) | set(seen)):
        of = [entries[kernel][architecture] for architecture in sorted(entries[kernel])]
        if kernel not in seen:
            unseen.append(kernel)
        cases, failures, worst, allowed = seen.get(kernel, ["0", "0", "0", "0"])
        error = f"{float(worst):.1e} ({float(allowed):.0e})" if float(worst) else "0"
        if int(failures):
            error += f", {failures} FAILED"
        warps = " / ".join(str(entries[kernel][a]["warps"]) if a in entries[kernel] else "-" for a in (75, 80, 90))
        at = entries[kernel].get(90, {"instructions": {}})["instructions"]
        shown = " ".join(f"{title} {at[title]}" for title in ("HMMA", "IMMA", "LDSM", "LDGSTS") if at.get(title))
        shared = span([entry["shared_bytes"] + entry["dynamic_bytes"] for entry in of]) if of else "-"
        threads = str(of[0]["threads"]) if of else "-"
        registers = span([entry["registers"] for entry in of]) if of else "-"
        text += f"| {kernel} | {cases} | {error} | {threads} | {registers} | {shared} | {warps} | {shown} |\n"
    text += f"\n{len(entries)} kernels, {sum(int(rest[0]) for rest in seen.values())} comparisons.\n"
    output.write_text(text)
    for kernel in unseen:
        print(f"report: no emulated test launches {kernel}", file=sys.stderr)
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main())
