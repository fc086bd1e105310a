"""files.py FILES.SO [--races SECONDS]: files that fail, shrink, change and move while models are loaded from them.

Each fault has to end in PINION_IO (or another code), and what has been loaded stays what it was. RUN_MODEL names the command, which is
tried on a full disk.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

SHORT, INTERRUPTED, FAILS_AT, TRUNCATED_AT, MAP_FAILS = 1, 2, 3, 4, 5
COUNT = 40_000


def model(value: float, external: str | None = None) -> bytes:
    """y = x + w, with weights that are all `value`, in the file or in another."""
    weights = onnx.numpy_helper.from_array(np.full(COUNT, value, np.float32), "w")
    if external is not None:
        weights.ClearField("raw_data")
        weights.data_location = TensorProto.EXTERNAL
        weights.external_data.add(key="location", value=external)
    info = helper.make_tensor_value_info
    graph = helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "g", [info("x", 1, [1])], [info("y", 1, None)], [weights])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString()


class Checks:
    def __init__(self, library: str, races: float) -> None:
        import pinion

        self.pinion, self.races, self.count, self.failed = pinion, races, 0, 0
        self.shim = ctypes.CDLL(library)

    @contextmanager
    def fault(self, kind: int, at: int = 0, path: Path | str = "") -> Iterator[None]:
        self.shim.files_fault(kind, at, os.fsencode(path))
        try:
            yield
        finally:
            self.shim.files_fault(0, 0, b"")

    def expect(self, what: str, holds: bool) -> None:
        self.count += 1
        if not holds:
            self.failed += 1
            print(f"  {what}: not so")

    def load(self, path: Path, **options: Any) -> Any:
        return self.pinion.Session(self.pinion.Model(str(path), **options), threads=1)

    def value(self, session: Any) -> float:
        """The one number that all weights are."""
        y = session.run({"x": np.zeros(1, np.float32)})[0]
        self.expect("all weights are of one file", bool((y == y[0]).all()) and y.size == COUNT)
        return float(y[0])

    def refuses(self, what: str, call: Callable[[], Any], *kinds: type[Exception]) -> None:
        try:
            call()
            self.expect(f"{what} is refused", False)
        except kinds or (self.pinion.InputOutputError,):
            self.expect(what, True)
        except self.pinion.Error as error:
            print(f"  {what}: {type(error).__name__}: {error}")
            self.expect(f"{what} has the right code", False)

    # ------------------------------------------------------------------------------------------------------------ reads

    def reads(self, folder: Path) -> None:
        path, outside = folder / "m.onnx", folder / "e.onnx"
        path.write_bytes(model(2))
        outside.write_bytes(model(0, "w.bin"))
        data = folder / "w.bin"
        data.write_bytes(np.full(COUNT, 3, np.float32).tobytes())
        for kind in (SHORT, INTERRUPTED):
            with self.fault(kind):
                self.expect("short reads", self.value(self.load(path, read_files=True)) == 2)
                self.expect("short reads of external data", self.value(self.load(outside, read_files=True)) == 3)
        for at in (1, 2, 10, 30):
            with self.fault(FAILS_AT, at):
                self.refuses(f"EIO at read {at}", lambda: self.load(path, read_files=True))
                self.shim.files_fault(FAILS_AT, at, b"")
                self.refuses(f"EIO at read {at} of external data", lambda: self.load(outside, read_files=True))
        for at in (2, 10):
            with self.fault(TRUNCATED_AT, at, path):
                self.refuses(f"a file that shrinks at read {at}", lambda: self.load(path, read_files=True))
            path.write_bytes(model(2))
        with self.fault(MAP_FAILS):
            self.refuses("a file that cannot be mapped", lambda: self.load(path))
            self.expect("a file that need not be mapped", self.value(self.load(path, read_files=True)) == 2)
        # What has been read stays, whatever becomes of the files.
        first, second = self.load(path, read_files=True), self.load(outside, read_files=True)
        for file in (path, data):
            with open(file, "r+b") as opened:
                opened.truncate(10)
        self.expect("a model whose file was truncated", self.value(first) == 2)
        self.expect("a model whose external data were truncated", self.value(second) == 3)
        path.unlink()
        data.unlink()
        self.expect("a model whose file was deleted", self.value(first) == 2)
        self.refuses("a file that is gone", lambda: self.load(path))
        self.refuses("external data that are gone", lambda: self.load(outside))
        path.write_bytes(b"")
        self.refuses("an empty file", lambda: self.load(path))
        self.refuses("an empty file that is read", lambda: self.load(path, read_files=True))
        self.refuses("a folder", lambda: self.load(folder))

    def descriptors(self, folder: Path) -> None:
        path = folder / "m.onnx"
        path.write_bytes(model(2, "w.bin"))
        (folder / "w.bin").write_bytes(np.full(COUNT, 3, np.float32).tobytes())
        used = len(os.listdir("/proc/self/fd"))
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        for room in range(0, 6):
            resource.setrlimit(resource.RLIMIT_NOFILE, (used + room, hard))
            try:
                self.expect("few descriptors", self.value(self.load(path)) == 3)
            except (self.pinion.InputOutputError, self.pinion.OutOfMemoryError):
                self.expect("too few descriptors", True)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(50):
            with self.fault(MAP_FAILS):
                try:
                    self.load(path)
                except self.pinion.Error:
                    pass
        self.expect("no descriptor is left open", len(os.listdir("/proc/self/fd")) <= used + 1)

    # ------------------------------------------------------------------------------------------------------------ races

    def race(self, change: Callable[[int], None], check: Callable[[], None]) -> int:
        """Runs `check` again and again while a thread makes changes."""
        stop = threading.Event()

        def work() -> None:
            turn = 0
            while not stop.is_set():
                change(turn)
                turn += 1

        thread = threading.Thread(target=work)
        thread.start()
        end, turns = time.monotonic() + self.races, 0
        try:
            while time.monotonic() < end:
                check()
                turns += 1
        finally:
            stop.set()
            thread.join()
        return turns

    def links(self, folder: Path, secret: Path) -> None:
        """A link that leads now inside, now outside: what lies outside is never read."""
        path = folder / "m.onnx"
        path.write_bytes(model(0, "w.bin"))
        (folder / "good.bin").write_bytes(np.full(COUNT, 3, np.float32).tobytes())
        secret.write_bytes(np.full(COUNT, 666, np.float32).tobytes())

        def change(turn: int) -> None:
            new = folder / "new"
            new.unlink(missing_ok=True)
            os.symlink(str(secret) if turn % 2 else "good.bin", new)
            os.replace(new, folder / "w.bin")

        change(0)
        seen: dict[str, int] = {}

        def check() -> None:
            for reads in (False, True):
                try:
                    value = self.value(self.load(path, read_files=reads))
                    seen[str(value)] = seen.get(str(value), 0) + 1
                except self.pinion.InputOutputError:
                    seen["refused"] = seen.get("refused", 0) + 1

        turns = self.race(change, check)
        self.expect(f"links that change, {turns} loads: {seen}", set(seen) <= {"3.0", "refused"})

    def renames(self, folder: Path) -> None:
        """A file that is replaced as a whole: each load sees one of the two."""
        path, values = folder / "m.onnx", (2.0, 5.0)
        path.write_bytes(model(2))

        def change(turn: int) -> None:
            new = folder / "new.onnx"
            new.write_bytes(model(values[turn % 2]))
            os.replace(new, path)

        seen: dict[float, int] = {}

        def check() -> None:
            for reads in (False, True):
                value = self.value(self.load(path, read_files=reads))
                seen[value] = seen.get(value, 0) + 1

        turns = self.race(change, check)
        self.expect(f"files that are replaced, {turns} loads: {seen}", set(seen) <= set(values))

    def writes(self, folder: Path) -> None:
        """A file that is written while it is read: an old or a new one, or a refusal, and never a crash."""
        path = folder / "m.onnx"
        path.write_bytes(model(2))

        def change(turn: int) -> None:
            content = model((2.0, 5.0)[turn % 2])
            with open(path, "r+b") as file:
                file.truncate(len(content) // 2)
                file.write(content)

        def check() -> None:
            try:
                self.load(path, read_files=True)
            except self.pinion.Error:
                pass

        self.expect(f"a file that is written over, {self.race(change, check)} loads", True)

    def disk(self, folder: Path) -> None:
        command = os.environ.get("RUN_MODEL")
        if not command:
            return
        path = folder / "m.onnx"
        path.write_bytes(model(2))
        for target in ("/dev/full", str(folder / "missing" / "y.npz")):
            done = subprocess.run([command, "run", str(path), "--outputs", target], capture_output=True, text=True, env={**os.environ, "LD_PRELOAD": ""})
            self.expect(f"outputs to {target}: status {done.returncode}, {done.stderr[:200]}", done.returncode > 0 and bool(done.stderr.strip()))
        with open("/dev/full", "w") as full:
            done = subprocess.run([command, "inspect", str(path)], stdout=full, stderr=subprocess.PIPE, text=True, env={**os.environ, "LD_PRELOAD": ""})
        self.expect(f"text to a full disk: status {done.returncode}", done.returncode >= 0)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("--races", type=float, default=2)
    options = parser.parse_args()
    library = os.path.abspath(options.library)
    if os.environ.get("LD_PRELOAD") != library:
        done = subprocess.run([sys.executable, __file__, *sys.argv[1:]], env={**os.environ, "LD_PRELOAD": library, "SWIFT_BACKTRACE": "enable=no"})
        if done.returncode < 0:
            print(f"files: ended by signal {-done.returncode}")
        return 1 if done.returncode else 0
    checks = Checks(library, options.races)
    for name in ("reads", "descriptors", "links", "renames", "writes", "disk"):
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
            checks.links(Path(folder), Path(other) / "secret") if name == "links" else getattr(checks, name)(Path(folder))
    print(f"files: {checks.count} checks, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
