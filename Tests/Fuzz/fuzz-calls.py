"""Sequences of C calls that the header's prototypes allow, in any order and with any arguments; none may end the process.

    fuzz-calls.py [--seconds N] [--runs N] [--first N] [--jobs N] HEADER LIBRARY
    fuzz-calls.py --trial N HEADER LIBRARY      one trial in this process, e.g. under a debugger; it says each call

A trial is 60 calls. Handles are those that earlier calls gave, or NULL; counts are no larger than the arrays beside them; all other
numbers, names and options are anything. What the interface leaves to the host is kept: no handle is released more often than it was given
or retained, and arrays have the entries that they are said to have.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import mmap
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

CALLS = 60
#: Bytes of addresses that calls may take.
SPACE = 2 << 30
#: CPU seconds, or ten times as many of the clock, after which a trial counts as one that does not end.
PATIENCE = 60
#: They end or fork processes, load other libraries, wait for callbacks, or keep memory that a trial cannot answer for.
LEFT_OUT = {"pinion_error_retain", "pinion_tensor_from_dlpack", "pinion_tensor_from_dlpack_versioned", "pinion_tensor_to_dlpack", "pinion_tensor_to_dlpack_versioned"}
NUMBERS = (0, 1, -1, 2, 3, 4, 7, 8, 13, 64, 65, 100, 1 << 16, 1 << 20, (1 << 31) - 1, 1 << 31, -(1 << 31), 1 << 40, (1 << 63) - 1, -(1 << 63))
TEXTS = ("", "x", "y", "past_0", "present_0", "h", "hn", "batch", "Neg", "Add", "Concat", "If", "Loop", "MatMul", "Softmax", "axis", "then_branch", "else_branch", "body",
         "com.microsoft", "ai.onnx.ml", "float32[?,2]", "seq(float32[...])", "optional(int64[])", "a" * 5000, "\x01\x02", "é", "/nowhere/m.onnx", "cpu", "cuda")  # fmt: skip
#: Arrays of so many entries stand for any pointer, and counts beside them are no larger.
ROOM = 8


class Parameter:
    def __init__(self, text: str) -> None:
        text = " ".join(text.split())
        match = re.match(r"(.*?)(\w+)(\[\w*\])?$", text)
        assert match, text
        self.name = match[2]
        kind = match[1].replace(" *", "*").strip() + ("*" if match[3] else "")
        self.kind = re.sub(r"\bconst\b", "", kind).replace(" ", "")
        self.is_output = "const" not in kind.split("*")[0].split() and kind.count("*") == 2


class Function:
    def __init__(self, result: str, name: str, parameters: str) -> None:
        self.result, self.name = re.sub(r"\bconst\b|\s", "", result), name
        self.parameters = [] if parameters.strip() == "void" else [Parameter(p) for p in parameters.split(",")]


def functions(header: str) -> list[Function]:
    text = re.sub(r"/\*.*?\*/", " ", Path(header).read_text(), flags=re.S)
    found = [Function(*match) for match in re.findall(r"PINION_API\s+([\w\s\*]+?)\b(pinion_\w+)\s*\(([^()]*)\)\s*;", text)]
    return [f for f in found if f.name not in LEFT_OUT]


def structures(header: str) -> set[str]:
    """Those whose members the header tells."""
    return set(re.findall(r"typedef struct (pinion_\w+) \{", Path(header).read_text()))


def opaque(header: str) -> set[str]:
    return set(re.findall(r"typedef struct (pinion_\w+) \1;", Path(header).read_text()))


HANDLES = ("pinion_model", "pinion_session", "pinion_value", "pinion_state", "pinion_graph", "pinion_attributes", "pinion_runtime", "pinion_plan", "pinion_cancel_token", "pinion_call")


class Trial:
    def __init__(self, header: str, library: str, models: list[bytes], folder: str) -> None:
        self.library = ctypes.CDLL(library)
        self.functions = functions(header)
        self.structures, self.opaque = structures(header), opaque(header)
        self.models, self.folder = models, folder

    def run(self, number: int, says: bool = False) -> None:
        self.random = random.Random(number)
        self.pools: dict[str, list[int]] = {kind: [] for kind in HANDLES}
        self.kept: list[Any] = []
        #: Calls of one area come together more often than by chance.
        areas = ("graph", "state", "session", "model", "tensor", "attributes", "value", "call", "runtime", "plan")
        by_area = {area: [f for f in self.functions if area in f.name] for area in areas}
        self.seed_handles()
        for _ in range(CALLS):
            area = self.random.choice(areas)
            chosen = by_area[area] if self.random.random() < 0.8 else self.functions
            self.call(self.random.choice(chosen or self.functions), says)
        for kind, handles in self.pools.items():
            release = getattr(self.library, f"{kind}_release")
            for handle in handles:
                release(ctypes.c_void_p(handle))
        self.kept = []

    def seed_handles(self) -> None:
        """A model, a session, a state, a graph and some tensors to begin with."""
        out = ctypes.c_void_p()
        model = self.random.choice(self.models)
        memory = ctypes.create_string_buffer(model, len(model))
        if self.library.pinion_model_load_memory(memory, ctypes.c_size_t(len(model)), ctypes.c_bool(True), None, ctypes.byref(out)) == 0:
            self.pools["pinion_model"].append(out.value or 0)
            session = ctypes.c_void_p()
            if self.library.pinion_session_create(out, None, ctypes.byref(session)) == 0:
                self.pools["pinion_session"].append(session.value or 0)
                state = ctypes.c_void_p()
                if self.library.pinion_state_create(session, ctypes.c_size_t(0), None, None, ctypes.c_int64(self.random.choice((0, 4))), ctypes.byref(state)) == 0:
                    self.pools["pinion_state"].append(state.value or 0)
        graph = ctypes.c_void_p()
        if self.library.pinion_graph_create(None, ctypes.byref(graph)) == 0:
            self.pools["pinion_graph"].append(graph.value or 0)
        for dims in ((1, 1, 2), (2, 2), (1,), ()):
            value = ctypes.c_void_p()
            if self.library.pinion_tensor_create(None, self.random.choice((1, 1, 1, 7, 9)), len(dims), (ctypes.c_int64 * 8)(*dims), ctypes.byref(value)) == 0:
                self.pools["pinion_value"].append(value.value or 0)

    def text(self) -> bytes:
        if self.random.random() < 0.1:
            return f"{self.folder}/m{self.random.randrange(3)}.onnx".encode()
        return self.random.choice(TEXTS).encode()

    def handle(self, kind: str) -> int:
        pool = self.pools[kind]
        return self.random.choice(pool) if pool and self.random.random() < 0.95 else 0

    def array(self, kind: str) -> Any:
        """Memory of ROOM entries, and more, of what the pointer points to."""
        chance = self.random.random()
        if kind == "char*":
            texts = [self.text() if self.random.random() < 0.9 else None for _ in range(ROOM)]
            return (ctypes.c_char_p * ROOM)(*texts)
        if kind.endswith("*") and kind[:-1] in HANDLES:
            return (ctypes.c_void_p * ROOM)(*[self.handle(kind[:-1]) for _ in range(ROOM)])
        if kind in ("int64_t", "pinion_graph_value", "size_t"):
            small = kind == "size_t" or chance < 0.7
            numbers = [self.random.choice((-1, 0, 1, 1, 2, 2, 3)) if small else self.random.choice(NUMBERS) for _ in range(ROOM)]
            if kind == "size_t":
                numbers = [abs(n) % 4 for n in numbers]
            if kind == "pinion_graph_value" and self.values and chance < 0.9:
                numbers = [self.random.choice(self.values) for _ in range(ROOM)]
            return (ctypes.c_int64 * ROOM)(*numbers)
        if kind == "char":
            return ctypes.create_string_buffer(self.text() + bytes(64))
        if kind == "float":
            return (ctypes.c_float * ROOM)(*[self.random.uniform(-2, 2) for _ in range(ROOM)])
        if kind in self.structures:
            return self.structure(kind)
        if kind == "void":
            return ctypes.create_string_buffer(self.random.choice(self.models) if chance < 0.2 else self.random.randbytes(256), 4096)
        return ctypes.create_string_buffer(4096)

    def structure(self, kind: str) -> Any:
        memory = ctypes.create_string_buffer(256 * ROOM)
        # Pointers are not to be invented: what stands behind the size is zero.
        if kind.endswith("_options"):
            (ctypes.c_int64 * 1).from_buffer(memory)[0] = self.random.choice((8, 16, 24, 32, 40, 48, 64, 96, 128, 0, 7, 5000))
        return memory

    def sized(self, parameter: str, kind: str) -> Any:
        """What a tensor is made of: memory of as many elements as dimensions up to 3 can say."""
        if parameter == "dims":
            return (ctypes.c_int64 * ROOM)(*[self.random.choice((0, 1, 1, 2, 2, 3)) if self.random.random() < 0.97 else -1 for _ in range(ROOM)])
        if parameter == "strides":
            return (ctypes.c_int64 * ROOM)(*[self.random.randrange(4) for _ in range(ROOM)])
        if kind == "char*":
            texts = [self.text() for _ in range(32)]
            return (ctypes.c_char_p * 32)(*texts)
        if parameter == "lengths":
            return (ctypes.c_size_t * 32)(*[0] * 32)
        if kind == "int64_t":
            return (ctypes.c_int64 * 32)(*sorted(self.random.randrange(100) if self.random.random() < 0.99 else -5 for _ in range(32)))
        return ctypes.create_string_buffer(self.random.randbytes(4000), 4096)

    values: list[int] = []

    def call(self, function: Function, says: bool) -> None:
        arguments: list[Any] = []
        outputs: list[tuple[str, Any]] = []
        makes = function.name in ("pinion_tensor_wrap", "pinion_tensor_create_strings", "pinion_tensor_create_text")
        for parameter in function.parameters:
            kind = parameter.kind
            base = kind.rstrip("*")
            stars = len(kind) - len(base)
            if "_fn" in base:
                arguments.append(None)
            elif stars == 0:
                if base == "bool":
                    arguments.append(ctypes.c_bool(self.random.random() < 0.5))
                elif base == "size_t":
                    count = self.random.randrange(ROOM + 1) if self.random.random() < 0.97 else -1
                    arguments.append(ctypes.c_size_t(count % (1 << 64)))
                elif base == "float":
                    arguments.append(ctypes.c_float(self.random.choice((0.0, 1.0, -1.0, float("nan"), 1e30))))
                elif base == "double":
                    arguments.append(ctypes.c_double(self.random.choice((0.0, 1.0, float("inf")))))
                elif parameter.name == "rank":
                    arguments.append(ctypes.c_int32(self.random.choice((-1, 0, 1, 2, 3, 3 if makes else ROOM, -5))))
                elif base in ("int64_t", "pinion_graph_value"):
                    number = self.random.choice(self.values) if base != "int64_t" and self.values and self.random.random() < 0.9 else self.random.choice(NUMBERS)
                    arguments.append(ctypes.c_int64(min(number, ROOM) if "count" in parameter.name or "length" in parameter.name else number))
                else:
                    number = self.random.choice((0, 1, 1, 1, 2, 3, 7, 8, 9, 10, 11, 12, 50, -1, self.random.choice(NUMBERS)))
                    arguments.append(ctypes.c_int32(ctypes.c_int32(number & 0xFFFFFFFF).value))
            elif base in self.opaque and base not in HANDLES:
                # Borrowed ones, whose life is their owner's; getters take NULL.
                arguments.append(None if stars == 1 else (ctypes.c_void_p * ROOM)())
            elif base in HANDLES and stars == 1:
                arguments.append(ctypes.c_void_p(self.handle(base)))
            elif base in HANDLES and stars == 2 and parameter.is_output:
                place = (ctypes.c_void_p * ROOM)()
                if parameter.name == "outputs" and self.random.random() < 0.1 and self.pools["pinion_value"]:
                    place[0] = self.handle("pinion_value")
                outputs.append((base, (place, place[0])))
                arguments.append(place if self.random.random() < 0.97 else None)
            elif self.random.random() < 0.08:
                arguments.append(None)
            elif makes and "**" not in kind.replace("char**", ""):
                arguments.append(self.sized(parameter.name, kind[:-1]))
            elif base == "char" and stars == 1:
                arguments.append(ctypes.create_string_buffer(self.text() + bytes(ROOM)))
            elif base in self.structures and stars == 1 and base not in HANDLES:
                arguments.append(None if self.random.random() < 0.5 else self.structure(base))
            else:
                memory = self.array(kind[:-1])
                if base == "pinion_graph_value" and "inputs" not in parameter.name:
                    outputs.append((base, (memory, None)))
                arguments.append(memory)
        if says:
            print(function.name, [getattr(a, "value", a) if not isinstance(a, ctypes.Array) else "…" for a in arguments], flush=True)
        self.kept.append(arguments)
        target = getattr(self.library, function.name)
        target.restype = ctypes.c_int64
        if function.name.endswith("_release"):
            kind = function.name.removesuffix("_release")
            if kind not in self.pools:
                return
            pool = self.pools[kind]
            # Each reference goes back once.
            if arguments[0].value and arguments[0].value in pool:
                pool.remove(arguments[0].value)
            elif arguments[0].value:
                return
            target(*arguments)
            return
        result = target(*arguments)
        if function.name.endswith("_retain"):
            kind = function.name.removesuffix("_retain")
            if kind in self.pools and arguments[0].value:
                self.pools[kind].append(arguments[0].value)
            return
        status = ctypes.c_int32(result & 0xFFFFFFFF).value if function.result == "pinion_status" else -1
        for kind, (place, given) in outputs:
            if kind == "pinion_graph_value":
                if status == 0:
                    self.values = [*self.values[-40:], *[v for v in place[:2] if v]]
                continue
            for index, handle in enumerate(place):
                if handle and not (index == 0 and handle == given):
                    self.pools[kind].append(handle)


def models(folder: str) -> list[bytes]:
    import onnx
    from onnx import TensorProto, helper

    def info(name: str, *dims: Any) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)

    concat = helper.make_graph(
        [helper.make_node("Concat", ["past_0", "x"], ["present_0"], axis=1), helper.make_node("Neg", ["x"], ["y"])], "g",
        [info("x", 1, "N", 2), info("past_0", 1, "P", 2)], [info("present_0", 1, "T", 2), info("y", 1, "N", 2)])  # fmt: skip
    add = helper.make_graph([helper.make_node("Add", ["h", "x"], ["hn"]), helper.make_node("Abs", ["hn"], ["y"])], "g", [info("h", 2, 2), info("x", 2, 2)], [info("hn", 2, 2), info("y", 2, 2)])
    branch = helper.make_graph([helper.make_node("Neg", ["x"], ["o"])], "t", [], [info("o", "N")])
    other = helper.make_graph([helper.make_node("Abs", ["x"], ["o"])], "e", [], [info("o", "N")])
    choice = helper.make_graph(
        [helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=other)], "g", [info("x", "N"), helper.make_tensor_value_info("c", TensorProto.BOOL, [])], [info("y", "N")])
    found = []
    for number, graph in enumerate((concat, add, choice)):
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString()
        Path(folder, f"m{number}.onnx").write_bytes(made)
        found.append(made)
    assert onnx
    return found


def work(options: argparse.Namespace) -> None:
    progress = mmap.mmap(options.progress, 16) if options.progress >= 0 else None
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        trial = Trial(options.header, options.library, models(folder), folder)
        # Tensors of gigabytes, which a host may ask for, are refused rather than filled.
        limit = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGESIZE") + SPACE
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        end = time.monotonic() + options.seconds
        number = options.first
        while number < options.first + options.runs * options.step and time.monotonic() < end:
            if progress:
                progress[:8] = number.to_bytes(8, "little")
            trial.values = []
            trial.run(number, options.trial is not None)
            number += options.step
        if progress:
            progress[8:] = number.to_bytes(8, "little")


def spent(process: int) -> float:
    """CPU seconds of a process; a machine with much else to do lets it wait as long as it likes."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("header")
    parser.add_argument("library")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--runs", type=int, default=1 << 40)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--trial", type=int)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--progress", type=int, default=-1)
    options = parser.parse_args()
    options.header, options.library = os.path.abspath(options.header), os.path.abspath(options.library)
    if options.trial is not None:
        options.first, options.runs = options.trial, 1
    if options.trial is not None or options.progress >= 0:
        work(options)
        return 0
    end = time.monotonic() + options.seconds
    workers: list[tuple[subprocess.Popen[bytes], mmap.mmap, int]] = []
    total = faults = 0

    def start(first: int, runs: int) -> None:
        file = os.memfd_create("progress")
        os.ftruncate(file, 16)
        command = [sys.executable, __file__, options.header, options.library, "--first", str(first), "--runs", str(runs), "--step", str(options.jobs)]
        command += ["--seconds", str(max(end - time.monotonic(), 1)), "--progress", str(file)]
        process = subprocess.Popen(command, pass_fds=[file], stderr=subprocess.PIPE, env={**os.environ, "SWIFT_BACKTRACE": "enable=no"})
        workers.append((process, mmap.mmap(file, 16), first))
        os.close(file)

    for job in range(options.jobs):
        start(options.first + job, options.runs // options.jobs)
    last = {id(memory): (b"", time.monotonic(), 0.0) for _, memory, _ in workers}
    while workers:
        time.sleep(0.2)
        for worker in list(workers):
            process, memory, first = worker
            seen, since, used = last.get(id(memory), (b"", time.monotonic(), 0.0))
            if memory[:8] != seen:
                last[id(memory)] = (memory[:8], time.monotonic(), spent(process.pid))
            elif process.poll() is None and (spent(process.pid) - used > PATIENCE or time.monotonic() - since > 10 * PATIENCE):
                process.kill()
            if process.poll() is None:
                continue
            workers.remove(worker)
            number = int.from_bytes(memory[:8], "little")
            total += (number - first) // options.jobs + 1
            if process.returncode != 0:
                faults += 1
                assert process.stderr
                print(json.dumps(dict(trial=number, ended_with=process.returncode, error=process.stderr.read().decode(errors="replace")[-1500:])), flush=True)
                if faults < 20 and time.monotonic() < end:
                    start(number + options.jobs, max(options.runs - (number - first) // options.jobs, 1))
    print(f"calls: {total} trials of {CALLS} calls of {len(functions(options.header))} functions, {faults} ended the process")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
