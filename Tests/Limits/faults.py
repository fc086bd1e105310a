"""faults.py check TREE | faults.py apply TREE | faults.py run LIBRARY SEEDS HEAP.SO FILES.SO [NAMES]: known faults, put back into a copy of the sources, and who finds them.

`apply` changes the copy at TREE so that the environment variable PINION_FAULT chooses one of the faults; where the text that a fault
replaces is gone, it says so and fails. `check` only says so, and is part of `make test`, so that the list does not grow old unseen. `run` runs the programmes against the library that
was built of it: with its fault each has to fail and to name what the fault is in, and without one it has to pass.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Fault:
    name: str
    file: str
    old: str
    #: With FAULT for the condition under which the fault is there.
    new: str
    #: The programme and its arguments; {seeds}, {heap} and {files} are what `run` was given.
    command: str
    #: What its output has to say.
    found: str


BASE, OPERATORS, IMPORT, PASSES = "Sources/PinionBase/", "Sources/PinionOperators/", "Sources/PinionImport/", "Sources/PinionPasses/"
CHOICE = '\nimport Glibc\n\n/// The fault that is put back.\npublic let activeFault: Int32 = getenv("PINION_FAULT").map { atoi($0) } ?? 0\n'
CANCEL = "cancel.py {seeds} {heap} --seconds 8 --workers 1 --operators "
CREATION = "cancel_creation.py {heap} --points 16 --workers 1 --p99 1000 --models "
HOSTILE = "hostile_run.py {seeds} {heap} --ways bytes --groups "
FAULTS = [
    Fault(
        "a list of tasks from Swift's heap in Tile", OPERATORS + "Tensor/Tile.swift",
        "    var axes: [StridedCopy.Axis] = []\n    for axis in type.dims.indices {",
        "    let tasks = FAULT ? Array(0..<min(output.count, 1 << 20)) : []\n    guard tasks.lastIndex(of: -1) == nil else { throw .internal(\"\") }\n"
        "    var axes: [StridedCopy.Axis] = []\n    for axis in type.dims.indices {",
        CANCEL + "^Tile$", r"not the allocator's: 1 operators\n.*Tile"),
    Fault(
        "a table of Unique that asks no budget", OPERATORS + "Tensor/Unique.swift",
        "    var poll = Poll(context.control)\n    let groups = try Groups.of(",
        "    var poll = Poll(context.control)\n    let free = RunControl()\n"
        "    let extra = try RunTable<Int>(repeating: 0, count: FAULT ? tensor.count &* 4 : 1, allocator: context.allocator, control: free)\n"
        "    defer { withExtendedLifetime(free) { extra[0] = 1 } }\n    let groups = try Groups.of(",
        CANCEL + "^Unique$", r"over the budget: 1 operators\n.*Unique"),
    Fault(
        "Det does not poll", OPERATORS + "Product/Det.swift", "      try poll.count((size &- column) / 2 &+ 1)\n",
        "      if !(FAULT) { try poll.count((size &- column) / 2 &+ 1) }\n", CANCEL + "^Det$ --latency 25", r"cancel to return: 1 operators\n.*Det"),
    Fault(
        "CausalConvWithState does not poll", OPERATORS + "Convolution/CausalConvWithState.swift", "            try poll.count(1 &+ (end &- start) / 8)\n",
        "            if !(FAULT) { try poll.count(1 &+ (end &- start) / 8) }\n", CANCEL + "^CausalConvWithState$", r"cancel to return: 1 operators\n.*CausalConv"),
    Fault(
        "NonMaxSuppression does not poll", OPERATORS + "Vision/NonMaxSuppression.swift", "          try poll.count(16 &+ kept.count)\n",
        "          if !(FAULT) { try poll.count(16 &+ kept.count) }\n", CANCEL + "^NonMaxSuppression$", r"cancel to return: 1 operators\n.*NonMax"),
    Fault(
        "a reference is lost where memory is refused", BASE + "RunTable.swift",
        "    do { buffer = try allocator.buffer(bytes: bytes) } catch {\n      control.giveBytes(counted)",
        "    do { buffer = try allocator.buffer(bytes: bytes) } catch {\n      if FAULT { _ = Unmanaged.passRetained(control) }\n      control.giveBytes(counted)",
        "oom.py {seeds} {heap} --models 12 --places 3", r"refused runs leave"),
    Fault(
        "refused memory has another code", BASE + "Memory.swift", "else { throw .outOfMemory(bytes: size) }",
        "else { throw FAULT ? .internal(\"\") : .outOfMemory(bytes: size) }", "oom.py {seeds} {heap} --models 12 --places 3", r"InternalError"),
    Fault(
        "a short read counts as whole", BASE + "FileMapping.swift", "    offset += got\n  }\n  return buffer",
        "    offset = FAULT ? count : offset + got\n  }\n  return buffer", "files.py {files} --races 0.2", r"short reads"),
    Fault(
        "a file is mapped though it is to be read", BASE + "FileMapping.swift", "    if case .read(let allocator, let control) = access {",
        "    if case .read(let allocator, let control) = access, !(FAULT) {", "files.py {files} --races 0.2", r"read|signal"),
    Fault(
        "idle memory of a run does not count", BASE + "RunControl.swift", "idle.bytes > most else { return }", "idle.bytes > most, !(FAULT) else { return }",
        HOSTILE + "growth --only branches --deadline 20", r"over the budget: [1-9].*\n.*branches"),
    Fault(
        "values of a program's JSON do not count", IMPORT + "PT2/JSONReader.swift", "    try budget.take(JSONReader.valueBytes)\n",
        "    if !(FAULT) { try budget.take(JSONReader.valueBytes) }\n", HOSTILE + "program_texts --only long.list", r"(late|over the budget): [1-9].*\n.*a long list"),
    Fault(
        "JSON may nest without end", IMPORT + "PT2/JSONReader.swift", "package static let depthLimit = 128", "package static let depthLimit = FAULT ? 1 << 40 : 128",
        HOSTILE + "program_nesting --only lists.100000", r"ended the process: [1-9].*\n.*lists 100000 deep"),
    Fault(
        "nodes that are computed beforehand count apart", PASSES + "ConstantFolding.swift",
        "    let account = context.folding, limit", "    let account = FAULT ? FoldingAccount(context.control) : context.folding, limit",
        HOSTILE + "folding --only 100.(products|tables.in) --deadline 20", r"over the budget: [1-9].*\n.*folding 100"),
    Fault(
        "a table of labels is made without a look at the limits", OPERATORS + "ML/Support/LabelTable.swift",
        "      try poll.count(64)\n", "      if !(FAULT) { try poll.count(64) }\n",
        CREATION + "^a.table.of.words$ --latency 30", r"max ([3-9][0-9]|[1-9][0-9][0-9]+)\.[0-9] ms"),
]  # fmt: skip
HERE = Path(__file__).parent


def changed(tree: Path) -> dict[Path, str] | None:
    """The texts of all files that faults change, or nothing where a place is missing."""
    path = tree / BASE / "Memory.swift"
    texts = {path: path.read_text() + CHOICE}
    missing = 0
    for number, fault in enumerate(FAULTS, 1):
        path = tree / fault.file
        # Of two faults in one place the second meets what the first has made of it.
        text = texts.get(path) or path.read_text()
        if text.count(fault.old) != 1:
            print(f"{fault.name}: {fault.file} has the place {text.count(fault.old)} times")
            missing += 1
        texts[path] = text.replace(fault.old, fault.new.replace("FAULT", f"activeFault == {number}"))
    return None if missing else texts


def apply(tree: Path, writes: bool = True) -> int:
    texts = changed(tree)
    if texts is None:
        return 1
    for path, text in texts.items() if writes else ():
        path.write_text(text)
    return 0


def run(library: str, seeds: str, heap: str, files: str, only: str = "") -> int:
    lost = 0
    passed: dict[str, bool] = {}
    for number, fault in enumerate(FAULTS, 1):
        if not re.search(only, fault.name):
            continue
        command = [sys.executable, *fault.command.format(seeds=seeds, heap=heap, files=files).split()]
        command[1] = str(HERE / command[1])
        environment = {**os.environ, "PINION_LIBRARY": library}
        start = time.monotonic()
        if fault.command not in passed:
            done = subprocess.run(command, capture_output=True, text=True, env=environment)
            passed[fault.command] = done.returncode == 0
            if done.returncode:
                print(f"without a fault {fault.command.split()[0]} fails:\n{done.stdout[-1500:]}{done.stderr[-500:]}")
        done = subprocess.run(command, capture_output=True, text=True, env={**environment, "PINION_FAULT": str(number)})
        found = passed[fault.command] and done.returncode != 0 and re.search(fault.found, done.stdout + done.stderr) is not None
        lost += not found
        print(f"{'found' if found else 'NOT FOUND'}: {fault.name} ({fault.command.split()[0]}, {time.monotonic() - start:.0f} s)", flush=True)
        if not found:
            print(done.stdout[-1500:] + done.stderr[-500:], flush=True)
    print(f"limits-faults: {lost} not found")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(run(*sys.argv[2:]) if sys.argv[1] == "run" else apply(Path(sys.argv[2]), writes=sys.argv[1] == "apply"))
