"""Loads and runs changed .pt2 programs; none may end the process.

    fuzz-pt2.py [--seconds N] [--runs N] [--first N] [--jobs N] SEEDS...
    fuzz-pt2.py --trial N SEEDS...              one trial in this process, e.g. under a debugger
    fuzz-pt2.py --trial N --save FILE SEEDS...  writes its file and runs nothing
    PINION_FUZZ_TARGETS=REGEX fuzz-pt2.py …     only calls of such targets

SEEDS are records of Tests/PT2 (.jsonl.xz), .pt2 files, or folders that hold some. A trial's number decides what it changes: a third of
them any place of the JSON; a third what importers reckon with (ranks, extents, operands, lists of numbers), so that the program stays one.
The last third are programs of their own, which call any target of the importer's sources with any arguments that it asks for.
A worker may take a gigabyte beyond what it begins with: a list of a length that the program decides ends it.
"""

from __future__ import annotations

import argparse
import json
import math
import mmap
import os
import pathlib
import random
import resource
import struct
import subprocess
import sys
import time
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "PT2"))

import numpy as np
import pt2_targets
import record

import pinion

INTEGERS = (0, 1, -1, 2, -2, 3, 4, 7, 8, 16, 64, 100, 255, 1 << 15, 1 << 16, 1 << 20, (1 << 31) - 1, 1 << 31, -(1 << 31), 1 << 32, 1 << 40, 1 << 62,
            (1 << 63) - 1, -(1 << 63), -(1 << 63) + 1, 1 << 63, 1 << 64)  # fmt: skip
FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-30, 1e30, 1e300, -1e300, "Infinity", "-Infinity", "NaN")
#: Extents that products and sums of which do not stay small.
EXTENTS = (0, 1, 2, 3, 5, 64, 4096, 65537, 1 << 20, (1 << 24) + 1, 1 << 31, (1 << 31) + 1, 1 << 40, (1 << 62) + 1, (1 << 63) - 1)
#: Seconds that one trial may take before its process counts as dead.
PATIENCE = 30
#: Bytes of addresses that trials may take beyond those of a process that has begun.
ROOM = 1 << 30
#: Only calls of targets that match.
ONLY = os.environ.get("PINION_FUZZ_TARGETS", "")
TARGETS = pt2_targets.catalog(ONLY)
#: Elements of the largest input that is given.
INPUT_LIMIT = 1 << 20


def seeds(paths: list[pathlib.Path]) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = []
    for path in paths:
        if path.is_dir():
            result += seeds(sorted(path.rglob("*.pt2")))
        elif path.suffix == ".xz":
            result += record.read(path)
        elif path.stat().st_size < 1 << 20:
            entry = record.parts(path)
            if len(json.dumps(entry["program"])) < 100_000:
                result.append(entry)
    if not result:
        raise SystemExit("there are no seeds")
    return result


def places(value: Any, found: list[tuple[Any, Any]]) -> None:
    """Every place in a JSON value as its container and key."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found.append((value, key))
        places(item, found)


def change(program: Any, others: list[dict[str, Any]], choice: random.Random) -> None:
    found: list[tuple[Any, Any]] = []
    places(program, found)
    if not found:
        return
    container, key = choice.choice(found)
    value = container[key]
    kind = choice.randrange(10)
    if kind == 0:
        del container[key]
    elif kind == 1:
        twin, other = choice.choice(found)
        container[key] = json.loads(json.dumps(twin[other]))
    elif kind == 2 and isinstance(container, list):
        container.insert(key, json.loads(json.dumps(value)))
    elif kind == 3:
        elsewhere: list[tuple[Any, Any]] = []
        places(choice.choice(others)["program"], elsewhere)
        same = [entry for entry in elsewhere if entry[1] == key]
        if same:
            twin, other = choice.choice(same)
            container[key] = json.loads(json.dumps(twin[other]))
    elif isinstance(value, bool):
        container[key] = not value
    elif isinstance(value, int):
        container[key] = choice.choice(INTEGERS)
    elif isinstance(value, float):
        container[key] = choice.choice(FLOATS)
    elif isinstance(value, str):
        texts = [twin[other] for twin, other in found if isinstance(twin[other], str)]
        container[key] = choice.choice([*texts, "", value[:-1], value * 2, "None", "torch.ops.aten.add.Tensor"])
    elif kind < 6:
        container[key] = choice.choice([None, 0, "", [], {}, [[]] * 3, "x", 1.5])
    elif isinstance(value, list):
        choice.shuffle(value)


# Changes after which a program still is one: other ranks, extents, operands and lists of numbers.


def graphs(value: Any) -> list[dict[str, Any]]:
    """Every graph in a program, the outermost first."""
    found = [value] if isinstance(value, dict) and isinstance(value.get("nodes"), list) and isinstance(value.get("tensor_values"), dict) else []
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        found += graphs(item)
    return found


def settled(meta: dict[str, Any]) -> None:
    """Gives a description the strides of elements that lie one after the other."""
    stride, strides = 1, []
    for size in reversed(meta["sizes"]):
        strides.append({"as_int": stride})
        known = size.get("as_int")
        stride = min(stride * max(known if isinstance(known, int) else 3, 1), (1 << 63) - 1)
    meta["strides"] = strides[::-1]


def ranked(meta: dict[str, Any], kind: int, place: int, extent: int) -> None:
    sizes = meta["sizes"]
    if kind == 0 and sizes:
        del sizes[place % len(sizes)]
    elif kind == 1:
        sizes.insert(place % (len(sizes) + 1), {"as_int": extent})
    elif kind == 2:
        sizes.clear()
    elif kind == 3:
        del sizes[1:]
    elif sizes:
        sizes[place % len(sizes)] = {"as_int": extent}
    settled(meta)


def metas(graph: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: meta for name, meta in graph["tensor_values"].items() if isinstance(meta, dict) and isinstance(meta.get("sizes"), list)}


def reshape(copy: dict[str, Any], choice: random.Random) -> None:
    """Another rank or extent for one tensor, an input more often than not, or for all; what the others are said to be may be forgotten."""
    found = [graph for graph in graphs(copy["program"]) if metas(graph)]
    if not found:
        return
    graph = found[0] if choice.random() < 0.8 else choice.choice(found)
    all_metas = metas(graph)
    inputs = [entry["as_tensor"]["name"] for entry in graph["inputs"] if isinstance(entry, dict) and isinstance(entry.get("as_tensor"), dict)]
    names = [name for name in inputs if name in all_metas] if choice.random() < 0.8 else list(all_metas)
    if not names:
        return
    kind, place = choice.randrange(6), choice.randrange(6)
    extent = choice.choice((1, 2, 3)) if choice.random() < 0.5 else choice.choice(EXTENTS)
    scope = choice.random()
    chosen = list(all_metas) if scope < 0.3 else [choice.choice(names)]
    if scope > 0.7:
        for name in set(all_metas) - set(inputs):
            del graph["tensor_values"][name]
    for name in chosen:
        if name in graph["tensor_values"]:
            ranked(all_metas[name], kind, place, extent)
    # Weights are what their own description says.
    for folder in ("weights", "constants"):
        for entry in copy.get(folder, {}).get("config", {}).values():
            if choice.random() < (1 if scope < 0.3 else 0.3):
                ranked(entry["tensor_meta"], kind if kind < 4 else 0, place, 1)


def rewire(copy: dict[str, Any], choice: random.Random) -> None:
    """A node's operand dropped, exchanged with another, or another tensor in its place."""
    found = [(graph, node) for graph in graphs(copy["program"]) for node in graph["nodes"] if node.get("inputs")]
    if not found:
        return
    graph, node = choice.choice(found)
    operands = node["inputs"]
    place, kind = choice.randrange(len(operands)), choice.randrange(5)
    other = choice.randrange(len(operands))
    if kind == 0:
        del operands[place]
    elif kind == 1:
        operands[place]["arg"], operands[other]["arg"] = operands[other]["arg"], operands[place]["arg"]
    elif kind == 2:
        operands[place]["arg"] = {"as_none": True}
    else:
        tensor = {"as_tensor": {"name": choice.choice(list(graph["tensor_values"]) or ["x"])}}
        tensors = [entry for entry in operands if "as_tensor" in entry["arg"]]
        choice.choice(tensors or operands)["arg"] = tensor


def lists(copy: dict[str, Any], choice: random.Random) -> None:
    """A list of numbers or tensors made longer or shorter, or other numbers in it or in the place of a single one."""
    found: list[tuple[dict[str, Any], str]] = []
    for graph in graphs(copy["program"]):
        for node in graph["nodes"]:
            for entry in node.get("inputs", ()):
                found += [(entry["arg"], tag) for tag in entry["arg"] if tag in ("as_ints", "as_sym_ints", "as_floats", "as_bools", "as_tensors", "as_int", "as_float")]
    if not found:
        return
    argument, tag = choice.choice(found)
    value = argument[tag]
    number = choice.randrange(-4, 5) if choice.random() < 0.6 else choice.choice(INTEGERS)
    if tag == "as_float":
        argument[tag] = choice.choice(FLOATS)
    elif not isinstance(value, list):
        argument[tag] = number
    else:
        kind = choice.randrange(5)
        if kind == 0:
            del value[choice.randrange(len(value) + 1) :]
        elif kind == 1:
            value *= choice.choice((2, 3, 40))
        elif kind == 2 and value:
            value.pop(choice.randrange(len(value)))
        elif kind == 3 and value:
            value.insert(choice.randrange(len(value)), json.loads(json.dumps(choice.choice(value))))
        elif value:
            value[choice.randrange(len(value))] = {"as_ints": number, "as_sym_ints": {"as_int": number}, "as_floats": float(number), "as_bools": True}.get(tag, value[0])


def trial(number: int, entries: list[dict[str, Any]]) -> tuple[bytes, dict[str, Any]]:
    """The file of a trial, and the record it was made from."""
    choice = random.Random(number)
    if ONLY or number % 3 == 0:
        made = pt2_targets.record(TARGETS, choice)
        return record.archive(made), made
    entry = choice.choice(entries)
    copy = json.loads(json.dumps({key: entry[key] for key in ("program", "weights", "constants") if key in entry}))
    if choice.random() < 0.5:
        for _ in range(choice.choice((1, 1, 1, 2, 3, 6))):
            change(copy.get("program", copy) if choice.random() < 0.9 else copy, entries, choice)
    else:
        for _ in range(choice.choice((1, 1, 2, 2, 3, 5))):
            choice.choice((reshape, reshape, rewire, lists))(copy, choice)
    changed = {**entry, "program": copy.get("program", {}), **{key: copy.get(key, {}) for key in ("weights", "constants") if key in entry}}
    text = json.dumps(changed["program"]).encode()
    if choice.random() < 0.1:
        # The reader's own work: bytes of the text.
        letters = bytearray(text)
        for _ in range(choice.choice((1, 2, 8))):
            place = choice.randrange(len(letters))
            letters[place : place + choice.choice((0, 1, 1, 4))] = choice.choice((b"", b"{", b"[", b'"', b"\\", b"9" * 400, b"\\ud800", b"\xff", b"[" * 200, b"1e999", b"-"))
            if not letters:
                break
        text = bytes(letters)
    file = bytearray(record.archive(changed, text))
    if choice.random() < 0.1:
        # The archive's own: its directory lies at the end.
        for _ in range(choice.choice((1, 2, 4))):
            place = len(file) - 1 - min(int(choice.expovariate(1 / 400)), len(file) - 1)
            struct.pack_into("B", file, place, choice.choice((0, 1, 0x7F, 0x80, 0xFF, choice.randrange(256))))
    return bytes(file), entry


def attempt(number: int, entries: list[dict[str, Any]]) -> str:
    """Loads and runs a trial: "ran", or the name of the refusal."""
    file, _ = trial(number, entries)
    try:
        # Nodes are records in Swift's heap, which no budget but the load's bounds: a million of them are more than a worker has.
        model = pinion.Model(file, mutations=("outputs", "state", "dropped")[number % 7 % 3], byte_budget=1 << 27)
        session = pinion.Session(model, threads=1, optimization=number % 3, byte_budget=1 << 26)
        given = {}
        for info in session.inputs:
            if info.optional or info.dtype is None:
                continue
            shape = [extent if isinstance(extent, int) and extent < 64 else 3 for extent in info.shape or ()]
            if math.prod(shape) > INPUT_LIMIT:
                return "too large"
            given[info.name] = (np.arange(int(np.prod(shape, dtype=np.int64))) % 5).reshape(shape).astype(info.dtype)
        session.run(given, timeout=1.0, step_budget=20_000)
    except pinion.InternalError as error:
        raise SystemExit(f"trial {number}: an internal error: {error}") from error
    except pinion.Error as error:
        return type(error).__name__
    return "ran"


def work(entries: list[dict[str, Any]], first: int, step: int, last: int, progress: str, until: float) -> None:
    attempt(first, entries)
    limit = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGESIZE") + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    with open(progress, "r+b") as file, mmap.mmap(file.fileno(), 24) as shared:
        ran = refused = 0
        for number in range(first, last, step):
            if time.time() > until:
                break
            struct.pack_into("<q", shared, 0, number)
            if attempt(number, entries) == "ran":
                ran += 1
            else:
                refused += 1
            struct.pack_into("<qq", shared, 8, ran, refused)


def spent(process: subprocess.Popen[str]) -> float:
    """Seconds of processor time that a process has had."""
    try:
        fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def supervise(options: argparse.Namespace) -> int:
    """Runs workers, each of which is started again behind a trial that ended it."""
    until = time.time() + options.seconds
    folder = pathlib.Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    deaths: list[str] = []
    total = [0, 0]
    workers: list[dict[str, Any]] = []

    def start(worker: dict[str, Any], first: int) -> None:
        worker["file"].write_bytes(struct.pack("<qqq", first, 0, 0))
        arguments = [str(first), str(options.jobs), str(options.first + options.runs), str(worker["file"]), str(until)]
        worker["process"] = subprocess.Popen([sys.executable, __file__, "--worker", *arguments, *map(str, options.seeds)], stderr=subprocess.PIPE, text=True)
        worker["seen"], worker["since"], worker["spent"] = first, time.time() + 60, 60.0

    for job in range(options.jobs):
        workers.append({"file": folder / f"{job}"})
        start(workers[-1], options.first + job)
    while workers:
        time.sleep(0.1)
        for worker in list(workers):
            number, ran, refused = struct.unpack("<qqq", worker["file"].read_bytes())
            if number != worker["seen"]:
                worker["seen"], worker["since"], worker["spent"] = number, time.time(), spent(worker["process"])
            code = worker["process"].poll()
            # On a machine that is busy with other things a trial that is late need not be one that hangs.
            is_late = spent(worker["process"]) - worker["spent"] > PATIENCE or time.time() - worker["since"] > 30 * PATIENCE
            if code is None and is_late:
                worker["process"].kill()
                code = worker["process"].wait()
            if code is None:
                continue
            total[0] += ran
            total[1] += refused
            workers.remove(worker)
            if code:
                deaths.append(f"trial {number}: exit {code}: {worker['process'].stderr.read().strip()[-3000:]}")
                print(deaths[-1], flush=True)
                if time.time() < until:
                    start(worker, number + options.jobs)
                    workers.append(worker)
    print(f"{sum(total)} changed programs: {total[0]} ran, {total[1]} were refused, {len(deaths)} deaths")
    return 1 if deaths or not total[0] or not total[1] else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seeds", nargs="+", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--runs", type=int, default=1 << 40)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--trial", type=int)
    parser.add_argument("--save", type=pathlib.Path)
    parser.add_argument("--worker", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        first, step, last, progress, until = options.worker
        work(seeds(options.seeds), int(first), int(step), int(last), progress, float(until))
        return 0
    if options.trial is not None:
        entries = seeds(options.seeds)
        if options.save:
            options.save.write_bytes(trial(options.trial, entries)[0])
        else:
            print(attempt(options.trial, entries))
        return 0
    return supervise(options)


if __name__ == "__main__":
    sys.exit(main())
